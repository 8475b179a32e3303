"""Operating characteristics of a rule's regions under each truth: power, type I error and assurance are one sum."""

from __future__ import annotations

from typing import assert_never

import numpy as np

from anatrial.domain.counts import Regions
from anatrial.domain.results import Curve, GridTable, Metric, OperatingCharacteristics, exactly
from anatrial.engine import type_one
from anatrial.engine.estimators import estimator_metrics
from anatrial.numerics import FloatArray, tables
from anatrial.numerics.binomial import binomial
from anatrial.numerics.superiority import greater_than_rate, probability_greater
from anatrial.rules import AnyRule
from anatrial.truths import AnyTruth
from anatrial.truths.design_prior import DesignPrior
from anatrial.truths.grid import Grid
from anatrial.truths.no_effect import NoEffect
from anatrial.truths.points import Points


def characteristics(
    name: str, rule: AnyRule, regions: Regions, truth: AnyTruth, *, rates: FloatArray, planned: Points | None = None
) -> OperatingCharacteristics:
    """What happens under one truth.

    Parameters
    ----------
    name
        The truth's name in its file.
    rates
        Rates in [0, 1] at which curves are taken, sorted.
    planned
        The rates that the trial hopes for, where the file has a points truth: assurance is set beside them.
    """
    match truth:
        case Points():
            metrics, curves = _under_rates(rule, regions, truth), _along(regions, truth, rates)
            return OperatingCharacteristics(name, truth.kind, metrics, curves)
        case Grid():
            return _under_grid(name, rule, regions, truth)
        case NoEffect():
            return _under_no_effect(name, rule, regions, truth, rates)
        case DesignPrior():
            return OperatingCharacteristics(name, truth.kind, _under_priors(rule, regions, truth, planned))
        case _:
            assert_never(truth)


def null_margin(rule: AnyRule, regions: Regions) -> float:
    """Treatment minus control rate at the edge of no effect; 0 against a fixed rate: the range is the arm's own."""
    single = regions.success.look.n_c == 0
    return 0.0 if single and rule.fixed_benchmark is not None else rule.null_margin


def null_rates(rule: AnyRule, regions: Regions) -> tuple[float, float]:
    """Every control rate under no effect; one arm against a fixed rate: every rate up to it."""
    if regions.success.look.n_c == 0 and rule.fixed_benchmark is not None:
        return 0.0, rule.fixed_benchmark
    margin = null_margin(rule, regions)
    return max(0.0, -margin), min(1.0, 1.0 - margin)


def power(regions: Regions, truth: Points | DesignPrior) -> tuple[float, float]:
    """P(success) and P(harm) under one pair of laws."""
    law = truth.law(regions.success.look)
    success, harm = (
        tables.paired(region.array, law.treatment, law.control)[0] if region.runs else 0.0
        for region in (regions.success, regions.harm)
    )
    return float(success), float(harm)


def _under_rates(rule: AnyRule, regions: Regions, truth: Points) -> tuple[Metric, ...]:
    look = regions.success.look
    success, harm = power(regions, truth)
    rate_t, rate_c = truth.trial_rates()
    found = [Metric("power", exactly(success))]
    if rule.two_sided:
        found += [Metric("harm", exactly(harm)), Metric("rejects", exactly(success + harm))]
    edge = rate_c + rule.null_margin if look.n_c else rule.fixed_benchmark
    if edge is not None and (abs(rate_t - edge) < 1e-12 or (rate_t <= edge and not rule.two_sided)):
        found.append(Metric("type1_at", exactly(success + harm), rate_c if look.n_c else rate_t))
    found.append(Metric("expected_responders", exactly(look.n_t * rate_t + look.n_c * rate_c)))
    return (*found, *estimator_metrics(rule, truth, look))


def _along(regions: Regions, truth: Points, rates: FloatArray) -> tuple[Curve, ...]:
    """Power as the control rate drifts under the truth's treatment rate, or along the rate of one arm."""
    look = regions.success.look
    if look.n_c == 0:
        chances = tables.crossed(regions.success.array, binomial(look.n_t, rates), np.ones((1, 1)))[:, 0]
        return (Curve("power_along_rate", tuple(rates.tolist()), tuple(chances.tolist())),)
    law_t = truth.law(look).treatment
    chances = tables.crossed(regions.success.array, law_t, binomial(look.n_c, rates))[0]
    return (Curve("power_along_control", tuple(rates.tolist()), tuple(chances.tolist())),)


