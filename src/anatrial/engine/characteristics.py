"""Operating characteristics of a rule's regions under each truth: power, type I error and assurance are one sum."""

from __future__ import annotations

from typing import assert_never

import numpy as np

from anatrial.domain.counts import Look, Regions
from anatrial.domain.results import ROUNDING, Curve, GridTable, Metric, OperatingCharacteristics, exactly
from anatrial.engine import type_one
from anatrial.engine.course import Course, Trial, crossed, errors, paired
from anatrial.engine.estimators import estimator_metrics
from anatrial.engine.stops import error_spent, observed_patients, patients, stops, stops_of_rates
from anatrial.numerics import FloatArray
from anatrial.numerics.binomial import binomial
from anatrial.numerics.superiority import greater_than_rate, probability_greater
from anatrial.rules import AnyRule
from anatrial.truths import AnyTruth
from anatrial.truths.base import Law
from anatrial.truths.design_prior import DesignPrior
from anatrial.truths.grid import Grid
from anatrial.truths.no_effect import NoEffect
from anatrial.truths.points import Points


def characteristics(
    name: str,
    rule: AnyRule,
    trial: Trial,
    truth: AnyTruth,
    *,
    rates: FloatArray,
    planned: Points | None = None,
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
            metrics, curves = _under_rates(rule, trial, truth), _along(trial, truth, rates)
            ends = stops_of_rates(trial, truth) if isinstance(trial, Course) else ()
            return OperatingCharacteristics(name, truth.kind, metrics, curves, stops=ends)
        case Grid():
            return _under_grid(name, rule, trial, truth)
        case NoEffect():
            return _under_no_effect(name, rule, trial, truth, rates)
        case DesignPrior():
            metrics = _under_priors(rule, trial, truth, planned)
            ends = stops(trial, truth.law) if isinstance(trial, Course) else ()
            return OperatingCharacteristics(name, truth.kind, metrics, stops=ends)
        case _:
            assert_never(truth)


def null_margins(rule: AnyRule, trial: Trial) -> tuple[float, ...]:
    """Treatment minus control rate at each edge of no effect; 0 against a fixed rate: the range is the arm's own."""
    single = trial.look.n_c == 0
    return (0.0,) if single and rule.fixed_benchmark is not None else rule.null_margins


def null_rates(rule: AnyRule, trial: Trial) -> tuple[float, float]:
    """Every control rate under no effect; one arm against a fixed rate: every rate up to it."""
    if trial.look.n_c == 0 and rule.fixed_benchmark is not None:
        return 0.0, rule.fixed_benchmark
    margins = null_margins(rule, trial)
    if len(margins) > 1:  # beyond the end of an edge every treatment rate is without effect
        return 0.0, 1.0
    return max(0.0, -margins[0]), min(1.0, 1.0 - margins[0])


def power(trial: Trial, truth: Points | DesignPrior) -> tuple[float, float]:
    """P(success) and P(harm) under one pair of laws."""
    law = truth.law(trial.look)
    return float(paired(trial.success, law)[0]), float(paired(trial.harm, law)[0])


def _under_rates(rule: AnyRule, trial: Trial, truth: Points) -> tuple[Metric, ...]:
    look = trial.look
    success, harm = power(trial, truth)
    rate_t, rate_c = truth.trial_rates()
    found = [Metric("power", exactly(success))]
    if rule.two_sided:
        found += [Metric("harm", exactly(harm)), Metric("rejects", exactly(success + harm))]
    edge = rate_c + rule.null_margin if look.n_c else rule.fixed_benchmark
    beyond = rule.upper_null is not None and rate_t - rate_c >= rule.upper_null - 1e-12
    if edge is not None and (abs(rate_t - edge) < 1e-12 or beyond or (rate_t <= edge and not rule.two_sided)):
        found.append(
            Metric("type1_at", exactly(float(errors(trial, truth.law(look))[0])), rate_c if look.n_c else rate_t)
        )
    found += patients(trial, truth.law) if isinstance(trial, Course) else _third(trial, truth.law(look))
    n_t, n_c = observed_patients(trial, truth.law) if isinstance(trial, Course) else look
    found.append(Metric("expected_responders", exactly(n_t * rate_t + n_c * rate_c)))
    return (*found, *estimator_metrics(rule, truth, trial))


def _third(regions: Regions, law: Law) -> list[Metric]:
    """Of a rule with three outcomes: P(no-go), P(neither), and how often both would have held."""
    if regions.futility is None:
        return []
    go, no_go = float(paired(regions.success, law)[0]), float(paired(regions.futility, law)[0])
    found = [Metric("no_go", exactly(no_go)), Metric("consider", exactly(max(1.0 - go - no_go, 0.0)))]
    both = paired(regions.overlap, law)[0] if regions.overlap is not None else 0.0
    return [*found, Metric("overlap", exactly(float(both)))]


def _along(trial: Trial, truth: Points, rates: FloatArray) -> tuple[Curve, ...]:
    """Power as the control rate drifts under the truth's treatment rate, or along the rate of one arm."""
    look = trial.look
    if look.n_c == 0:
        chances = crossed(trial.success, Law(binomial(look.n_t, rates), np.ones((1, 1))))[:, 0]
        return (Curve("power_along_rate", tuple(rates.tolist()), tuple(chances.tolist())),)
    chances = crossed(trial.success, Law(truth.law(look).treatment, binomial(look.n_c, rates)))[0]
    return (Curve("power_along_control", tuple(rates.tolist()), tuple(chances.tolist())),)


def _under_grid(name: str, rule: AnyRule, trial: Trial, truth: Grid) -> OperatingCharacteristics:
    law = truth.law(trial.look)
    success, harm = crossed(trial.success, law), crossed(trial.harm, law)
    rates_t, rates_c = truth.trial_rates()
    lowest, highest = float(success.min()), float(success.max())
    at = rates_c[int(np.unravel_index(success.argmin(), success.shape)[1])]
    metrics = (Metric("power", exactly(lowest), at), Metric("power_highest", exactly(highest)))
    table = GridTable(rates_t, rates_c, _rows(success), _rows(harm) if rule.two_sided else ())
    return OperatingCharacteristics(name, truth.kind, metrics, table=table)


def _rows(grid: FloatArray) -> tuple[tuple[float, ...], ...]:
    return tuple(map(tuple, grid.tolist()))


def _under_no_effect(
    name: str, rule: AnyRule, trial: Trial, truth: NoEffect, rates: FloatArray
) -> OperatingCharacteristics:
    margins, everywhere = null_margins(rule, trial), null_rates(rule, trial)
    ends = (truth.control.lowest, truth.control.highest)
    stated, overall = type_one.worst(trial, ends, *margins), type_one.worst(trial, everywhere, *margins)
    metrics = [
        Metric("type1_max", type_one.estimate(stated), stated.at),
        Metric("type1_max_everywhere", type_one.estimate(overall), overall.at),
    ]
    possible = rates[(rates >= everywhere[0]) & (rates <= everywhere[1])]
    curves = (type_one.curve(trial, possible, *margins),)
    if isinstance(trial, Regions):
        return OperatingCharacteristics(name, truth.kind, tuple(metrics), curves=curves)

    control = np.array([stated.at])
    inside = [margin for margin in margins if abs(stated.at + margin - 0.5) <= 0.5 + ROUNDING]
    edge = max(inside, key=lambda margin: type_one.along(trial, control, margin)[0])

    def law(look: Look) -> Law:
        return Law(binomial(look.n_t, np.clip(control + edge, 0.0, 1.0)), binomial(look.n_c, control))

    metrics += [metric._replace(at=stated.at) for metric in patients(trial, law)]
    found = stops(trial, law)
    spent = error_spent(trial, law)
    return OperatingCharacteristics(name, truth.kind, tuple(metrics), curves=curves, stops=found, spent=spent)


def _under_priors(rule: AnyRule, trial: Trial, truth: DesignPrior, planned: Points | None) -> tuple[Metric, ...]:
    """Assurance and its parts.

    Source: O'Hagan, Stevens & Campbell (2005); the split into true and false successes is that of Kunzmann et al.
    (2021), The American Statistician 75:424-432, section 3.
    """
    look = trial.look
    law = truth.law(look)
    success, harm = power(trial, truth)
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
    # What the last counts say of the rates does not depend on the way there, so a sum over them is enough.
    true = float(joint[trial.success.grid].sum() if isinstance(trial, Regions) else (joint * trial.success.grid).sum())
    found = [
        Metric("assurance", exactly(success)),
        Metric("true_success", exactly(true)),
        Metric("false_success", exactly(max(success - true, 0.0))),
        Metric("success_is_true", exactly(true / success if success > 0 else 0.0)),
        Metric("effect_is_true", exactly(ceiling)),
    ]
    if isinstance(trial, Course):
        found += patients(trial, truth.law)
    else:
        mean_c = control.mean if control else 0.0
        found += _third(trial, law)
        found.append(Metric("expected_responders", exactly(look.n_t * treatment.mean + look.n_c * mean_c)))
    if rule.two_sided:
        found.append(Metric("harm", exactly(harm)))
    if control is not None and null_margins(rule, trial) == (0.0,):
        found.append(Metric("type1_average", exactly(type_one.average(trial, control.array))))
    if planned is not None:
        found.append(Metric("power_at_plan", exactly(power(trial, planned)[0])))
        rate_t, rate_c = planned.trial_rates()
        if control is None or look.n_c == 0:
            reached = treatment.survival(rate_t)
        else:
            reached = treatment.probability_above(control, rate_t - rate_c)
        found.append(Metric("plan_is_reached", exactly(reached)))
    return tuple(found)
