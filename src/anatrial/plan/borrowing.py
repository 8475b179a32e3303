"""Borrowing never flatters itself: the same trial without history, without each study, and where the promise breaks."""

from __future__ import annotations

import math

import numpy as np

from anatrial.documents.scenario import ResolvedScenario, Scenario
from anatrial.domain.counts import Look, Region, Regions
from anatrial.domain.mixture import BetaMixture
from anatrial.domain.prior import Prior, PriorRef, written_out
from anatrial.domain.results import Alternative, Borrowing, Estimate, KeptWeight
from anatrial.engine import type_one
from anatrial.engine.characteristics import null_margins, power
from anatrial.engine.course import Trial, trial
from anatrial.errors import ComputationError, InputError
from anatrial.plan.derive import without_each_study
from anatrial.rules.criteria import Criteria
from anatrial.rules.monitored import Monitored
from anatrial.rules.posterior import AnalysisPrior, Posterior
from anatrial.rules.self_adapting import SelfAdapting

Borrower = Posterior | SelfAdapting
"""The rules whose analysis prior may hold history."""
UNIFORM = BetaMixture.beta(1.0, 1.0)


def informative_arms(rule: Borrower | Criteria, look: Look) -> tuple[str, ...]:
    """Arms whose analysis prior is worth more than two patients and is updated by the trial's own data."""
    arms = {"treatment": rule.analysis_prior.treatment, "control": rule.analysis_prior.control if look.n_c else None}
    return tuple(arm for arm, ref in arms.items() if ref is not None and _informative(ref))


def _informative(ref: PriorRef) -> bool:
    return any(part.a + part.b > 2 + 1e-9 for part in ref.mixture().parts)


def borrowing(used: ResolvedScenario, run: Trial) -> Borrowing | None:
    """What the informative analysis priors buy and cost; None where there are none.

    Of a rule with looks its final rule is told with other priors, and with it the stops that look ahead to it.
    """
    rule, look = used.resolved.rule, run.look
    final, place = (rule.final, "rule.final") if isinstance(rule, Monitored) else (rule, "rule")
    if not isinstance(final, Borrower):
        return None
    arms = informative_arms(final, look)
    if not arms:
        return None
    judge = _Judge(used.resolved, look)
    now = judge.row("this design", final, run)
    plain = without_history(final, arms)
    rows = [now, judge.row("none, same certainty", plain)]
    if now.type1 is not None and final is rule:
        rows.append(judge.calibrated("none, type I error not above it", plain, now.type1))
    control = next((p for where, p in used.priors if where == f"{place}.analysis_prior.control"), None)
    if control is None or "control" not in arms:
        return Borrowing(arms, tuple(rows), _without(used, final, judge), (), None, None)
    return Borrowing(
        arms=arms,
        rows=tuple(rows),
        without_study=_without(used, final, judge),
        kept=kept_weights(final, control, look),
        prior_weight=_history_weight(control, control.mixture) if isinstance(final, Posterior) else None,
        predicted=_predicted(control.mixture, look),
    )


class _Judge:
    """Power at the planned rates and type I error over the stated range, for one variant of the rule after another."""

    def __init__(self, scenario: Scenario, look: Look) -> None:
        self.look = look
        self.rule, self.design = scenario.rule, scenario.design
        self.planned = scenario.planned
        self.ends = (scenario.null.control.lowest, scenario.null.control.highest) if scenario.null else None

    def row(self, label: str, final: Borrower, run: Trial | None = None) -> Alternative:
        whole = self.rule.model_copy(update={"final": final}) if isinstance(self.rule, Monitored) else final
        try:
            run = run or trial(whole, self.design)
        except (ComputationError, InputError):  # the variant has no regions: its stops contradict each other
            return Alternative(label, final.certainty, None, None)
        chance = power(run, self.planned)[0] if self.planned else None
        type1 = None
        if self.ends is not None:
            type1 = type_one.estimate(type_one.worst(run, self.ends, *null_margins(whole, run)))
        return Alternative(label, final.certainty, chance, type1)

    def calibrated(self, label: str, rule: Posterior, goal: Estimate) -> Alternative:
        """The row at the least certainty whose worst type I error is at most ``goal``."""
        assert self.ends is not None
        grid = rule.probability(self.look, rule.margin)
        levels = np.unique(np.round(np.append(grid.ravel(), 0.0), 12))
        low, high = 0, len(levels) - 1  # at the highest level nothing succeeds
        while low < high:
            middle = (low + high) // 2
            region = Region.from_grid(self.look, grid > levels[middle] + 1e-11)
            regions = Regions(region, Region(self.look, ()))
            found = type_one.worst(regions, self.ends, *null_margins(rule, regions))
            low, high = (low, middle) if found.found <= goal.value else (middle + 1, high)
        following = float(levels[low + 1]) if low + 1 < len(levels) else 1.0
        certainty = shortest(float(levels[low]), following)
        return self.row(label, rule.model_copy(update={"certainty": certainty}))


