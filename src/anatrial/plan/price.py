"""The price of borrowing: what the control arm's history buys and costs along the true control rate, exactly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from anatrial import __version__
from anatrial.documents.scenario import ResolvedScenario, Scenario, counts_trial
from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.domain.counts import Look
from anatrial.domain.mixture import BetaMixture
from anatrial.domain.price import Kept, Known, Price, Span, Stated, Variant, VariantName, Worst
from anatrial.domain.prior import Prior
from anatrial.domain.results import ROUNDING
from anatrial.engine import type_one
from anatrial.engine.characteristics import null_margins, null_rates
from anatrial.engine.course import Course, Trial, paired, trial
from anatrial.engine.price import Analysis, Estimates, ends, estimates
from anatrial.errors import Fault, InputError
from anatrial.methods.recipe import Additive, Base
from anatrial.numerics import BoolArray, FloatArray
from anatrial.numerics.binomial import binomial
from anatrial.numerics.roots import root
from anatrial.plan.borrowing import Borrower, borrowing, informative_arms, kept_weights, with_priors, without_history
from anatrial.plan.derive import recipe_of
from anatrial.rules.base import Rule
from anatrial.rules.monitored import Monitored, decides_last
from anatrial.rules.self_adapting import SelfAdapting
from anatrial.truths.base import Law
from anatrial.truths.no_effect import NoEffect
from anatrial.truths.points import Points

STEPS = 501
"""Control rates at which ends of ranges and worst cases are looked for before they are refined: at most 0.002 apart."""
SEEN = 0.001
"""A range in which power gains less than this everywhere is left out: nothing is gained where history has let go."""
ZOOMS = 4
"""Each divides the step around a worst case by 50, in the end to below 1e-9."""
Along = Callable[[FloatArray], FloatArray]
"""A number at each control rate."""


class _Played(NamedTuple):
    """One variant: its rule and what the rule decides, the control prior, and how much of it history keeps."""

    name: VariantName
    why: str
    final: Borrower
    run: Trial
    prior: str
    kept: Callable[[Look], FloatArray]
    """Weight of history after each control count, shape (n_c + 1,)."""


def price(used: ResolvedTrial[Any]) -> Price:
    """Borrowing, no history and pooled history on the same truths, at every control rate.

    The difference of rates is that of the planned rates and stays the same at every control rate, so that what moves
    power along the control rate is history, not an effect that shrinks; control rates at which no treatment rate lies
    that far away have no power. (A run draws power at the planned treatment rate instead: there a control rate beyond
    it has power too, but mostly tells how the effect vanishes.) The treatment prior is that of the file throughout.

    Raises ``InputError`` where the trial borrows no controls, or plans no effect.

    Source: Viele et al. (2014), Pharm. Stat. 13:41-54, who compare ways to borrow by mean squared error, power and
    type I error along the true control rate, with no and full borrowing beside them.
    """
    scenario = counts_trial(used, "borrowing")
    final, history, planned = _borrows(scenario)
    rate_t, rate_c = planned.trial_rates()
    search = _Search(scenario.resolved, round(rate_t - rate_c, 12))
    played = _variants(scenario, final, history)
    now, none = played[:2]
    stated = _stated(scenario.resolved)
    named = _named(scenario.resolved, history.informative.mean)
    rates = np.unique(np.concatenate([np.linspace(0.0, 1.0, 101).round(2), named]))
    more_power = search.gain(search.power, now, none)
    fewer_errors = search.gain(search.type_one, none, now)
    closer = search.gain(search.mse, none, now)

    def keeps(promised: float) -> Along:
        return lambda at: promised - search.type_one(now, at)

    both, apart = search.grid(search.effect, search.margin), search.grid(search.effect)
    promises = sorted({one.promised for one in stated if one.promised is not None})
    return Price(
        scenario=scenario.name,
        title=scenario.resolved.title,
        look=now.run.look,
        effect=search.effect,
        planned=(rate_t, rate_c),
        margin=search.margin,
        history=history.name,
        history_mean=history.informative.mean,
        rates=tuple(rates.tolist()),
        named=tuple(named),
        variants=tuple(search.variant(one, rates) for one in played),
        sweet_spot=search.spans(both, more_power, fewer_errors),
        kept=tuple(Kept(level, search.spans(both, more_power, keeps(level))) for level in promises),
        closer=search.spans(apart, closer, seen=SEEN * float(search.mse(none, apart).max())),
        worst_type_i_error=search.worst_error(now, none),
        worst_power=search.worst_power(now, none),
        worst_mse=search.worst_mse(now, none),
        stated=stated,
        notes=tuple(_notes(scenario, now, none)),
        scenario_digest=scenario.digest,
        tool_version=__version__,
    )


def _borrows(used: ResolvedScenario) -> tuple[Borrower, Prior, Points]:
    """The rule that borrows, the control prior, and the planned rates; ``InputError`` tells everything that lacks."""
    plan, faults = used.resolved, []
    final, place = decides_last(plan.rule), "rule.final" if isinstance(plan.rule, Monitored) else "rule"
    look = plan.design.looks()[-1]
    if plan.design.single_arm:
        fix = "anatrial run tells what history does to a single arm"
        faults.append(Fault(f"{used.name}: design", "a single arm", "a control arm, whose prior borrows history", fix))
    elif not isinstance(final, Borrower):
        kind = plan.rule.final.kind if isinstance(plan.rule, Monitored) else plan.rule.kind
        expected = "posterior or self_adapting, whose one decision rests on a prior for the control rate"
        faults.append(Fault(f"{used.name}: {place}.kind", repr(kind), expected))
    elif "control" not in informative_arms(final, look):
        got = final.analysis_prior.control.mixture().said() if final.analysis_prior.control else "no prior"
        where = f"{used.name}: {place}.analysis_prior.control"
        faults.append(Fault(where, got, "a prior that holds history: worth more than two patients"))
    if plan.planned is None:
        expected = 'a truth of kind "points": power and errors are told at the effect that it plans'
        faults.append(Fault(f"{used.name}: truths", ", ".join(plan.truths), expected))
    if faults or plan.planned is None or not isinstance(final, Borrower):
        raise InputError(*faults)
    return final, dict(used.priors)[f"{place}.analysis_prior.control"], plan.planned


def _variants(used: ResolvedScenario, final: Borrower, history: Prior) -> tuple[_Played, ...]:
    """Borrowing, none and pooled; and none at the type I error of borrowing where a range without effect is stated."""
    plan = used.resolved

    def played(name: VariantName, why: str, rule: Borrower, kept: Callable[[Look], FloatArray]) -> _Played:
        whole = plan.rule.model_copy(update={"final": rule}) if isinstance(plan.rule, Monitored) else rule
        try:
            run = trial(whole, plan.design)
        except InputError as error:  # stops that contradict each other without history or with all of it
            faults = (fault._replace(where=f"{used.name}, {name}: {fault.where}") for fault in error.faults)
            raise InputError(*faults) from None
        return _Played(name, why, rule, run, _control_said(rule), kept)

    plain, (whole_prior, said) = without_history(final, ("control",)), _pooled(used, history)
    found = [
        played("borrowing", "as the file says", final, lambda look: _kept(final, history, look)),
        played("none", "without history", plain, lambda look: np.zeros(look.n_c + 1)),
        played("pooled", said, with_priors(plain, {"control": whole_prior}), lambda look: np.ones(look.n_c + 1)),
    ]
    bought = borrowing(used, found[0].run) if final is plan.rule else None
    if bought is not None and bought.arms == ("control",) and plan.null is not None:
        calibrated = plain.model_copy(update={"certainty": bought.rows[2].certainty})
        span = plan.null.control
        where = f"{plan.arms.control} rates of {span.lowest:g} to {span.highest:g}"
        why = f"without history, certainty set so that the largest type I error at {where} is not above borrowing's"
        found.append(played("none_same_error", why, calibrated, found[1].kept))
    return tuple(found)


def _pooled(used: ResolvedScenario, history: Prior) -> tuple[BetaMixture, str]:
    """History patient for patient, without a part that lets go; where no study is named, its informative part."""
    counted = [one for one in history.contributions if one.weight > 0]
    if not counted:
        return history.informative, "no study is named: the informative part of the prior at full weight"
    recipe = recipe_of(used.indication, history.name.partition("/")[2])
    base = recipe.base if isinstance(recipe, Additive) else Base()
    x, n, studies = sum(c.responders for c in counted), sum(c.n for c in counted), len(history.studies)
    many = f"{studies} studies" if studies > 1 else "1 study"
    return BetaMixture.beta(base.a + x, base.b + n - x), f"{x} of {n} in {many}, patient for patient"


def _control_said(rule: Borrower) -> str:
    """The control prior in closed form."""
    assert rule.analysis_prior.control is not None
    history = rule.analysis_prior.control.mixture().said()
    if not isinstance(rule, SelfAdapting):
        return history
    parts = (f"({said})" if " + " in said else said for said in (history, rule.vague.mixture().said()))
    return "w {} + (1 - w) {}, w by how well the control result agrees with history".format(*parts)


def _kept(rule: Borrower, history: Prior, look: Look) -> FloatArray:
    """Weight of history after each control count; all of it where the prior has no part that lets go."""
    kept = kept_weights(rule, history, look)
    return np.array([one.weight for one in kept]) if kept else np.ones(look.n_c + 1)


def _means(prior: BetaMixture, n: int) -> FloatArray:
    """Posterior mean after 0..n responders, shape (n + 1,)."""
    return np.array([prior.updated(x, n).mean for x in range(n + 1)])


def _analysis(one: _Played, look: Look) -> Analysis:
    """Posterior means and the weight of history at one look."""
    rule, weight = one.final, one.kept(look)
    assert rule.analysis_prior.control is not None
    control = _means(rule.analysis_prior.control.mixture(), look.n_c)
    if isinstance(rule, SelfAdapting):
        control = weight * control + (1 - weight) * _means(rule.vague.mixture(), look.n_c)
    return Analysis(look, _means(rule.analysis_prior.treatment.mixture(), look.n_t), control, weight)


def _stated(plan: Scenario) -> tuple[Stated, ...]:
    """Every stated range without effect with the least type I error that a target promises there."""
    found = []
    for name, truth in plan.truths.items():
        if isinstance(truth, NoEffect):
            asked = (t for t in plan.targets if t.metric == "type_i_error" and t.bound == "at_most" and t.truth == name)
            promised = min((t.threshold for t in asked), default=None)
            found.append(Stated(name, truth.control.lowest, truth.control.highest, promised))
    return tuple(found)


def _named(plan: Scenario, history: float) -> list[float]:
    """Control rates with a name: history's mean, the planned ones, the ends of stated ranges; each once."""
    found = [history]
    found += [truth.trial_rates()[1] for truth in plan.truths.values() if isinstance(truth, Points)]
    for one in _stated(plan):
        found += [one.lowest, one.highest]
    return list(dict.fromkeys(round(rate, 12) for rate in found))


