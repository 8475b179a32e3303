"""What is seen, believed and decided at each look of one virtual trial."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from anatrial.documents.scenario import ResolvedScenario
from anatrial.documents.trial_scenario import ArmNames
from anatrial.domain.counts import Look, Region, Regions
from anatrial.domain.examples import ArmAtLook, Believed, Decides, Deciding, Decision, ExampleLook, VirtualPatient
from anatrial.domain.mixture import BetaMixture, BetaPart
from anatrial.domain.prior import Prior
from anatrial.engine.patient_trials import Simulated
from anatrial.engine.patients import Patients
from anatrial.numerics.difference_intervals import newcombe
from anatrial.numerics.intervals import wilson
from anatrial.plan.example_measures import Table, asked
from anatrial.rules import AnyRule
from anatrial.rules.base import Rule
from anatrial.rules.monitored import Monitored, decides_last
from anatrial.rules.self_adapting import SelfAdapting
from anatrial.rules.stops import PosteriorStop, PredictiveStop, assumed

WORTH_NOTHING = 2 + 1e-9  # a prior of at most two patients is no history


def control_history(used: ResolvedScenario) -> Prior | None:
    """The analysis prior of the control arm where history is borrowed for it."""
    place = "rule.final" if isinstance(used.resolved.rule, Monitored) else "rule"
    prior = dict(used.priors).get(f"{place}.analysis_prior.control")
    if prior is None or used.resolved.design.single_arm:
        return None
    return prior if any(a + b > WORTH_NOTHING for _, a, b in prior.informative.parts) else None


def counted(simulated: Simulated, patients: Patients, row: int) -> tuple[VirtualPatient, ...]:
    """The patients of one virtual trial, in order of arrival."""
    left = patients.dropped[row] if simulated.setting.leaves else np.zeros_like(patients.dropped[row])
    columns = patients.treated[row].tolist(), patients.response[row].tolist(), (~left).tolist()
    return tuple(VirtualPatient(*one) for one in zip(*columns, strict=True))


@dataclass(frozen=True)
class Narrator:
    """Tells virtual trials of a scenario under one truth."""

    used: ResolvedScenario
    simulated: Simulated

    def looks(self, seen: tuple[VirtualPatient, ...]) -> tuple[tuple[ExampleLook, ...], tuple[int, ...]]:
        """The looks until the trial ends, and the patients who are there at each."""
        found: list[ExampleLook] = []
        arrivals: list[int] = []
        totals = self._totals(seen)
        for index, look in enumerate(totals):
            found.append(self._look(totals, index, _responders(seen, look)))
            arrivals.append(_arrived(seen, look))
            if found[-1].decision != "goes on":
                break
        return tuple(found), tuple(arrivals)

    def _totals(self, seen: tuple[VirtualPatient, ...]) -> tuple[Look, ...]:
        """The planned looks, or the patients analysed where their number is random."""
        setting = self.simulated.setting
        if setting.leaves or (setting.randomisation is not None and setting.randomisation.strata):
            treated = [one.treated for one in seen if one.counted]
            return (Look(sum(treated), len(treated) - sum(treated)),)
        return setting.looks

    def _look(self, totals: tuple[Look, ...], index: int, table: Table) -> ExampleLook:
        look, last, (x_t, x_c) = totals[index], index == len(totals) - 1, table
        plan, names = self.used.resolved, self.used.scenario.arms
        same = totals == self.simulated.setting.looks
        regions = self.simulated.regions[index] if same else plan.rule.regions(totals)[index]
        history = _weight(self.used, look, x_c) if look.n_c else None
        treatment, control = _believed(plan.rule, look, table)
        interval = newcombe(x_t, look.n_t, x_c, look.n_c) if look.n_c else wilson(x_t, look.n_t)
        return ExampleLook(
            number=index + 1,
            last=last,
            treatment=ArmAtLook(x_t, look.n_t, treatment),
            control=ArmAtLook(x_c, look.n_c, control) if look.n_c else None,
            effect=x_t / look.n_t - (x_c / look.n_c if look.n_c else 0.0),
            lower=interval[0],
            upper=interval[1],
            asked=asked(plan.rule, totals, index, table, names),
            history=history,
            decision=_decision(plan.rule, regions, table, last=last),
            deciding=tuple(_deciding(plan.rule, regions, x_c, last=last)),
        )


def _arrived(seen: tuple[VirtualPatient, ...], look: Look) -> int:
    """Patients who have come when both arms have their total."""
    waits = {arm: [k for k, p in enumerate(seen, start=1) if p.counted and p.treated == arm] for arm in (True, False)}
    return max(waits[arm][n - 1] for arm, n in ((True, look.n_t), (False, look.n_c)) if n)


def _responders(seen: tuple[VirtualPatient, ...], look: Look) -> Table:
    """Responders among the first patients of each arm whose results a look has."""
    arms = [[p.responded for p in seen if p.counted and p.treated == arm] for arm in (True, False)]
    return sum(arms[0][: look.n_t]), sum(arms[1][: look.n_c])


def _decision(rule: Rule, regions: Regions, table: Table, *, last: bool) -> Decision:
    if table in regions.success:
        return "success"
    if table in regions.harm:
        return "harm"
    futile = regions.futility is not None and table in regions.futility
    if last and decides_last(rule).three_way:
        return "no-go" if futile else "consider"
    if last:
        return "no success"
    return "futility" if futile else "goes on"


def _deciding(rule: Rule, regions: Regions, x_c: int, *, last: bool) -> Iterator[Deciding]:
    """Treatment counts that decide, beside this control count; interim looks may be without a decision."""
    found: list[tuple[Decides, Region]] = [("success", regions.success)]
    if rule.two_sided:
        found.append(("harm", regions.harm))
    if regions.futility is not None and (not last or decides_last(rule).three_way):
        found.append(("no-go" if last else "futility", regions.futility))
    for decides, region in found:
        if region.runs or last:
            yield Deciding(decides, tuple((run.first, run.last) for run in region.runs if run.x_c == x_c))


def _believed(rule: Rule, look: Look, table: Table) -> tuple[Believed | None, Believed | None]:
    """Posterior rate of each arm, where the rule has a prior of it."""
    treatment, control = _priors(rule, look, table)
    return (
        None if treatment is None else _summary(treatment.updated(table[0], look.n_t)),
        None if control is None or look.n_c == 0 else _summary(control.updated(table[1], look.n_c)),
    )


def _summary(posterior: BetaMixture) -> Believed:
    return Believed(posterior.mean, *posterior.interval())


def _priors(rule: Rule, look: Look, table: Table) -> tuple[BetaMixture | None, BetaMixture | None]:
    """Prior of each arm: of the rule that judges the finished trial, else of the first stop that has one."""
    final = decides_last(rule)
    if isinstance(final, SelfAdapting):
        given = float(final.weights(look.n_c).prior[table[1]])
        vague = tuple(BetaPart((1 - given) * w, a, b) for w, a, b in final.vague.mixture().parts)
        history = tuple(BetaPart(given * w, a, b) for w, a, b in final.history.parts)
        return final.analysis_prior.treatment.mixture(), BetaMixture((*history, *vague))
    prior = assumed(final)
    if prior is None and isinstance(rule, Monitored):
        asking = [stop.prior for stop in rule.stops if isinstance(stop, PosteriorStop | PredictiveStop)]
        prior = next((own for own in asking if own is not None), None)
    if prior is None:
        return None, None
    return prior.treatment.mixture(), None if prior.control is None else prior.control.mixture()


def _weight(used: ResolvedScenario, look: Look, x_c: int) -> float | None:
    """What is left of the weight of history; None without history, or where nothing stands beside it."""
    final, prior = decides_last(used.resolved.rule), control_history(used)
    if isinstance(final, SelfAdapting):
        return float(final.weights(look.n_c).posterior[x_c])
    if prior is None or len(prior.mixture.parts) == len(prior.informative.parts):
        return None
    updated = prior.mixture.updated(x_c, look.n_c).parts
    return math.fsum(part.weight for part in updated[: len(prior.informative.parts)])


def judged_at_end(rule: AnyRule, look: Look, table: Table, names: ArmNames) -> ExampleLook:
    """A finished trial of one analysis, by its responders and patients per arm; nothing is said of history."""
    (regions,) = rule.regions((look,))
    treatment, control = _believed(rule, look, table)
    (x_t, x_c), (n_t, n_c) = table, look
    lower, upper = newcombe(x_t, n_t, x_c, n_c) if n_c else wilson(x_t, n_t)
    return ExampleLook(
        number=1,
        last=True,
        treatment=ArmAtLook(x_t, n_t, treatment),
        control=ArmAtLook(x_c, n_c, control) if n_c else None,
        effect=x_t / n_t - (x_c / n_c if n_c else 0.0),
        lower=lower,
        upper=upper,
        asked=asked(rule, (look,), 0, table, names),
        history=None,
        decision=_decision(rule, regions, table, last=True),
        deciding=tuple(_deciding(rule, regions, x_c, last=True)),
    )
