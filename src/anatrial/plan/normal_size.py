"""What normal theory says of the sample size, to be set beside the exact one."""

from __future__ import annotations

from fractions import Fraction

from anatrial.documents.scenario import Scenario, Target
from anatrial.domain.results import NormalSize
from anatrial.numerics.normal_sizes import Rates, casagrande_pike_smith, difference_spread, total_size
from anatrial.rules.base import SidedTest
from anatrial.rules.fisher import Fisher
from anatrial.rules.group_sequential import GroupSequential
from anatrial.rules.score import Score
from anatrial.truths.points import Points


def normal_sizes(plan: Scenario, ratio: Fraction) -> tuple[NormalSize, ...]:
    """For each power target of a two-arm test its unrounded size; none for a rule without a level.

    Farrington & Manning (1990); for Fisher's test the corrected formula of Casagrande, Pike & Smith (1978). Of a
    group-sequential test the largest size: that of one analysis times the inflation factor, for the power of its
    futility bounds where these spend beta.
    """
    if plan.design.single_arm or not isinstance(plan.rule, SidedTest | Score):
        return ()
    found = (_size(plan, target, float(ratio)) for target in plan.targets)
    return tuple(size for size in found if size is not None)


def _size(plan: Scenario, target: Target, ratio: float) -> NormalSize | None:
    rule, truth, power, factor = plan.rule, plan.truths[target.truth], target.threshold, 1.0
    if target.metric != "power" or target.bound != "at_least" or not isinstance(truth, Points):
        return None
    assert isinstance(rule, SidedTest | Score)
    rates = Rates(*truth.trial_rates())
    alpha = rule.alpha if isinstance(rule, Score) else rule.one_sided
    above = rates.treatment - rates.control > rule.null_margin
    if not above or not alpha < power < 1 or not all(0 < rate < 1 for rate in rates):
        return None
    if isinstance(rule, GroupSequential):
        bounds = rule.bounds(plan.design.looks(), power)
        power, factor = bounds.power, bounds.inflation
    if isinstance(rule, Fisher):
        control = casagrande_pike_smith(rates, ratio=ratio, alpha=alpha, power=power)
    else:
        spread = difference_spread(rates, ratio, rule.null_margin)
        control = factor * total_size(spread, ratio=ratio, alpha=alpha, power=power) / (1 + ratio)
    return NormalSize(target.said, power, ratio * control, control, factor)
