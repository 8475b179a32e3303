"""Predictive probability and conditional power against independent enumeration; interim.json names the peers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.building import cases, named, posterior, ref, sided

from anatrial.domain.counts import Look, Regions
from anatrial.rules.base import Rule
from anatrial.rules.final import FinalRule
from anatrial.rules.monitored import Monitored
from anatrial.rules.posterior import AnalysisPrior
from anatrial.rules.stops import AssumedRates, ConditionalStop, PredictiveStop, Stop

Case = dict[str, Any]
FILE = "interim.json"


def predictive(treatment: list[float], control: list[float] | None = None) -> PredictiveStop:
    """Predictive probability with one Beta per arm."""
    prior = AnalysisPrior(treatment=ref([(1, *treatment)]), control=None if control is None else ref([(1, *control)]))
    return PredictiveStop(kind="predictive_probability", decides="success", above=0.9, prior=prior)


def conditional(treatment: float | None = None, control: float | None = None) -> ConditionalStop:
    """Conditional power at given rates, or at the estimate."""
    rates = None if treatment is None else AssumedRates(treatment=treatment, control=control)
    under = "estimate" if rates is None else "design"
    return ConditionalStop.model_validate(
        {"kind": "conditional_power", "decides": "success", "above": 0.9, "under": under, "rates": rates}
    )


def value(stop: Stop, final: Rule, look: Look, end: Regions, table: tuple[int, int]) -> float:
    """The probability to reject in the end, in either direction, given one interim table."""
    both = (stop.statement(final, look, region).probability[table] for region in (end.success, end.harm))
    return float(sum(both))


@pytest.mark.parametrize("case", cases(FILE, "exact_conditional_predictive_power_two_arm"), ids=named)
def test_two_arm_predictions(case: Case) -> None:
    """Conditional power at assumed and observed rates and predictive power are the peer's."""
    given, expected, within = case["inputs"], case["expected"], case["tolerance"]["abs"]
    final = sided(given["final_test"], given["alpha"], two_sided=given["alternative"] == "two-sided")
    look = Look(given["n_treatment"], given["n_control"])
    (end,) = final.regions((Look(given["n_treatment_final"], given["n_control_final"]),))
    table = given["events_treatment"], given["events_control"]
    stops = {
        "conditional_power_assumed": conditional(given["assumed_rate_treatment"], given["assumed_rate_control"]),
        "conditional_power_observed": conditional(),
        "predictive_power": predictive(*given["beta_priors"]),
    }
    found = {name: value(stop, final, look, end, table) for name, stop in stops.items()}
    assert found == pytest.approx(expected, abs=within)


@pytest.mark.parametrize("case", cases(FILE, "predictive_probability_single_arm"), ids=named)
def test_single_arm_predictions(case: Case) -> None:
    """The predictive probability, the final boundary and the posterior at the interim look are the peer's."""
    given, expected, within = case["inputs"], case["expected"], case["tolerance"]["abs"]
    prior, rate = given["beta_prior"], given["threshold_rate"]
    final = posterior([(1, *prior)], None, given["success_if_posterior_prob_exceeds"], benchmark=rate)
    look = Look(given["n_now"], 0)
    (end,) = final.regions((Look(given["n_final"], 0),))
    table = given["responders"], 0
    found = value(predictive(prior), final, look, end, table)
    assert found == pytest.approx(expected["predictive_probability"], abs=within)
    assert int(np.flatnonzero(end.success.grid[:, 0])[0]) == expected["final_success_needs_at_least"]
    assert final.probability(look, 0.0)[table] == pytest.approx(expected["posterior_prob_now"], abs=within)


ONE_SIDED = [
    (case, sided(case["inputs"]["final_test"], case["inputs"]["alpha"], two_sided=False))
    for case in cases(FILE, "exact_conditional_predictive_power_two_arm")
    if case["inputs"]["alternative"] != "two-sided"
]


@pytest.mark.parametrize(
    ("case", "final"), ONE_SIDED, ids=lambda found: named(found) if isinstance(found, dict) else ""
)
def test_a_monitored_trial_stops_on_the_side_of_the_peers_number(case: Case, final: FinalRule) -> None:
    """Just above the peer's predictive power a threshold ends the trial for futility, just below it does not."""
    given, exact = case["inputs"], case["expected"]["predictive_power"]
    looks = Look(given["n_treatment"], given["n_control"]), Look(given["n_treatment_final"], given["n_control_final"])
    for below, stops in ((exact + 1e-7, True), (exact - 1e-7, False)):
        stop = predictive(*given["beta_priors"]).model_copy(
            update={"decides": "futility", "above": None, "below": below}
        )
        early, _ = Monitored(kind="monitored", final=final, stops=(stop,)).regions(looks)
        assert early.futility is not None
        assert ((given["events_treatment"], given["events_control"]) in early.futility) == stops