def shortest(lowest: float, highest: float) -> float:
    """The roundest number strictly between two of [0, 1]: the smallest multiple of 0.1, else of 0.05, 0.01, ..."""
    for digits in range(1, 15):
        for steps in (10**digits, 2 * 10**digits):
            value: float = (math.floor(lowest * steps) + 1) / steps
            if lowest < value < highest:
                return value
    return lowest


def with_priors(rule: Borrower, mixtures: dict[str, BetaMixture]) -> Borrower:
    """The rule with the analysis prior of some arms replaced."""
    refs = {arm: written_out(mixture) for arm, mixture in mixtures.items()}
    return rule.model_copy(update={"analysis_prior": rule.analysis_prior.model_copy(update=refs)})


def without_history(rule: Borrower, arms: tuple[str, ...]) -> Posterior:
    """The rule with uniform priors on these arms; of a self-adapting control prior the vague part alone is left."""
    plain = with_priors(rule, dict.fromkeys(arms, UNIFORM))
    if isinstance(plain, Posterior):
        return plain
    priors = AnalysisPrior(treatment=plain.analysis_prior.treatment, control=plain.vague)
    return Posterior(kind="posterior", certainty=plain.certainty, margin=plain.margin, analysis_prior=priors)


def _without(used: ResolvedScenario, rule: Borrower, judge: _Judge) -> tuple[Alternative, ...]:
    rows = []
    for where, prior in used.priors:
        place, _, arm = where.rpartition(".")
        analysis = place in {"rule.analysis_prior", "rule.final.analysis_prior"}
        if not analysis or prior.origin is None or (arm == "control" and not judge.look.n_c):
            continue
        titles = {c.study: c.title for c in prior.contributions}
        for study, informative in without_each_study(used.indication, prior.name.partition("/")[2]):
            variant, label = with_priors(rule, {arm: robustified_like(prior, informative)}), f"without {titles[study]}"
            if isinstance(variant, SelfAdapting) and not variant.alternatives:  # its weight is not defined then
                rows.append(Alternative(label, variant.certainty, None, None))
            else:
                rows.append(judge.row(label, variant))
    return tuple(rows)


def robustified_like(prior: Prior, informative: BetaMixture) -> BetaMixture:
    """Another informative part with the robust part of ``prior``."""
    extra = prior.mixture.parts[len(prior.informative.parts) :]
    return informative.robustified(extra[0]) if extra else informative


def kept_weights(rule: Borrower, control: Prior, look: Look) -> tuple[KeptWeight, ...]:
    """Weight of history after each control result; nothing where the prior does not say which part is history."""
    if isinstance(rule, SelfAdapting):
        return tuple(KeptWeight(x, w) for x, w in enumerate(rule.weights(look.n_c).posterior.tolist()))
    if control.robust_weight < 1e-12:
        return ()
    counts = range(look.n_c + 1)
    return tuple(KeptWeight(x, _history_weight(control, control.mixture.updated(x, look.n_c))) for x in counts)


def _history_weight(control: Prior, mixture: BetaMixture) -> float:
    """Weight of the parts that are not the robust one."""
    return math.fsum(part.weight for part in mixture.parts[: len(control.informative.parts)])


def _predicted(control: BetaMixture, look: Look) -> tuple[int, int, int]:
    median, lower, upper = (control.predicted_quantile(p, look.n_c) for p in (0.5, 0.025, 0.975))
    return median, lower, upper
