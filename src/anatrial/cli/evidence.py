import typer

app = typer.Typer(help="Evidence.", no_args_is_help=True)


@app.command("list")
def list_() -> None:
    """List."""
