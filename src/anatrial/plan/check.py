"""The gate: every target of every scenario, every prior, the evidence, and what moved against a baseline."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from anatrial import __version__
from anatrial.documents.base import Base
from anatrial.documents.derived import Derived
from anatrial.documents.indication import Indication
from anatrial.documents.trial_scenario import BaseTarget, ResolvedTrial
from anatrial.domain.cells import CellResult
from anatrial.domain.checked import (
    BAD_INPUT,
    FAILED,
    INCONCLUSIVE,
    INTERNAL,
    NUMERICAL,
    PASSED,
    Baseline,
    Checked,
    CheckedScenario,
    Entry,
    Item,
    Why,
)
from anatrial.domain.prior import State
from anatrial.domain.results import Outcome, Verdict
from anatrial.engine.workers import Lost, spread
from anatrial.errors import ComputationError, Fault, InputError
from anatrial.plan import evidence
from anatrial.plan.asking import Asker, Question
from anatrial.plan.baseline import entry, movement
from anatrial.plan.cells import cell_verdicts
from anatrial.plan.derive import integrated
from anatrial.plan.evaluate import evaluate
from anatrial.plan.ports import SILENT, Progress

CODES: dict[Outcome, int] = {"PASS": PASSED, "FAIL": FAILED, "INCONCLUSIVE": INCONCLUSIVE}
SAME_SHAPE = 1e-9
"""How far the shapes and weights of a closed form may differ, relatively: sums of whole numbers, rounded."""
SAME_LAW = 1e-6
"""How far the distribution of a fitted closed form may differ: parts that do nearly the same work share it differently
with every version of numpy and scipy (by 1e-6 of a shape, 3e-8 of the distribution)."""
RATES = tuple(k / 200 for k in range(1, 200))


class ScenarioFile(NamedTuple):
    """A scenario file as it was read: ready to run, or why not."""

    name: str
    file: str
    """As people and hosting services name it."""
    lines: tuple[int, ...]
    """Where the targets stand in the file; empty if that cannot be told."""
    read: tuple[Base, ResolvedTrial[Any]] | Why


class KeptPrior(NamedTuple):
    """A derived prior as it is kept."""

    name: str
    state: State
    derived: Derived | None
    """None unless it is up to date."""


class IndicationFile(NamedTuple):
    """An indication file as it was read, with its derived priors, or why not."""

    name: str
    file: str
    read: tuple[Indication, tuple[KeptPrior, ...]] | Why


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is to be checked."""

    scenarios: tuple[ScenarioFile, ...]
    indications: tuple[IndicationFile, ...]
    whole: bool
    """Whether these are all scenarios, so that others in a baseline are gone."""
    quick: bool = False
    """Whether no prior is derived again."""


def why(error: Exception) -> Why:
    """What an exception asks of the program's end."""
    match error:
        case InputError():
            return Why(BAD_INPUT, "\n".join(str(fault) for fault in error.faults))
        case ComputationError():
            return Why(NUMERICAL, f"the computation could not be completed: {error}")
        case _:
            return Why(INTERNAL, f"internal error ({type(error).__name__}: {error}); please report it with the file")


def check(asked: Gathered, asker: Asker, progress: Progress = SILENT) -> Checked:
    """Every verdict of what is asked; whatever is wrong with one file, the others are still checked."""
    jobs = [] if asked.quick else _fresh(asked)
    runs = [one.read for one in asked.scenarios if not isinstance(one.read, Why)]
    bar = _Bar(progress, len(runs) + len(jobs))
    answers = iter(_answers([Question(k, base, ()) for k, (base, _) in enumerate(runs)], asker, bar))
    scenarios = tuple(_scenario(one, answers) for one in asked.scenarios)
    again = dict(_again(jobs, asker, bar))
    priors = tuple(item for one in asked.indications for item in _priors(one, again, quick=asked.quick))
    return Checked(scenarios, priors, tuple(map(_evidence, asked.indications)), asked.quick, __version__)


