"""``anatrial simulate``: virtual trials, patient by patient."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anatrial.cli.shared import NUMERICAL, PASSED, Bar, Json, remark, say, say_json

if TYPE_CHECKING:
    from anatrial.documents.trial_scenario import ResolvedTrial
    from anatrial.domain.tally import SimulationSettings
    from anatrial.files.tallies import KeptBlocks


def simulate(
    scenario: Annotated[str, typer.Argument(help="A scenario file, or the name of a shipped one.")],
    *,
    trials: Annotated[
        int | None, typer.Option(min=1, max=1_000_000_000, help="Virtual trials per truth; else as the file says.")
    ] = None,
    target_mcse: Annotated[
        float | None,
        typer.Option(min=1e-9, max=0.5, help="Go on until no probability has a larger Monte Carlo standard error."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Processes; they never change a number.")] = 1,
    keep: Annotated[
        Path | None, typer.Option(help="File for finished blocks: a second start with it goes on where it stopped.")
    ] = None,
    patients: Annotated[
        Path | None, typer.Option(help="Also write one row per virtual patient and visit (.parquet, CDISC ADaM names).")
    ] = None,
    json: Json = False,
) -> None:
    """Simulate the trial of a scenario, patient by patient, beside the exact numbers."""
    from dataclasses import replace

    from anatrial.files import read_scenario
    from anatrial.plan.simulate import refuse_patients
    from anatrial.plan.simulate import simulate as run
    from anatrial.plan.trials import settings
    from anatrial.report.simulate_text import simulate_content, simulate_text

    used = read_scenario(scenario)
    how = settings(used.resolved, workers)
    how = replace(how, trials=trials or how.trials, target_mcse=target_mcse or how.target_mcse)
    if patients is not None:
        refuse_patients(patients, used, how)
    kept = None if keep is None else _kept(keep, how, used.digest)
    try:
        with Bar(used.name) as bar:
            result = run(used, how, bar, kept.of if kept is not None else lambda _truth: None)
    finally:  # an interruption too loses no finished block
        if kept is not None and kept.blocks:
            kept.save()
            remark(f"kept {kept.blocks} finished blocks in {kept.path}")
    if patients is not None:
        _write_patients(patients, used, how)
    if json:
        say_json(simulate_content(result))
    else:
        say(simulate_text(result, used))
    raise typer.Exit(PASSED if result.agrees else NUMERICAL)


def _write_patients(path: Path, used: ResolvedTrial[Any], how: SimulationSettings) -> None:
    from anatrial.files.parquet import write_parquet
    from anatrial.plan.simulate import truths_to_simulate
    from anatrial.report.adam_trials import rows

    written = write_parquet(path, (batch for truth in truths_to_simulate(used) for batch in rows(used, truth, how)))
    remark(f"wrote {written:,} rows to {path}")


def _kept(path: Path, how: SimulationSettings, scenario: str) -> KeptBlocks:
    from anatrial import __version__
    from anatrial.files.tallies import KeptBlocks
    from anatrial.spec import digest

    return KeptBlocks.opened(path, digest([scenario, how.seed, __version__]))
