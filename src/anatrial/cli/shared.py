"""What every command shares: how errors end the program, and where words go."""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer

if TYPE_CHECKING:
    from rich.progress import Progress


Json = Annotated[bool, typer.Option("--json", help="Print JSON at full precision.")]
PASSED, FAILED, BAD_INPUT, INCONCLUSIVE, NUMERICAL, INTERNAL, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130
WORST_FIRST = (INTERNAL, NUMERICAL, BAD_INPUT, FAILED, INCONCLUSIVE, PASSED)


def say(text: str) -> None:
    """Print a result."""
    sys.stdout.write(text + "\n")


def remark(text: str) -> None:
    """Print a remark or progress, beside the results."""
    sys.stderr.write(text + "\n")


def say_json(content: Any) -> None:
    """Print JSON at full precision."""
    say(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False))


def each(names: list[str], one: Callable[[str], int]) -> tuple[int, list[dict[str, Any]]]:
    """Run every name even where one is wrong: the worst exit code, and what went wrong as JSON content."""
    codes, errors = [], []
    for name in names:
        try:
            codes.append(one(name))
        except BrokenPipeError:  # nobody reads on
            raise
        except Exception as error:  # noqa: BLE001 - the others are still run
            code, content = told(error, name)
            codes.append(code)
            errors.append(content)
    return next(code for code in WORST_FIRST if code in codes), errors


class Bar:
    """Progress with the time left on stderr where a person watches, nothing where nobody does."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._progress: Progress | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def advance(self, done: int, total: int) -> None:
        """``done`` of ``total`` steps are finished; the first call shows the bar."""
        if self._progress is None and sys.stderr.isatty():
            from rich.console import Console
            from rich.markup import escape
            from rich.progress import Progress

            self._progress = Progress(console=Console(stderr=True), transient=True)
            self._progress.start()
            self._task = self._progress.add_task(escape(self._what))
        if self._progress is not None:
            self._progress.update(self._task, completed=done, total=total)


def guarded(app: Callable[..., Any]) -> None:
    """Run the program so that no traceback reaches a user."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # results must not depend on how BLAS splits a sum
    gc.set_threshold(20_000)  # a command is short: collecting while modules load would cost a tenth of it
    code = _outcome(app)
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = PASSED if isinstance(error, BrokenPipeError) else told(error)[0]
    sys.exit(code)


def _outcome(app: Callable[..., Any]) -> int:
    try:
        code = app(standalone_mode=False)  # commands end with an exit code, which is then returned
    except (SystemExit, BrokenPipeError):  # how a closed pipe comes out of the command framework
        return PASSED
    except KeyboardInterrupt:
        code = INTERRUPTED
    except typer.Abort:
        code = INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last resort: a traceback never reaches a user
        if hasattr(error, "show") and hasattr(error, "exit_code"):  # the command line itself is wrong
            error.show()
            _tell({"error": "usage", "message": str(error)})
            return int(error.exit_code)
        code, content = told(error)
        _tell(content)
    if code == INTERRUPTED:
        remark("interrupted")
    return code if isinstance(code, int) else PASSED


def told(error: Exception, name: str = "") -> tuple[int, dict[str, Any]]:
    """Say on stderr what went wrong (with ``name``, the file at work); the exit code, and the same as JSON content."""
    from anatrial.errors import ComputationError, InputError

    place = f"{name}: " if name else ""
    if isinstance(error, InputError):
        remark("\n".join(str(fault) for fault in error.faults))
        return BAD_INPUT, {"error": "input", "faults": [fault._asdict() for fault in error.faults]}
    if isinstance(error, ComputationError):
        remark(f"{place}the computation could not be completed: {error}")
        return NUMERICAL, {"error": "computation", "message": f"{place}{error}"}
    if isinstance(error, OSError):  # a full disk, a terminal that went away
        remark(f"{place}cannot write: {error.strerror}")
        return BAD_INPUT, {"error": "input", "message": f"{place}{error.strerror}"}
    said = f"{place}{type(error).__name__}: {error}"
    remark(f"internal error ({said}); please report it with the command and the files")
    return INTERNAL, {"error": "internal", "message": said}


def _tell(content: dict[str, Any]) -> None:
    """Errors are JSON on stdout too where JSON was asked for."""
    if "--json" in sys.argv:
        say_json(content)
