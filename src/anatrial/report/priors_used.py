"""Which priors a run used, what they rest on, and how history fares against the trial's own data."""

from __future__ import annotations

from anatrial.documents.scenario import ResolvedScenario
from anatrial.domain.mixture import BetaMixture
from anatrial.domain.prior import Prior
from anatrial.domain.results import Borrowing, Evaluation
from anatrial.report.numbers import wrapped
from anatrial.rules.monitored import decides_last
from anatrial.rules.self_adapting import SelfAdapting


def prior_lines(result: Evaluation, used: ResolvedScenario) -> list[str]:
    """Each prior once, with every use of it; then what borrowing from history means for the control arm."""
    uses: dict[tuple[str, BetaMixture], list[str]] = {}
    priors: dict[tuple[str, BetaMixture], Prior] = {}
    for where, prior in result.priors:  # one name may be used with several robust weights
        key = prior.name, prior.mixture
        uses.setdefault(key, []).append(_use(where, used))
        priors[key] = prior
    lines: list[str] = []
    for key, prior in priors.items():
        fresh = " (up to date)" if prior.origin else ""
        lines += wrapped(f"{prior.name}{fresh}: {', '.join(uses[key])}")
        if prior.origin:
            lines += [line for said in rests_on(prior) for line in wrapped(said, indent="  ")]
    if result.borrowing is not None and result.look.n_c:
        places = {"rule.analysis_prior.control", "rule.final.analysis_prior.control"}
        control = next(prior for where, prior in result.priors if where in places)
        lines += _history(result.borrowing, control, result.look.n_c, used)
    return lines


def _use(where: str, used: ResolvedScenario) -> str:
    vague = f"vague part of the analysis prior of {used.scenario.arms.control}"
    switched = f"response to {used.scenario.arms.treatment} after the switch"
    special = {"rule.vague": vague, "rule.final.vague": vague, "switch.response_prior": switched}
    if where in special or where.startswith("safety."):
        return special.get(where, f"prior of an adverse event ({where.removeprefix('safety.')})")
    arm = where.rpartition(".")[2]
    name = getattr(used.scenario.arms, arm)
    if where.startswith("rule.stops"):
        return f"prior of {name} for the interim looks ({where.removeprefix('rule.').partition(',')[0]})"
    if where.startswith("rule."):
        if arm == "control" and isinstance(decides_last(used.scenario.rule), SelfAdapting):
            return f"historical part of the analysis prior of {name} (what the final analysis assumes)"
        if arm == "control" and used.scenario.design.single_arm:
            return f"analysis prior, the historical {name} rate to beat"
        return f"analysis prior of {name} (what the final analysis assumes)"
    return f"design prior of {name} in {where.split('.')[1]} (what we believe now)"


def rests_on(prior: Prior) -> list[str]:
    """The evidence behind a prior, its closed form, and what it is worth."""
    counted = [c for c in prior.contributions if c.weight > 0]
    informative = prior.informative
    low, high = informative.interval()
    shape = f"{informative.said()}, mean {informative.mean:.2f} (95 % {low:.2f}-{high:.2f})"
    if counted:
        weights = sorted({c.weight for c in counted})
        weight = f"weight {weights[0]:g}" if len(weights) == 1 else f"weights {weights[0]:g} to {weights[-1]:g}"
        studies = "1 study" if len(counted) == 1 else f"{len(counted)} studies"
        shape = f"{sum(c.responders for c in counted)} of {sum(c.n for c in counted)} in {studies} at {weight}: {shape}"
    elif prior.contributions:
        shape = f"no study counts (weight 0), only the base prior is left: {shape}"
    visits = dict.fromkeys(f"{c.title} ({c.visit})" for c in counted)
    lines = [shape, *([", ".join(visits)] if visits else [])]
    if prior.robust_weight < 1e-12:
        return [*lines, f"Effective n: {informative.effective_n:.3g} (moment)"]
    part = prior.mixture.parts[-1]
    vague = "uniform" if part.a == part.b == 1 else f"Beta({part.a:g}, {part.b:g})"
    worth = (
        f"Effective n: {informative.effective_n:.3g} without, {prior.mixture.effective_n:.2g} with that part (moment)"
    )
    return [*lines, f'+ {100 * prior.robust_weight:.3g} % "history may not apply" ({vague}). {worth}']


def _history(borrowed: Borrowing, prior: Prior, n_c: int, used: ResolvedScenario) -> list[str]:
    lines, rule, control = [], used.resolved.rule, used.scenario.arms.control
    adapts = isinstance(rule, SelfAdapting)
    median = n_c // 2
    if borrowed.predicted is not None:
        median, low, high = borrowed.predicted
        responders = "responder" if median == 1 else "responders"
        which = "historical part" if adapts else "analysis prior"
        lines.append(f"The {which} expects {median} {control} {responders} of {n_c} (95 % {low}-{high})")
    if borrowed.predicted is not None and len(prior.mixture.parts) == 1 and not adapts:
        lines += wrapped(f"The prior has no robust part: it keeps its full weight whatever the {control} result")
    if not borrowed.kept:
        return lines
    lost = next((k.x for k in borrowed.kept if k.x > median and k.weight < 0.05), n_c)
    shown = sorted({median, n_c // 2, lost, *((0,) if adapts else ())})  # the rule doubts low results too
    places = {x: f"after {x}{f' of {n_c}' if x == shown[0] else ''}" for x in shown}
    if isinstance(rule, SelfAdapting):
        given = rule.weights(n_c).prior
        said = "; ".join(f"{given[x]:.2f} / {borrowed.kept[x].weight:.2f} {places[x]}" for x in shown)
        lines += wrapped(f"Weight of history as the rule sets it / after Bayes' rule: {said}")
    elif borrowed.prior_weight is not None:
        said = "; ".join(f"{borrowed.kept[x].weight:.2f} {places[x]}" for x in shown)
        lines += wrapped(f"Weight of history: {borrowed.prior_weight:.2f} now; {said}")
    return lines