class _Bar:
    """One progress of several parts."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total, self._before = progress, total, 0

    def advance(self, done: int, total: int) -> None:
        """``done`` of the ``total`` steps of this part are finished."""
        self._progress.advance(self._before + done, self._total)
        if done == total:
            self._before += total


# ---- scenarios ----


def _answers(questions: list[Question], asker: Asker, bar: _Bar) -> list[tuple[CellResult, float | None]]:
    """Answers in order, each with its seconds where one worker computes them one after another."""
    if asker.workers.count > 1 or asker.workers.dask is not None:
        return [(result, None) for result in asker.all_of(questions, bar)]
    found: list[tuple[CellResult, float | None]] = []
    for question in questions:
        start = time.perf_counter()
        result = asker.all_of([question])[0]
        found.append((result, time.perf_counter() - start))
        bar.advance(len(found), len(questions))
    return found


def _scenario(one: ScenarioFile, answers: Iterator[tuple[CellResult, float | None]]) -> CheckedScenario:
    """The verdict on every target; a scenario that could not be read has none."""
    if isinstance(one.read, Why):
        return CheckedScenario(one.name, (Item("scenario", "the file", one.read.code, one.read.text, one.file),))
    _, used = one.read
    result, seconds = next(answers)
    if result.failure is not None:
        told = _failure(used, result)
        items = (_item(one, k, target, told) for k, target in enumerate(used.scenario.targets))
        return CheckedScenario(one.name, tuple(items), seconds=seconds)
    verdicts = [(target, _verdict(used, target, result)) for target in used.scenario.targets]
    items = (_item(one, k, target, found) for k, (target, found) in enumerate(verdicts))
    kept = [(target.said, found) for target, found in verdicts if isinstance(found, Verdict)]
    return CheckedScenario(one.name, tuple(items), entry(used, result, kept), seconds)


def _failure(used: ResolvedTrial[Any], result: CellResult) -> Why:
    """Why a scenario has no numbers; what would come again is asked again, to be told in full."""
    if result.lasting:
        try:
            evaluate(used)
        except Exception as error:  # noqa: BLE001 - the other scenarios are still told
            return why(error)
    return Why(NUMERICAL if result.lasting else INTERNAL, result.failure or "")


def _verdict(used: ResolvedTrial[Any], target: BaseTarget, result: CellResult) -> Verdict | Why:
    """Whether a target holds; a number that is none, or is not there, is no verdict."""
    try:
        found = cell_verdicts(used.scenario.model_copy(update={"targets": (target,)}), result)[0]
    except KeyError:
        return Why(NUMERICAL, f"no number {target.metric!r} under {target.truth!r} came out")
    if any(math.isnan(number) for number in found.estimate[:3]):
        return Why(NUMERICAL, f"{target.metric!r} under {target.truth!r} is not defined in any trial")
    return found


def _item(one: ScenarioFile, index: int, target: BaseTarget, found: Verdict | Why) -> Item:
    line = one.lines[index] if index < len(one.lines) else None
    if isinstance(found, Why):
        return Item("target", target.said, found.code, found.text, one.file, line)
    return Item("target", target.said, CODES[found.outcome], "", one.file, line, found)


# ---- priors and evidence ----


_Place = tuple[str, str]
"""The file of an indication, and a prior in it."""


class _Recipe(NamedTuple):
    """A prior to derive again."""

    file: str
    indication: Indication
    prior: str


def _fresh(asked: Gathered) -> list[_Recipe]:
    """Every recipe whose derived prior is up to date, and so can be compared."""
    read = [(one.file, *one.read) for one in asked.indications if not isinstance(one.read, Why)]
    return [
        _Recipe(file, found, kept.name) for file, found, kept_ in read for kept in kept_ if kept.derived is not None
    ]


def _derived(job: _Recipe) -> Derived | Why:
    try:
        return integrated(job.indication, job.prior).derived
    except Exception as error:  # noqa: BLE001 - the other priors are still checked
        return why(error)


def _again(jobs: list[_Recipe], asker: Asker, bar: _Bar) -> Iterator[tuple[_Place, Derived | Why]]:
    """Priors by place, derived once more by integration: in closed form, never by sampling."""
    for done, (job, found) in enumerate(spread(_derived, jobs, asker.workers), start=1):
        bar.advance(done, len(jobs))
        yield (job.file, job.prior), Why(INTERNAL, found.why) if isinstance(found, Lost) else found


def _priors(one: IndicationFile, again: dict[_Place, Derived | Why], *, quick: bool) -> Iterator[Item]:
    if isinstance(one.read, Why):
        return
    for kept in one.read[1]:
        name, mend = f"{one.name}/{kept.name}", f"anatrial prior derive {one.name} {kept.name}"
        wrong: Why | None = None
        if kept.derived is None:
            wrong = Why(BAD_INPUT, f"{kept.state}; {mend}")
        elif not quick:
            found = again[one.file, kept.name]
            wrong = found if isinstance(found, Why) else _differs(kept.derived, found, mend)
        yield Item("prior", name, wrong.code if wrong else PASSED, wrong.text if wrong else "", one.file)


def _differs(kept: Derived, again: Derived, mend: str) -> Why | None:
    """Why a kept prior is not what its recipe makes, if it is not."""
    if kept.fit is None or again.fit is None:
        ours, theirs = _shapes(kept), _shapes(again)
        same = len(ours) == len(theirs) and all(
            math.isclose(a, b, rel_tol=SAME_SHAPE, abs_tol=0.0) for a, b in zip(ours, theirs, strict=True)
        )
        said = "its shapes and weights differ"
    else:
        law, other = kept.value().mixture, again.value().mixture
        apart = max(abs(law.cdf(rate) - other.cdf(rate)) for rate in RATES)
        same = apart <= SAME_LAW and kept.robust == again.robust
        said = f"its distribution differs by {apart:.2g}"
    if same:
        return None
    return Why(FAILED, f"derived again, {said}: it was derived elsewhere or by another version; {mend}")


def _shapes(derived: Derived) -> list[float]:
    parts = [*derived.informative, *([derived.robust] if derived.robust else [])]
    return [number for part in parts for number in (part.weight, part.a, part.b)]


def _evidence(one: IndicationFile) -> Item:
    """Whether the published numbers of a file agree with themselves."""
    if isinstance(one.read, Why):
        return Item("evidence", one.name, one.read.code, one.read.text, one.file)
    try:
        faults = [found for found in evidence.check(one.read[0]) if found.status == "fault"]
    except Exception as error:  # noqa: BLE001 - the other files are still checked
        return Item("evidence", one.name, why(error).code, why(error).text, one.file)
    said = "\n".join(f"{found.record}, {found.check}: {found.arithmetic}" for found in faults)
    return Item("evidence", one.name, FAILED if faults else PASSED, said, one.file)


# ---- baseline ----


def once(asked: Gathered) -> Gathered:
    """The same, if no two scenarios have one name, by which a baseline knows them; else ``InputError``."""
    names = [one.name for one in asked.scenarios]
    if twice := [one.file for one in asked.scenarios if names.count(one.name) > 1]:
        got = f"scenarios of one name: {', '.join(twice)}"
        raise InputError(Fault("--baseline", got, "names of their own for the files"))
    return asked


def against(checked: Checked, before: Baseline, *, whole: bool, accepted: bool = False) -> Checked:
    """What was checked beside a baseline: other results for the same inputs are a failure, unless they are accepted.

    ``whole``: all scenarios were checked, so that others in the baseline are gone.
    """
    names = {one.name for one in checked.scenarios}
    beside = tuple(_beside(one, before.get(one.name), accepted=accepted) for one in checked.scenarios)
    gone = tuple(sorted(before.keys() - names)) if whole else ()
    return replace(checked, scenarios=beside, gone=gone)


def _beside(one: CheckedScenario, before: Entry | None, *, accepted: bool) -> CheckedScenario:
    if one.entry is None:
        return one
    found = movement(before, one.entry)
    broken = found.kind == "changed results" and not accepted
    said = "numbers are others although the inputs are the same" if broken else ""
    file = one.items[0].file
    item = Item("results", "the baseline's results", FAILED if broken else PASSED, said, file)
    return replace(one, items=(*one.items, item), movement=found)
