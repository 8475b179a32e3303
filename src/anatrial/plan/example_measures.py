"""What a rule computes from one result at one look, beside what it asks for."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Literal

from scipy.special import betainc, ndtr

from anatrial.documents.trial_scenario import ArmNames
from anatrial.domain.counts import Look
from anatrial.domain.examples import Asked, Decides
from anatrial.numerics.score import score_p_value
from anatrial.numerics.two_by_two import fisher_grids, z_grid
from anatrial.numerics.unconditional import p_value
from anatrial.rules import AnyRule
from anatrial.rules.base import Believer, Rule
from anatrial.rules.chi_square import ChiSquare
from anatrial.rules.conditional import Conditional
from anatrial.rules.criteria import Criteria
from anatrial.rules.exact_binomial import ExactBinomial
from anatrial.rules.go_no_go import GoNoGo, SidedCriteria
from anatrial.rules.group_sequential import GroupSequential
from anatrial.rules.monitored import Monitored
from anatrial.rules.posterior import Posterior
from anatrial.rules.score import Score
from anatrial.rules.unconditional import Unconditional

Table = tuple[int, int]
"""Responders on treatment and on control."""


def asked(rule: AnyRule, looks: tuple[Look, ...], index: int, table: Table, names: ArmNames) -> tuple[Asked, ...]:
    """Every number that decides at the look of this index, with its threshold; none where counts alone decide.

    P-values of the unconditional tests are at most 1e-8 below the largest size.
    """
    look = looks[index]
    if isinstance(rule, Monitored) and index < len(looks) - 1:
        return tuple(_of_stops(rule, looks, index, table, names))
    final = rule.final if isinstance(rule, Monitored) else rule
    if isinstance(final, GroupSequential):
        return tuple(_of_z(final, looks, index, table))
    if isinstance(final, Believer | GoNoGo):
        return tuple(_of_posterior(final, look, table, names))
    p = _p_value(final, look, table)
    return () if p is None else (Asked(p[0], p[1], "<=", p[2], "success"),)


def _of_stops(rule: Monitored, looks: tuple[Look, ...], index: int, table: Table, names: ArmNames) -> Iterator[Asked]:
    """The probability of every stop that counts at an interim look."""
    (end,) = rule.final.regions(looks[-1:])
    for stop in rule.stops:
        if stop.counts_at(index + 1):
            value = stop.statement(rule.final, looks[index], end.success).probability[table]
            sign: Literal[">", "<"] = ">" if stop.decides == "success" else "<"
            what = stop.measure(rule.final, names.treatment, names.control)
            yield Asked(what, float(value), sign, stop.threshold, stop.decides)


def _of_z(rule: GroupSequential, looks: tuple[Look, ...], index: int, table: Table) -> Iterator[Asked]:
    """The pooled z beside the bounds that the look has."""
    z, found = float(z_grid(*looks[index])[table]), rule.bounds(looks)
    efficacy, futility = found.efficacy[index], found.futility[index]
    if efficacy is not None:
        yield Asked("the pooled z", z, ">=", efficacy, "success")
    if efficacy is not None and rule.two_sided:
        yield Asked("the pooled z", z, "<=", -efficacy, "harm")
    if futility is not None:
        yield Asked("the pooled z", z, "<=", futility, "futility")


def _of_posterior(rule: Believer | GoNoGo, look: Look, table: Table, names: ArmNames) -> Iterator[Asked]:
    """The posterior probability of every criterion."""
    if isinstance(rule, GoNoGo):
        lists: tuple[tuple[SidedCriteria, Decides], ...] = (rule.go, "success"), (rule.no_go, "no-go")
        for criteria, decides in lists:
            judge = Criteria(kind="criteria", criteria=criteria, analysis_prior=rule.analysis_prior)
            for found in _of_posterior(judge, look, table, names):
                yield found._replace(decides=decides)
        return
    for what, statement in zip(_criteria_said(rule, names), rule.statements(look), strict=True):
        yield Asked(what, float(statement.probability[table]), ">", statement.certainty, "success")


def _criteria_said(rule: Believer, names: ArmNames) -> list[str]:
    """What each criterion is the probability of: a rule with one criterion says it up to "| data)"."""
    arms = names.treatment, names.control
    single = [rule.said(*arms)]
    if isinstance(rule, Criteria):
        single = [criterion.said(*arms) for criterion in rule.criteria]
    elif isinstance(rule, Posterior):
        single = [
            rule.model_copy(update={**criterion.model_dump(), "relevance": None}).said(*arms)
            for criterion in rule.criteria
        ]
    return [said.partition(" | data)")[0].removeprefix("Success if ") + " | data)" for said in single]


def _p_value(rule: Rule, look: Look, table: Table) -> tuple[str, float, float] | None:
    """What kind of p-value a test computes, the p-value, and the level it must not pass; None where it has none."""
    match rule:
        case Score():
            return "the one-sided p-value", score_p_value(table, *look, rule.margin), rule.alpha
        case ExactBinomial():
            tail = betainc(table[0], look.n_t - table[0] + 1, rule.null_rate) if table[0] else 1.0
            return "the one-sided p-value", float(tail), rule.alpha
        case Conditional():
            p = float(rule.p(*(grid[table] for grid in fisher_grids(*look))))
        case ChiSquare():
            z = float(z_grid(*look, continuity=rule.continuity)[table])
            p = float(2 * ndtr(-abs(z)) if rule.two_sided else ndtr(-z))
        case Unconditional():
            p = min(_unconditional(rule, look, table))
        case _:
            return None
    sides = "two-sided" if rule.two_sided else "one-sided"
    return f"the {sides} p-value", min(p, 1.0), rule.level


def _unconditional(rule: Unconditional, look: Look, table: Table) -> Iterator[float]:
    """The p-value by each statistic, multiplied as its share of the level asks."""
    order: Any
    for order, level in rule.orders(look):
        found = p_value(order, table, same=rule.same).found
        yield found * rule.level / level if math.isfinite(found) else 1.0
