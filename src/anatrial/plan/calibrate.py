"""Turn the one number that orders a rule until the promised type I error just holds."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import pairwise
from typing import Any

import numpy as np

from anatrial import __version__
from anatrial.documents.scenario import ResolvedScenario, Scenario, Target, counts_trial
from anatrial.documents.scenario_faults import uncertain_benchmark
from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.domain.calibration import Calibration, Found, Implied, Promise, Setting, SettingLook
from anatrial.domain.counts import Region, Regions
from anatrial.domain.results import ROUNDING, Metric, Outcome, exactly, judged
from anatrial.engine import type_one
from anatrial.engine.characteristics import null_margins, null_rates, power
from anatrial.engine.course import Trial, errors, trial
from anatrial.errors import ComputationError, Fault, InputError
from anatrial.numerics import FloatArray
from anatrial.numerics.superiority import greater_than_rate, probability_greater
from anatrial.plan.ports import SILENT, Progress
from anatrial.rules import AnyRule
from anatrial.rules.base import Dial
from anatrial.rules.monitored import decides_last
from anatrial.rules.posterior import Posterior
from anatrial.truths.no_effect import NoEffect
from anatrial.truths.points import Points

DIGITS = 4  # decimals of the recommended value, where they are enough
MOST_DIGITS = 14  # beyond them two values are the same to the search
SCANNED = 1_000  # values of a dial without order: 3 % apart
STEPS = 42  # halvings: 2e-13 of a certainty, 3e-12 of an alpha
UNIFORM = np.array([[1.0, 1.0, 1.0]])

NO_RULE = (ComputationError, InputError)
"""What a rule raises at values at which its bounds cross, or its stops contradict each other."""
RunsOfLooks = tuple[tuple[tuple[tuple[int, int, int], ...], ...], ...]


def calibrate(used: ResolvedTrial[Any], progress: Progress = SILENT) -> Calibration:
    """The least strict value of the rule's dial at which every target on type I error holds by its proven bound.

    Stricter values never let more results succeed, so the worst type I error never rises with strictness, and halving
    finds the edge; where a rule lacks this order, many values are tried first.

    Raises ``InputError`` where the rule has no such number, where no target promises a type I error over a range, and
    where every value keeps the promises; ``ComputationError`` where no value lets the trial succeed.
    """
    scenario = counts_trial(used, "calibrate")
    plan = scenario.resolved
    dial, targets = _dial(scenario), _targets(scenario)
    search = _Search(plan, targets, dial, progress)
    if search.holds(dial.loosest):
        got = f"a target that every rule.{dial.name} keeps"
        expected = f"an at_most that rule.{dial.name} = {dial.loosest:g} breaks"
        raise InputError(Fault(f"{scenario.name}: targets", got, expected, "there is nothing to calibrate; lower it"))
    found, strictest = search.found(), None
    if found is None:
        strictest = search.setting(search.strictest_success())
    return Calibration(
        scenario=scenario.name,
        title=plan.title,
        dial=dial.name,
        rises=dial.rises,
        nested=dial.nested,
        promises=tuple(Promise(t.said, t.truth, t.threshold) for t in targets),
        before=search.setting(dial.value),
        found=found,
        strictest=strictest,
        scenario_digest=scenario.digest,
        tool_version=__version__,
    )


def _dial(scenario: ResolvedScenario) -> Dial:
    dial = scenario.resolved.rule.dial
    if dial is None:
        expected = "a rule that one certainty, alpha or alpha_factor orders: stricter values never add a success"
        fix = "give it a single certainty or alpha, or search its sizes with `anatrial size`"
        raise InputError(Fault(f"{scenario.name}: rule.kind", repr(scenario.resolved.rule.kind), expected, fix))
    return dial


def _targets(scenario: ResolvedScenario) -> tuple[Target, ...]:
    """Upper bounds on the type I error; at least one over a range of rates."""
    plan = scenario.resolved
    found = tuple(t for t in plan.targets if t.metric == "type_i_error" and t.bound == "at_most")
    if not any(isinstance(plan.truths[t.truth], NoEffect) for t in found):
        fix = 'add [[targets]] with metric = "type_i_error", at_most = 0.05 and the name of a no_effect truth'
        expected = "a target that bounds the type I error over a range of rates without effect"
        raise InputError(Fault(f"{scenario.name}: targets", "none", expected, fix))
    return found


class _Search:
    """Values of the dial, each judged by its regions; equal regions are judged once."""

    def __init__(self, plan: Scenario, targets: tuple[Target, ...], dial: Dial, progress: Progress) -> None:
        self._plan, self._targets, self._dial, self._progress = plan, targets, dial, progress
        self._judged: dict[RunsOfLooks, bool] = {}
        self._steps = 0

    def found(self) -> Found | None:
        """The edge and its neighbourhood; None where nothing that holds lets the trial succeed."""
        inside, outside = self._scanned() if not self._dial.nested else self._bracket()
        if not self.holds(inside):
            return None
        edge, beyond = self._edge(inside, outside, self.holds)
        if not self._succeeds(edge):
            return None
        decided = self._runs(edge)
        last, _ = self._edge(edge, self._dial.strictest, lambda value: self._decides(value, decided))
        value, digits = rounded(edge, last)
        return Found(
            edge=edge,
            interval=(min(edge, last), max(edge, last)),
            digits=digits,
            setting=self.setting(value),
            beyond=self._refusal(beyond),
        )

    def _bracket(self) -> tuple[float, float]:
        """A value that holds, as far as any does, and a looser one that does not."""
        inside, outside = self._dial.value, self._dial.loosest
        while not self.holds(inside) and inside != self._dial.strictest:
            inside, outside = self._dial.stricter(inside), inside
        return inside, outside

    def _scanned(self) -> tuple[float, float]:
        """The loosest of many values that holds, and its looser neighbour, for rules that no order helps to search."""
        dial = self._dial
        values = np.geomspace(dial.loosest, dial.strictest, SCANNED).tolist()
        return next(((v, looser) for looser, v in pairwise(values) if self.holds(v)), (dial.strictest, dial.loosest))

    def strictest_success(self) -> float:
        """The strictest value at which any result succeeds."""
        inside, outside = self._dial.loosest, self._dial.value
        while self._succeeds(outside):
            if outside == self._dial.strictest:
                return outside
            inside, outside = outside, self._dial.stricter(outside)
        if inside == self._dial.loosest and not self._succeeds(inside):
            raise ComputationError(f"no value of rule.{self._dial.name} lets the trial succeed")
        return self._edge(inside, outside, self._succeeds)[0]

    def holds(self, value: float) -> bool:
        """Whether every promise is proven at this value; not where the rule or the proof fails."""
        if self._misfits(value):
            return False
        try:
            runs = self._runs(value)
            if runs not in self._judged:
                run = self._trial(value)
                found = tuple(_error(self._plan, target, run) for target in self._targets)
                self._judged[runs] = set(self._outcomes(found)) == {"PASS"}
        except NO_RULE:
            return False
        return self._judged[runs]

    def setting(self, value: float) -> Setting:
        """Everything that is told of one value."""
        plan, rule, run = self._plan, self._rule(value), self._trial(value)
        worst = type_one.worst(run, null_rates(rule, run), *null_margins(rule, run))
        found = tuple(_error(plan, target, run) for target in self._targets)
        return Setting(
            value=value,
            errors=found,
            outcomes=self._outcomes(found),
            everywhere=Metric("type1_max_everywhere", type_one.estimate(worst), worst.at),
            powers=tuple(
                (name, exactly(power(run, truth)[0]))
                for name, truth in plan.truths.items()
                if isinstance(truth, Points)
            ),
            looks=tuple(
                SettingLook(regions.look, regions.success.tables, _implied(plan, regions.success))
                for regions in self._regions(value)
            ),
        )

    def _outcomes(self, found: tuple[Metric, ...]) -> tuple[Outcome, ...]:
        pairs = zip(found, self._targets, strict=True)
        return tuple(judged(metric.estimate, target.bound, target.threshold) for metric, target in pairs)

    def _edge(self, inside: float, outside: float, holds: Callable[[float], bool]) -> tuple[float, float]:
        """The last value that holds on the way from one that does to one that does not, and one just beyond it."""
        for _ in range(STEPS):
            self._steps += 1
            self._progress.advance(self._steps, 2 * STEPS)
            middle = self._dial.between(inside, outside)
            inside, outside = (middle, outside) if holds(middle) else (inside, middle)
        return inside, outside

    def _rule(self, value: float) -> AnyRule:
        return self._plan.rule.dialled(value)

    def _trial(self, value: float) -> Trial:
        return trial(self._rule(value), self._plan.design)

    def _regions(self, value: float) -> tuple[Regions, ...]:
        return self._rule(value).regions(self._plan.design.looks())

    def _runs(self, value: float) -> RunsOfLooks:
        """All that is decided, as a key."""
        return tuple(
            (r.success.runs, r.harm.runs, () if r.futility is None else r.futility.runs) for r in self._regions(value)
        )

    def _decides(self, value: float, decided: RunsOfLooks) -> bool:
        """Whether a value decides everything as another does."""
        try:
            return self._runs(value) == decided
        except NO_RULE:
            return False

    def _succeeds(self, value: float) -> bool:
        return any(found.success.runs for found in self._regions(value))

    def _refusal(self, value: float) -> str | None:
        """Why there is no rule, or no proof, at this value."""
        try:
            if faults := self._misfits(value):
                raise InputError(*faults)  # noqa: TRY301 - told like those that the regions raise
            run = self._trial(value)
            for target in self._targets:
                _error(self._plan, target, run)
        except ComputationError as error:
            return str(error)
        except InputError as error:
            return "; ".join(f"{fault.where}: {fault.got}" for fault in error.faults)
        return None

    def _misfits(self, value: float) -> list[Fault]:
        """Of a rule without order: looks at which every result stops the trial, or at the end none succeeds."""
        return [] if self._dial.nested else list(self._rule(value).misfits(self._plan.design.looks()))


def rounded(edge: float, last: float) -> tuple[float, int]:
    """The value with the fewest decimals, at least 4, on the way from an edge to the last value that decides alike.

    The edge is rounded towards ``last``. Returns the value and its number of decimals; where not even 14 decimals stay
    between the two, the edge itself.
    """
    way = ROUND_CEILING if last > edge else ROUND_FLOOR
    for digits in range(DIGITS, MOST_DIGITS + 1):
        value = float(Decimal(repr(edge)).quantize(Decimal(1).scaleb(-digits), rounding=way))
        if min(edge, last) <= value <= max(edge, last):
            return value, digits
    return edge, MOST_DIGITS


def _error(plan: Scenario, target: Target, run: Trial) -> Metric:
    """The type I error that a target bounds, and the control rate (single arm: the rate) where it is met."""
    truth = plan.truths[target.truth]
    if isinstance(truth, NoEffect):
        ends = (truth.control.lowest, truth.control.highest)
        found = type_one.worst(run, ends, *null_margins(plan.rule, run))
        return Metric("type1_max", type_one.estimate(found), found.at)
    assert isinstance(truth, Points)
    at = truth.trial_rates()[0 if plan.design.single_arm else 1]
    return Metric("type1_at", exactly(float(errors(run, truth.law(run.look))[0])), at)


def _implied(plan: Scenario, success: Region) -> Implied | None:
    """What every success of a look means at least to someone who knew nothing: uniform priors on both rates."""
    if not plan.rule.one_way or not success.runs:
        return None
    sure = np.where(success.grid, _uniform_posterior(plan, success), np.inf)
    least = int((sure <= sure.min() + ROUNDING).argmax())  # the first of tables that mirror each other
    x_t, x_c = (int(x) for x in np.unravel_index(least, sure.shape))
    return Implied(float(sure[x_t, x_c]), x_t, x_c)


def _uniform_posterior(plan: Scenario, success: Region) -> FloatArray:
    """P(treatment rate - what it is compared with > margin | table), shape (n_t + 1, n_c + 1)."""
    rule, (n_t, n_c) = plan.rule, success.look
    if n_c:
        return probability_greater(UNIFORM, n_t, UNIFORM, n_c, rule.null_margin)
    if uncertain_benchmark(plan):
        final = decides_last(rule)
        assert isinstance(final, Posterior)
        assert final.analysis_prior.control is not None
        return probability_greater(UNIFORM, n_t, final.analysis_prior.control.mixture().array, 0, rule.null_margin)
    assert rule.fixed_benchmark is not None
    return greater_than_rate(UNIFORM, n_t, rule.fixed_benchmark)[:, None]
