"""What normal theory says of the sample size, to be set beside the exact one."""

from __future__ import annotations

from fractions import Fraction

from anatrial.documents.scenario import Scenario
from anatrial.domain.results import NormalSize
from anatrial.numerics.normal_sizes import Rates, difference_spread, total_size
from anatrial.rules.base import SidedTest
from anatrial.rules.group_sequential import GroupSequential
from anatrial.rules.score import Score
from anatrial.truths.points import Points


def normal_sizes(plan: Scenario, ratio: Fraction) -> tuple[NormalSize, ...]:
    """For each power target of a two-arm test its unrounded size; none for a rule without a level.

    Of a group-sequential test the largest size: that of one analysis times the inflation factor, which is known for
    the power of its bounds alone.
    """
    rule, found = plan.rule, []
    for target in plan.targets:
        truth = plan.truths[target.truth]
        if target.metric != "power" or target.bound != "at_least" or not isinstance(truth, Points):
            continue
        factor = 1.0
        if isinstance(rule, SidedTest):
            alpha = rule.level / 2 if rule.two_sided else rule.level
        elif isinstance(rule, Score):
            alpha = rule.alpha
        elif isinstance(rule, GroupSequential):
            alpha, bounds = rule.alpha, rule.bounds(plan.design.looks())
            if abs(bounds.power - target.threshold) > 1e-9:
                continue
            factor = bounds.inflation
        else:
            return ()
        rates = Rates(*truth.trial_rates())
        inside = all(0 < rate < 1 for rate in rates)
        if plan.design.single_arm or not inside or not alpha < target.threshold < 1:
            continue
        if rates.treatment - rates.control <= rule.null_margin:
            continue
        spread = difference_spread(rates, float(ratio), rule.null_margin)
        total = factor * total_size(spread, ratio=float(ratio), alpha=alpha, power=target.threshold)
        control = total / (1 + float(ratio))
        found.append(NormalSize(target.said, total - control, control, factor))
    return tuple(found)
