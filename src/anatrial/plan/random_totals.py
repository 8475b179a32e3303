"""Drop-outs who leave the analysis: power with the numbers analysed as random as they are."""

from __future__ import annotations

from anatrial.documents.scenario import ResolvedScenario
from anatrial.domain.results import Metric, exactly
from anatrial.domain.trial import Column, Section, Table
from anatrial.engine.characteristics import power
from anatrial.engine.course import Trial
from anatrial.engine.random_totals import (
    LEFT_OUT,
    Totals,
    at_rates,
    completing,
    planned_to_randomise,
    powers,
    regions_at,
)
from anatrial.errors import ComputationError
from anatrial.truths.points import Points


def leaving(used: ResolvedScenario) -> dict[str, Points]:
    """The truths with known rates whose drop-outs leave the analysis."""
    points = {name: truth for name, truth in used.resolved.truths.items() if isinstance(truth, Points)}
    return {name: t for name, t in points.items() if t.dropout is not None and t.dropout.counted == "excluded"}


def section(used: ResolvedScenario, run: Trial) -> Section:
    """Power summed over the numbers that may be analysed, beside power at exactly the planned ones."""
    plan, truths = used.resolved, leaving(used)
    shares = {name: _shares(truth) for name, truth in truths.items()}
    randomised = {name: planned_to_randomise(run.look, share) for name, share in shares.items()}
    single = plan.design.single_arm
    try:
        totals = {name: completing(randomised[name], share) for name, share in shares.items()}
        looks = (look for one in totals.values() for look in one.looks)
        regions = regions_at(plan.rule, looks, single_arm=single)
    except ComputationError as error:
        if any(target.metric == "power_random_n" for target in plan.targets):
            raise
        return Section(notes=(f"the numbers analysed are random, but power is not summed over them: {error}",))
    rows, metrics = [], {}
    for name, truth in truths.items():
        chances = powers(regions, totals[name].looks, at_rates(*truth.trial_rates()))
        summed = min(float(chances @ totals[name].chances), 1.0)
        n = " + ".join(str(n) for n in randomised[name] if n)
        rows.append((name, n, power(run, truth)[0], summed, _fewer(totals[name], run)))
        metrics[name] = (Metric("power_random_n", exactly(summed)),)
    columns = (
        Column("truth", "if", "text"),
        Column("randomised", "randomised", "text"),
        Column("power", "power at exactly the plan"),
        Column("power_random_n", "power, numbers random"),
        Column("fewer", "an arm falls short"),
    )
    table = Table("random_totals", "Drop-outs leave the analysis: who is left is random", columns, tuple(rows))
    note = (
        "power with random numbers is summed over every pair of numbers analysed but those whose chance is at most "
        f"{LEFT_OUT:g} together; an arm without a patient is no success"
    )
    return Section((table,), metrics, (note,))


def _shares(truth: Points) -> tuple[float, float]:
    assert truth.dropout is not None
    return truth.dropout.treatment, truth.dropout.control or 0.0


def _fewer(totals: Totals, run: Trial) -> float:
    """The chance that fewer than planned are analysed in an arm."""
    short = [look.n_t < run.look.n_t or look.n_c < run.look.n_c for look in totals.looks]
    return float(totals.chances[short].sum())