def _under_grid(name: str, rule: AnyRule, regions: Regions, truth: Grid) -> OperatingCharacteristics:
    law = truth.law(regions.success.look)
    success, harm = (
        tables.crossed(region.array, law.treatment, law.control)
        if region.runs
        else np.zeros((len(law.treatment), len(law.control)))
        for region in (regions.success, regions.harm)
    )
    rates_t, rates_c = truth.trial_rates()
    lowest, highest = float(success.min()), float(success.max())
    at = rates_c[int(np.unravel_index(success.argmin(), success.shape)[1])]
    metrics = (Metric("power", exactly(lowest), at), Metric("power_highest", exactly(highest)))
    table = GridTable(rates_t, rates_c, _rows(success), _rows(harm) if rule.two_sided else ())
    return OperatingCharacteristics(name, truth.kind, metrics, table=table)


def _rows(grid: FloatArray) -> tuple[tuple[float, ...], ...]:
    return tuple(map(tuple, grid.tolist()))


def _under_no_effect(
    name: str, rule: AnyRule, regions: Regions, truth: NoEffect, rates: FloatArray
) -> OperatingCharacteristics:
    margin, everywhere = null_margin(rule, regions), null_rates(rule, regions)
    ends = (truth.control.lowest, truth.control.highest)
    stated, overall = type_one.worst(regions, ends, margin), type_one.worst(regions, everywhere, margin)
    metrics = (
        Metric("type1_max", type_one.estimate(stated), stated.at),
        Metric("type1_max_everywhere", type_one.estimate(overall), overall.at),
    )
    possible = rates[(rates >= everywhere[0]) & (rates <= everywhere[1])]
    return OperatingCharacteristics(name, truth.kind, metrics, curves=(type_one.curve(regions, possible, margin),))


def _under_priors(rule: AnyRule, regions: Regions, truth: DesignPrior, planned: Points | None) -> tuple[Metric, ...]:
    """Assurance and its parts.

    Source: O'Hagan, Stevens & Campbell (2005); the split into true and false successes is that of Kunzmann et al.
    (2021), The American Statistician 75:424-432, section 3.
    """
    look = regions.success.look
    law = truth.law(look)
    success, harm = power(regions, truth)
    treatment = truth.treatment.mixture()
    control = truth.control.mixture() if truth.control else None
    effect = rule.null_margin if truth.true_effect is None else truth.true_effect
    if control is not None:
        sure = probability_greater(treatment.array, look.n_t, control.array, look.n_c, effect)
        ceiling = treatment.probability_above(control, effect)
    else:
        edge = min(max((rule.fixed_benchmark or 0.0) - rule.null_margin + effect, 0.0), 1.0)
        sure = greater_than_rate(treatment.array, look.n_t, edge)[:, None]
        ceiling = treatment.survival(edge)
    joint = law.treatment[0][:, None] * law.control[0][None, :] * sure
    true = float(joint[regions.success.grid].sum())
    mean_c = control.mean if control else 0.0
    found = [
        Metric("assurance", exactly(success)),
        Metric("true_success", exactly(true)),
        Metric("false_success", exactly(max(success - true, 0.0))),
        Metric("success_is_true", exactly(true / success if success > 0 else 0.0)),
        Metric("effect_is_true", exactly(ceiling)),
        Metric("expected_responders", exactly(look.n_t * treatment.mean + look.n_c * mean_c)),
    ]
    if rule.two_sided:
        found.append(Metric("harm", exactly(harm)))
    if control is not None and null_margin(rule, regions) == 0:
        found.append(Metric("type1_average", exactly(type_one.average(regions, control.array))))
    if planned is not None:
        found.append(Metric("power_at_plan", exactly(power(regions, planned)[0])))
        rate_t, rate_c = planned.trial_rates()
        if control is None or look.n_c == 0:
            reached = treatment.survival(rate_t)
        else:
            reached = treatment.probability_above(control, rate_t - rate_c)
        found.append(Metric("plan_is_reached", exactly(reached)))
    return tuple(found)
