"""Every sample size of a range, judged by every target, jointly and alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from anatrial import __version__
from anatrial.designs import Design
from anatrial.designs.fixed import Fixed
from anatrial.documents.scenario import ResolvedScenario, Scenario, Target, counts_trial
from anatrial.documents.scenario_faults import OF_SECTIONS
from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.domain.results import Estimate, SizePoint, SizeSearch, SizeTarget, Skipped, answered, exactly, judged
from anatrial.engine import type_one
from anatrial.engine.characteristics import characteristics, null_margins
from anatrial.engine.course import Trial, trial
from anatrial.errors import ComputationError, Fault, InputError
from anatrial.numerics import tables
from anatrial.plan.evaluate import target_metric
from anatrial.plan.normal_size import normal_sizes
from anatrial.plan.ports import SILENT, Progress
from anatrial.plan.sections import section_metric
from anatrial.plan.two_stage import searches_stages
from anatrial.spec import MAX_N
from anatrial.truths.no_effect import NoEffect
from anatrial.truths.points import Points

NOT_WHOLE = "the allocation gives no whole patients"
SAME_LOOKS = "two looks would be at the same patients"


def size(used: ResolvedTrial[Any], progress: Progress = SILENT) -> SizeSearch:
    """Judge every size of the scenario's ``[size]`` range.

    Raises ``InputError`` where the scenario states no range or the range passes the limit of exact enumeration.
    """
    scenario = counts_trial(used, "size")
    plan = scenario.resolved
    if searches_stages(scenario):
        got, expected = "counts that are written out, which fit no other size", "a rule that follows the size"
        raise InputError(Fault(f"{scenario.name}: rule", got, expected, "search with anatrial.two_stage"))
    if plan.size is None:
        fix = "add [size] with per_arm = { from = 10, to = 60 }"
        raise InputError(Fault(f"{scenario.name}: size", "nothing", "a range of sample sizes", fix))
    ratio = Fraction(1) if plan.design.single_arm else plan.size.allocation
    if plan.size.sizes[-1] * max(ratio, Fraction(1)) > MAX_N:
        got = f"{plan.size.sizes[-1]} control patients with {float(ratio):g} on treatment for each"
        raise InputError(Fault(f"{scenario.name}: size", got, f"at most {MAX_N} patients per arm", "a smaller range"))
    sized, skipped = _designs(plan, plan.size.sizes, ratio)
    if not sized:
        near = ratio.limit_denominator(20)
        fix = f"write ratio = {{ treatment = {near.numerator}, control = {near.denominator} }}"
        odd = skipped[-1].why == NOT_WHOLE
        got, expected = f"n = {skipped[-1].n}: {skipped[-1].why}", "sizes that make a trial"
        raise InputError(
            Fault(f"{scenario.name}: size{'.ratio' if odd else ''}", got, expected, fix if odd else "a larger range")
        )
    judge = _Judge(scenario)
    columns = _power_columns(plan, [design for _, design in sized])
    points, refused = [], None
    for index, (n, design) in enumerate(sized):
        try:
            points.append(judge.point(n, design, {t: column[index] for t, column in columns.items()}))
        except ComputationError as error:
            skipped.append(Skipped(n, str(error)))
        except InputError as error:  # stops that contradict each other at this size
            refused = error
            skipped.append(Skipped(n, f"{error.faults[0].where} does not fit: expected {error.faults[0].expected}"))
        progress.advance(index + 1, len(sized))
    if not points and refused is not None:
        raise refused
    if not points:
        raise ComputationError(f"no size can be judged; at n = {skipped[-1].n} {skipped[-1].why}")
    # a size that makes no trial does not count; one that could not be judged does not hold
    unjudged = [each.n for each in skipped if each.why not in {NOT_WHOLE, SAME_LOOKS}]
    tried = sorted([*(point.n for point in points), *unjudged])
    passed = {point.n: [outcome == "PASS" for outcome in point.outcomes] for point in points}
    none = [False] * len(plan.targets)
    targets = tuple(SizeTarget(t.said, t.metric, t.truth, t.bound, t.threshold) for t in plan.targets)
    alone = (answered(t.said, tried, [passed.get(n, none)[k] for n in tried]) for k, t in enumerate(targets))
    joint = answered("all targets jointly", tried, [all(passed.get(n, none)) for n in tried])
    return SizeSearch(
        scenario=scenario.name,
        title=plan.title,
        targets=targets,
        points=tuple(points),
        skipped=tuple(sorted(skipped)),
        answers=(joint, *alone),
        normal=normal_sizes(plan, ratio),
        last_n=points[-1].n,
        scenario_digest=scenario.digest,
        tool_version=__version__,
    )


def _designs(plan: Scenario, sizes: range, ratio: Fraction) -> tuple[list[tuple[int, Design]], list[Skipped]]:
    """The design of every size that makes a trial, and the other sizes."""
    sized: list[tuple[int, Design]] = []
    skipped: list[Skipped] = []
    for n in sizes:
        design = plan.design.resized(n, ratio) if (ratio * n).denominator == 1 else None
        if design is None:
            skipped.append(Skipped(n, SAME_LOOKS if (ratio * n).denominator == 1 else NOT_WHOLE))
        elif fault := next(iter(plan.rule.misfits(design.looks())), None):
            skipped.append(Skipped(n, fault.got))
        else:
            sized.append((n, design))
    return sized, skipped


def _power_columns(plan: Scenario, designs: Sequence[Design]) -> dict[Target, list[Estimate]]:
    """Power of the targets that need the boundary alone, for all sizes at once where the rule has a fast way."""
    fast = [t for t in plan.targets if t.metric == "power" and isinstance(plan.truths[t.truth], Points)]
    if not fast or plan.design.single_arm or not isinstance(plan.design, Fixed):
        return {}
    looks = [design.looks()[-1] for design in designs]
    n_t, n_c = (np.array(n, dtype=np.int64) for n in zip(*looks, strict=True))
    found = plan.rule.staircases(n_t, n_c)
    if found is None:
        return {}
    first, near = found
    for index in np.flatnonzero(near):
        heights = plan.rule.regions((looks[index],))[0].success.staircase
        if heights is None:
            return {}
        first[index, : len(heights)] = [looks[index].n_t + 1 if h is None else h for h in heights]
    columns = {}
    for target in fast:
        truth = plan.truths[target.truth]
        assert isinstance(truth, Points)
        rates = truth.trial_rates()
        columns[target] = [exactly(p) for p in tables.staircase_powers(first, n_t, n_c, *rates).tolist()]
    return columns


@dataclass(frozen=True)
class _Judge:
    """Asks every target of a scenario at other sizes."""

    scenario: ResolvedScenario

    def point(self, n: int, design: Design, known: dict[Target, Estimate]) -> SizePoint:
        """One size: targets whose power is known already are not asked again."""
        plan = self.scenario.resolved.model_copy(update={"design": design})
        run: Trial | None = None
        estimates = []
        for target in plan.targets:
            if target not in known and run is None:
                run = trial(plan.rule, design)
            estimates.append(known[target] if target in known else self.estimate(plan, target, run))
        outcomes = tuple(judged(e, t.bound, t.threshold) for e, t in zip(estimates, plan.targets, strict=True))
        return SizePoint(n, design.looks()[-1], tuple(estimates), outcomes)

    def estimate(self, plan: Scenario, target: Target, run: Trial | None) -> Estimate:
        """What a target asks, at the size of ``plan``."""
        assert run is not None
        truth = plan.truths[target.truth]
        if isinstance(truth, NoEffect) and target.metric == "type_i_error":  # its other numbers are not asked for here
            ends = (truth.control.lowest, truth.control.highest)
            return type_one.estimate(type_one.worst(run, ends, *null_margins(plan.rule, run)))
        if target.metric in OF_SECTIONS:
            sized = replace(self.scenario, resolved=plan)
            return section_metric(sized, run, target.truth, target.metric).estimate
        return target_metric(target, characteristics(target.truth, plan.rule, run, truth, rates=np.array([]))).estimate