def _notes(used: ResolvedScenario, now: _Played, none: _Played) -> list[str]:
    """What a reader must know to take the numbers as they are meant."""
    plan, notes = used.resolved, []
    if np.array_equal(now.run.success.grid, none.run.success.grid):
        notes.append("with and without history the same results succeed: history decides nothing here")
    if "treatment" in informative_arms(now.final, now.run.look):
        arm = used.scenario.arms.treatment
        notes.append(f"the analysis prior of {arm} holds history too: it is the same in every variant")
    if plan.numbers_random:
        notes.append("patients who leave are not analysed: the numbers here suppose that as many as planned are")
    if isinstance(now.run, Course):
        notes.append(
            "estimates and weights are those at the look where the trial ends, with the prior of the final rule"
        )
    return notes


class _Search:
    """Every number of a variant along the control rate, the ranges where one is better, and where it is worst."""

    def __init__(self, plan: Scenario, effect: float) -> None:
        self.rule: Rule = plan.rule
        self.effect, self.margin = effect, plan.rule.null_margin
        self._analyses: dict[VariantName, tuple[Analysis, ...]] = {}

    def type_one(self, one: _Played, rates: FloatArray) -> FloatArray:
        """Type I error at control rates whose edge of no effect lies in [0, 1]."""
        return type_one.along(one.run, rates, self.margin)

    def power(self, one: _Played, rates: FloatArray) -> FloatArray:
        """Power at the planned effect."""
        look = one.run.look
        return paired(one.run.success, Law(binomial(look.n_t, self._beside(rates)), binomial(look.n_c, rates)))

    def mse(self, one: _Played, rates: FloatArray) -> FloatArray:
        """Mean squared error of the posterior mean of the difference at the planned effect."""
        return self.estimates(one, rates).mse

    def estimates(self, one: _Played, rates: FloatArray) -> Estimates:
        """What the posterior means do at the planned effect."""
        if one.name not in self._analyses:
            self._analyses[one.name] = tuple(_analysis(one, look) for look, _ in ends(one.run))
        return estimates(one.run, self._analyses[one.name], self._beside(rates), rates)

    def gain(self, number: Callable[[_Played, FloatArray], FloatArray], high: _Played, low: _Played) -> Along:
        """How much larger a number is under one variant than under another."""
        return lambda rates: number(high, rates) - number(low, rates)

    def variant(self, one: _Played, rates: FloatArray) -> Variant:
        """Every curve of one variant."""
        possible, at_null = self._possible(rates, self.effect), self._possible(rates, self.margin)
        found = self.estimates(one, rates[possible])
        weight = _known(found.weight, possible)
        if not isinstance(one.run, Course):  # it depends on the control arm alone
            everywhere = binomial(one.run.look.n_c, rates) @ one.kept(one.run.look)
            weight = tuple(everywhere.tolist())
        return Variant(
            name=one.name,
            prior=one.prior,
            why=one.why,
            certainty=one.final.certainty,
            type_i_error=_known(self.type_one(one, rates[at_null]), at_null),
            power=_known(self.power(one, rates[possible]), possible),
            bias=_known(found.bias, possible),
            mse=_known(found.mse, possible),
            control_bias=_known(found.control_bias, possible),
            control_mse=_known(found.control_mse, possible),
            weight=weight,
        )

    @staticmethod
    def spans(rates: FloatArray, *gains: Along, seen: float = SEEN) -> tuple[Span, ...]:
        """Ranges of the control rates in which no gain is negative and the first somewhere reaches ``seen``.

        Their ends are exact to 1e-12 where a gain crosses zero. Gains within rounding of zero count as none. Ranges
        narrower than the steps between ``rates`` are not found.
        """
        if not len(rates):
            return ()

        def least(at: FloatArray) -> FloatArray:
            return np.asarray(np.min([gain(at) for gain in gains], axis=0)) + ROUNDING

        def at_one(rate: float) -> float:
            return float(least(np.array([rate]))[0])

        holds, first_gain = least(rates) >= 0, gains[0](rates)
        edges = np.diff(np.concatenate([[False], holds, [False]]).astype(int))
        found = []
        for first, last in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1, strict=True):
            if last > first and float(first_gain[first : last + 1].max()) >= seen:
                low = root(at_one, rates[first - 1], rates[first]) if first else rates[0]
                high = root(at_one, rates[last], rates[last + 1]) if last + 1 < len(rates) else rates[-1]
                found.append(Span(float(low), float(high)))
        return tuple(found)

    def worst_error(self, now: _Played, none: _Played) -> Worst:
        """The largest type I error of borrowing over every control rate, by its certificate."""
        found = type_one.worst(now.run, null_rates(now.final, now.run), *null_margins(now.final, now.run))
        return Worst(found.at, found.found, float(self.type_one(none, np.array([found.at]))[0]))

    def worst_power(self, now: _Played, none: _Played) -> Worst | None:
        """Where most power is lost; None where nothing beyond rounding is."""
        return self._worst(self.power, now, none, sign=-1.0)

    def worst_mse(self, now: _Played, none: _Played) -> Worst | None:
        """Where the mean squared error rises most above that of none; None where it never does.

        The rise is a difference: the ratio has no largest value where the error of none vanishes, as it does with
        uniform priors where both arms respond alike, always or never.
        """
        return self._worst(self.mse, now, none, sign=1.0)

    def _worst(
        self, number: Callable[[_Played, FloatArray], FloatArray], now: _Played, none: _Played, *, sign: float
    ) -> Worst | None:
        """Where borrowing moves a number most into the direction ``sign``."""
        change = self.gain(number, now, none)
        at = np.array([self._highest(lambda rates: sign * change(rates))])
        if sign * float(change(at)[0]) <= ROUNDING:
            return None
        return Worst(float(at[0]), float(number(now, at)[0]), float(number(none, at)[0]))

    def _highest(self, number: Along) -> float:
        """The control rate at which a number at the planned effect is largest: the best step, closer and closer."""
        rates = self.grid(self.effect)
        for _ in range(ZOOMS):
            best = int(np.argmax(number(rates)))
            rates = np.linspace(rates[max(best - 1, 0)], rates[min(best + 1, len(rates) - 1)], 101)
        return float(rates[np.argmax(number(rates))])

    @staticmethod
    def grid(*differences: float) -> FloatArray:
        """Control rates beside which treatment rates so far away all lie in [0, 1]; empty where none do."""
        lowest, highest = max(0.0, *(-d for d in differences)), min(1.0, *(1 - d for d in differences))
        return np.linspace(lowest, highest, STEPS) if lowest <= highest else np.empty(0)

    def _beside(self, rates: FloatArray) -> FloatArray:
        """Treatment rates beside these control rates, without the rounding that would carry them out of [0, 1]."""
        return np.clip(rates + self.effect, 0.0, 1.0)

    @staticmethod
    def _possible(rates: FloatArray, difference: float) -> BoolArray:
        """Control rates beside which a treatment rate so far away lies in [0, 1]."""
        return np.asarray(np.abs(rates + difference - 0.5) <= 0.5 + ROUNDING)


def _known(values: FloatArray, possible: BoolArray) -> Known:
    """The values in the places where they are possible, None elsewhere."""
    given = iter(values.tolist())
    return tuple(next(given) if there else None for there in possible.tolist())
