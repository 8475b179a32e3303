"""Example trials of times to an event: each patient's time, the hazard ratio or the median, and the decision."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from anatrial.documents.time_to_event import TimeToEventScenario
from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.domain.examples import Asked
from anatrial.domain.told_trials import Believed, Course, Seen, Telling
from anatrial.engine.time_to_event import TimeTrial, Watched, judged, sets_of
from anatrial.errors import ComputationError
from anatrial.numerics.log_rank import RiskSets, cox_log_hazard_ratio
from anatrial.numerics.roots import root
from anatrial.numerics.weibull import HazardPosterior, Times
from anatrial.plan.time_to_event import patients
from anatrial.plan.told_trials import Observed, Played, many
from anatrial.plan.trials import settings
from anatrial.rules.time_to_event import LogRank, PosteriorMedian
from anatrial.truths.time_to_event import NoEffectTime, UncertainHazard

FEW = 12  # patients of an arm whose times are all told
WIDEST = 60.0  # of the logarithm of a time or ratio


def works(plan: TimeToEventScenario, name: str) -> bool | None:
    """Whether success would be right under a truth; None where that is uncertain."""
    truth = plan.truths[name]
    if isinstance(truth, UncertainHazard):
        return None
    if isinstance(truth, NoEffectTime):
        return False
    own = truth.laws()[0].median
    other = plan.rule.benchmark if isinstance(plan.rule, PosteriorMedian) else truth.laws()[1].median
    return own < other if plan.design.event == "response" else own > other


def notes(plan: TimeToEventScenario) -> Iterator[str]:
    """What has to be known to read the trials."""
    few = min(plan.design.n.treatment, plan.design.n.control or FEW) <= FEW
    if few and (plan.design.drop_out is not None or not plan.design.until_event):
        yield f"+: no {plan.design.event} until then; an asterisk (*): lost without one."


def played(used: ResolvedTrial[TimeToEventScenario], name: str) -> Played:
    """The first block of trials under a truth."""
    plan, names = used.resolved, (used.scenario.arms.treatment, used.scenario.arms.control)
    trial = TimeTrial(plan.design, plan.rule, plan.truths[name])
    _, found = next(patients(plan, name, settings(plan)))
    seen, event, unit = found.times, plan.design.event, plan.design.unit
    success, _ = judged(trial, seen, sets_of(trial, seen))
    ends = np.cumsum([0, *trial.sizes]).tolist()
    parts = [slice(*both) for both in pairwise(ends)]
    events = [seen.happened[:, part].sum(axis=1) for part in parts]
    total = [seen.time[:, part].sum(axis=1) for part in parts]
    logs = [np.log(np.where(d > 0, d, np.nan) / t) for d, t in zip(events, total, strict=True)]
    arm = names[len(parts) - 1]

    def tell(row: int) -> Telling:
        one = Times(seen.time[row : row + 1], seen.happened[row : row + 1])
        data = [_said(found, row, part, f"{event} on {who}, {unit}") for part, who in zip(parts, names, strict=False)]
        if len(parts) == 2:
            data.append(_ratio(float(cox_log_hazard_ratio(_sure(sets_of(trial, one)))[0])))
        believed, asked = _judgement(trial, one, parts, names)
        if not asked:
            data.append("The posterior was not found, which counts as no success.")
        decision = "success" if success[row] else "no success"
        return Telling(tuple(data), (), tuple(believed), tuple(asked), decision, tuple(_courses(found, row, trial)))

    def result_said(row: int) -> str:
        d, t = events[-1][row], total[-1][row]
        return f"{d} of {trial.sizes[-1]} have a {event} in {t:.3g} patient-{unit} on {arm}"

    return Played(
        truth=name,
        works=works(plan, name),
        success=success,
        tellable=np.ones_like(success),
        effect=logs[0] - (logs[1] if len(logs) == 2 else 0.0),
        effect_said=f"observed rate of events{' against that of the other arm' if len(logs) == 2 else ''}",
        result=Observed(
            logs[-1],
            f"a rate of events on {arm}",
            result_said,
            "so low a rate of events or a lower one",
            "so high a rate of events or a higher one",
        ),
        special=many(found.lost.sum(axis=1), plan.design.total, np.ones_like(success)),
        tell=tell,
    )


def _said(found: Watched, row: int, part: slice, what: str) -> str:
    """The times of one arm: all of a few patients, in order; else how many events in how much time."""
    time, happened, lost = found.times.time[row, part], found.times.happened[row, part], found.lost[row, part]
    if len(time) > FEW:
        told = f"{happened.sum()} of {len(time)} in {time.sum():.4g} in all"
        return f"Time to {what}: {told}{f', {lost.sum()} lost' if lost.any() else ''}."
    marks = np.where(happened, "", np.where(lost, "*", "+"))
    return f"Time to {what}: {', '.join(f'{time[k]:.3g}{marks[k]}' for k in np.argsort(time))}."


def _ratio(log_ratio: float) -> str:
    if not math.isfinite(log_ratio):
        return "Cox's estimate of the hazard ratio is not finite: an arm has too few events."
    return f"Hazard ratio (Cox): {math.exp(log_ratio):.2f}."


def _judgement(
    trial: TimeTrial, one: Times, parts: list[slice], names: tuple[str, str]
) -> tuple[list[Believed], list[Asked]]:
    """What the rule computes of one trial: the p-value, or the posterior with what it is asked."""
    rule, event = trial.rule, trial.design.event
    if isinstance(rule, LogRank):
        p = float(rule.p_values(_sure(sets_of(trial, one)), event)[0])
        return [], [
            Asked(f"the one-sided p-value of the log-rank test ({rule.p_value})", p, "<=", rule.alpha, "success")
        ]
    data = tuple(Times(one.time[:, part], one.happened[:, part]) for part in parts)
    chance = float(rule.probability(data, event)[0])
    posterior = rule.posterior(data)
    if isinstance(rule, PosteriorMedian):
        better = "below" if event == "response" else "above"
        what = f"P(median time on {names[0]} {better} {rule.benchmark:g} {trial.design.unit} | data)"
        summary = f"the median time on {names[0]} in {trial.design.unit}"
        quantiles = _quantiles(lambda log: float(posterior.median_below(math.exp(log))[0]), math.log(rule.benchmark))
    else:
        better = "below" if event == "flare" else "above"
        what = f"P(hazard ratio of {names[0]} to {names[1]} {better} 1 | data)"
        summary = f"the hazard ratio of {names[0]} to {names[1]}"
        quantiles = _quantiles(lambda log: ratio_below(posterior, log), 0.0)
    if not math.isfinite(chance):
        return [], []
    believed = [] if quantiles is None else [Believed(summary, *quantiles)]
    return believed, [Asked(what, chance, ">", rule.certainty, "success")]


def ratio_below(posterior: HazardPosterior, log: float) -> float:
    """P(log hazard ratio of the first arm to the second < ``log`` | data) of one trial: a Gamma of another scale."""
    moved = posterior.log_watched + np.array([log, 0.0])[:, None, None]
    return float(posterior._replace(log_watched=moved).treatment_slower()[0])


def _quantiles(below: Callable[[float], float], middle: float) -> tuple[float, float, float] | None:
    """Median and 95 % interval of exp(number) from the distribution of the number; None where it is not found."""
    low, high = middle - WIDEST, middle + WIDEST
    if not (below(low) < 0.025 and below(high) > 0.975):
        return None

    def at(p: float) -> float:
        return math.exp(root(lambda log: below(log) - p, low, high))

    try:
        return at(0.5), at(0.025), at(0.975)
    except ComputationError:  # the distribution is not known everywhere between
        return None


def _sure(sets: RiskSets | None) -> RiskSets:
    """Risk sets of two arms."""
    assert sets is not None
    return sets


def _courses(found: Watched, row: int, trial: TimeTrial) -> Iterator[Course]:
    """Each patient: when seen last, and with what."""
    times = found.times
    for patient in range(trial.design.total):
        what = "end of follow-up"
        if times.happened[row, patient]:
            what = trial.design.event
        elif found.lost[row, patient]:
            what = "lost"
        yield Course(patient < trial.sizes[0], (Seen(float(times.time[row, patient]), what),))
