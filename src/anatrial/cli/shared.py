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


def each(names: list[str], one: Callable[[str], int]) -> tuple[int, list[dict[str, str]]]:
    """Run every name even where one is wrong: the worst exit code, and the faults as JSON content."""
    from anatrial.errors import ComputationError, InputError

    codes, faults = [], []
    for name in names:
        try:
            codes.append(one(name))
        except InputError as error:
            remark("\n".join(str(fault) for fault in error.faults))
            faults += [fault._asdict() for fault in error.faults]
            codes.append(BAD_INPUT)
        except ComputationError as error:
            remark(f"{name}: the computation could not be completed: {error}")
            faults.append({"where": name, "got": str(error), "expected": "a number that can be stood for", "fix": ""})
            codes.append(NUMERICAL)
    return next(code for code in WORST_FIRST if code in codes), faults


class Bar:
    """Progress with the time left on stderr where a person watches, nothing where nobody does."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._progress: Progress | None = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import Progress

            self._progress = Progress(console=Console(stderr=True), transient=True)
            self._progress.start()
            self._task = self._progress.add_task(self._what)
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def advance(self, done: int, total: int) -> None:
        """``done`` of ``total`` steps are finished."""
        if self._progress is not None:
            self._progress.update(self._task, completed=done, total=total)


def guarded(app: Callable[[], object]) -> None:
    """Run the program so that no traceback reaches a user."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # results must not depend on how BLAS splits a sum
    gc.set_threshold(100_000)  # a command is short: collecting while modules load would cost a tenth of it
    code = _outcome(app)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = PASSED
    sys.exit(code)


def _outcome(app: Callable[[], object]) -> int:
    from anatrial.errors import ComputationError, InputError

    try:
        app()
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else PASSED if stop.code is None else INTERNAL
    except InputError as error:
        remark("\n".join(str(fault) for fault in error.faults))
        _tell({"error": "input", "faults": [fault._asdict() for fault in error.faults]})
        code = BAD_INPUT
    except ComputationError as error:
        remark(f"the computation could not be completed: {error}")
        _tell({"error": "computation", "message": str(error)})
        code = NUMERICAL
    except KeyboardInterrupt:
        remark("interrupted")
        code = INTERRUPTED
    except BrokenPipeError:
        code = PASSED
    except Exception as error:  # noqa: BLE001 - the last resort: a traceback never reaches a user
        remark(f"internal error ({type(error).__name__}: {error}); please report it with the command and the files")
        _tell({"error": "internal", "message": f"{type(error).__name__}: {error}"})
        code = INTERNAL
    else:
        code = PASSED
    return code


def _tell(content: dict[str, Any]) -> None:
    """Errors are JSON on stdout too where JSON was asked for."""
    if "--json" in sys.argv:
        say_json(content)
