"""Example trials of the kinds that are not told by counts at looks: which trials are chosen, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from anatrial import __version__
from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.domain.examples import Share
from anatrial.domain.told_trials import Missing, Telling, ToldKind, ToldTrial, ToldTrials
from anatrial.errors import Fault, InputError
from anatrial.numerics import BoolArray, FloatArray, IntArray
from anatrial.plan.planned import EXTREME

TELLERS = ("several_endpoints", "time_to_event", "visits", "withdrawal")
"""Kinds of trial with a module ``told_<kind>`` beside this one."""
SAME = 1e-12  # observed effects that differ by less are the same one


class Observed(NamedTuple):
    """A number of each trial whose tails surprise. NaN where a trial has none.

    ``what``: the number in words; ``said``: the result of one trial; ``low`` and ``high``: how the tails are told.
    """

    values: FloatArray
    what: str
    said: Callable[[int], str]
    low: str = "as few or fewer"
    high: str = "as many or more"

    def tails(self) -> tuple[FloatArray, FloatArray]:
        """Share of all trials with at most, and with at least, the value of each trial; NaN where it has none."""
        known = np.sort(self.values[~np.isnan(self.values)])
        below = np.searchsorted(known, self.values, side="right") / len(self.values)
        above = (len(known) - np.searchsorted(known, self.values, side="left")) / len(self.values)
        there = ~np.isnan(self.values)
        return np.where(there, below, np.nan), np.where(there, above, np.nan)


class Special(NamedTuple):
    """A kind of trial that only some designs have: those that can be told, and those that are counted as alike."""

    kind: ToldKind
    fits: BoolArray
    alike: BoolArray
    what: str
    why: Callable[[int], str]


@dataclass(frozen=True)
class Played:
    """The first block of simulated trials under one truth, decided.

    ``works``: whether success would be right; None where that is uncertain. ``tellable``: trials whose success or
    failure is that of the rule. ``effect``: what is observed of the effect, NaN where nothing is.
    """

    truth: str
    works: bool | None
    success: BoolArray
    tellable: BoolArray
    effect: FloatArray
    effect_said: str
    result: Observed
    special: tuple[Special, ...]
    tell: Callable[[int], Telling]
    false_what: str = "succeed without an effect"
    false_why: str = "success is declared although there is no effect"


class _Pick(NamedTuple):
    """Trials that fit, those that are counted as alike (in words ``what``), and why one was chosen."""

    kind: ToldKind
    played: Played
    fits: BoolArray
    alike: BoolArray
    what: str
    why: Callable[[int], str]


def told_trials(used: ResolvedTrial[Any]) -> ToldTrials:
    """Up to six trials of the first simulated block of each truth, the first that fits its description; none twice."""
    plan, arms, kind = used.resolved, used.scenario.arms, used.scenario.design.kind
    if kind not in TELLERS:
        expected = f"fixed, sequential, {', '.join(TELLERS[:-1])} or {TELLERS[-1]}, for anatrial examples"
        raise InputError(
            Fault(f"{used.name}: design.kind", repr(kind), expected, "anatrial simulate --patients writes such trials")
        )
    teller: Any = import_module(f"anatrial.plan.told_{kind}")
    hoped, idle = _truths(plan, teller)
    trials: list[ToldTrial] = []
    missing: list[Missing] = []
    for pick in _picks(
        arms.treatment,
        None if hoped is None else teller.played(used, hoped),
        None if idle is None else teller.played(used, idle),
    ):
        taken = {trial.number for trial in trials}
        row = next((row for row in np.flatnonzero(pick.fits).tolist() if row + 1 not in taken), None)
        if row is None:
            missing.append(Missing(pick.kind, pick.played.truth, pick.what, len(pick.fits)))
            continue
        share = Share(pick.what, int(pick.alike.sum()), len(pick.alike))
        told = pick.played.tell(row)
        trials.append(ToldTrial(pick.kind, row + 1, pick.played.truth, pick.why(row), share, told))
    return ToldTrials(
        scenario=used.name,
        title=plan.title,
        design_kind=kind,
        unit=getattr(plan.design, "unit", None),
        success=plan.rule.said(arms.treatment, arms.control),
        seed=plan.seed,
        trials=tuple(trials),
        not_found=tuple(missing),
        notes=tuple(teller.notes(plan)),
        scenario_digest=used.digest,
        tool_version=__version__,
    )


def _truths(plan: Any, teller: Any) -> tuple[str | None, str | None]:
    """The first truth where the medicine works, else the first uncertain one; and the first without effect."""
    works = {name: teller.works(plan, name) for name in plan.truths}
    hoped = [name for name, one in works.items() if one] + [name for name, one in works.items() if one is None]
    idle = [name for name, one in works.items() if one is False]
    return (hoped[0] if hoped else None), (idle[0] if idle else None)


def _picks(treatment: str, hoped: Played | None, idle: Played | None) -> Iterator[_Pick]:
    """Every description that the scenario has a truth for."""
    if hoped is not None:
        yield _typical(hoped)
        said = f" although {treatment} works" if hoped.works else ""
        missed, why = ~hoped.success, f"it does not succeed{said}"
        yield _Pick("failure", hoped, missed & hoped.tellable, missed, f"do not succeed{said}", lambda _: why)
    if idle is not None:
        won, wrong = idle.success, idle.false_why
        yield _Pick("false success", idle, won & idle.tellable, won, idle.false_what, lambda _: wrong)
    first = hoped or idle
    if first is None:
        return
    yield _conflict(first)
    for special in first.special:
        yield _Pick(special.kind, first, special.fits, special.alike, special.what, special.why)


def _typical(played: Played) -> _Pick:
    """A success whose observed effect is the median of all successes."""
    fits = played.success & played.tellable & ~np.isnan(played.effect)
    if fits.any():
        middle = np.quantile(played.effect[fits], 0.5, method="lower")
        fits &= np.abs(played.effect - middle) < SAME
    why = f"its {played.effect_said} is the median of all successes"
    return _Pick("typical success", played, fits, played.success, "succeed", lambda _: why)


def _conflict(played: Played) -> _Pick:
    """A result in the outer 2.5 % of those that the truth brings, on either side."""
    result = played.result
    below, above = result.tails()
    odd = np.fmin(below, above) < EXTREME

    def why(row: int) -> str:
        few = below[row] < above[row]
        share, tail = (below[row], result.low) if few else (above[row], result.high)
        return f"{result.said(row)}, where only {100 * share:.2g} % of the simulated trials have {tail}"

    return _Pick("conflict", played, odd & played.tellable, odd, f"have {result.what} that surprises the truth", why)


def share_of(x: IntArray, n: IntArray) -> FloatArray:
    """Shares x / n, NaN where n is 0."""
    return np.where(n > 0, x / np.maximum(n, 1), np.nan)


def many(lost: IntArray, patients: int, tellable: BoolArray) -> tuple[Special, ...]:
    """Trials with so many drop-outs that fewer than 2.5 % have as many; ``lost`` is their number, shape (trials,)."""
    if not lost.any():
        return ()
    above = Observed(lost.astype(np.float64), "", str).tails()[1]

    def why(row: int) -> str:
        share = f"{100 * above[row]:.2g} % of the simulated trials have as many or more"
        return f"{int(lost[row])} of {patients} patients leave; {share}"

    what = "lose so many patients that fewer than 2.5 % lose as many"
    return (Special("many drop-outs", (above < EXTREME) & tellable, above < EXTREME, what, why),)
