"""Trials of times to an event: exact chances against integrals and simulation, simulated ones against theory."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.tolerances import QUADRATURE, ROUNDING, monte_carlo

from anatrial import evaluate, read_scenario
from anatrial.designs.time_to_event import TimeToEvent
from anatrial.documents.trial_scenario import Simulation
from anatrial.documents.trials import parse_any
from anatrial.domain.results import Estimate
from anatrial.domain.tally import SimulationSettings
from anatrial.domain.trial import TrialEvaluation
from anatrial.engine import time_to_event as engine
from anatrial.engine.simulation import simulated
from anatrial.engine.time_to_event import TimeTrial
from anatrial.plan.time_to_event import block
from anatrial.rules.time_to_event import LogRank, PosteriorHazardRatio, PosteriorMedian
from anatrial.truths.time_to_event import Exponential, NoEffectTime, UncertainHazard, WeibullTruth

SCENARIOS = Path(__file__).parents[2] / "scenarios"
DRAWS = 20_000


def design(**changes: Any) -> TimeToEvent:
    """Two arms of eight, time to flare, followed to the event."""
    fields = {"kind": "time_to_event", "event": "flare", "unit": "months", "until_event": True, "times": [1.0]}
    fields |= {"n": {"treatment": 8, "control": 8}} | changes
    return TimeToEvent.model_validate_json(_json(fields))


def _json(fields: dict[str, Any]) -> str:
    return json.dumps({key: value for key, value in fields.items() if value is not None})


MEDIAN = PosteriorMedian.model_validate_json(
    _json(
        {
            "kind": "posterior_median",
            "benchmark": 7,
            "certainty": 0.9,
            "analysis_prior": {"treatment": {"shape": 1, "rate": 10.1}},
        }
    )
)
RATIO = PosteriorHazardRatio.model_validate_json(
    _json(
        {
            "kind": "posterior_hazard_ratio",
            "certainty": 0.95,
            "analysis_prior": {"treatment": {"shape": 1, "rate": 9}, "control": {"shape": 0.5, "rate": 2}},
        }
    )
)
HOPED = Exponential.model_validate_json(_json({"kind": "exponential", "control": {"median": 6}, "hazard_ratio": 0.35}))
ALONE = Exponential.model_validate_json(_json({"kind": "exponential", "treatment": {"median": 4}}))
UNCERTAIN = UncertainHazard.model_validate_json(
    _json({"kind": "uncertain_hazard", "treatment": {"shape": 4, "rate": 20}, "control": {"shape": 6, "rate": 12}})
)
NOTHING = NoEffectTime.model_validate_json(_json({"kind": "no_effect", "median": 6, "why": "a test"}))
SINGLE = {"n": {"treatment": 4}, "event": "response"}


def erlang(n: int, at: float) -> float:
    """P(the sum of n exponential times of mean 1 is more than ``at``): fewer than n Poisson events."""
    return math.exp(-at) * sum(at**k / math.factorial(k) for k in range(n))


def findings_of(name: str, *changes: tuple[str, str]) -> TrialEvaluation:
    """A shipped file with these changes, evaluated with few simulated trials."""
    text = (SCENARIOS / f"{name}.toml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    used = read_scenario(SCENARIOS / f"{name}.toml")
    plan = parse_any(text, "x.toml")
    found = evaluate(
        replace(used, scenario=plan, resolved=plan.model_copy(update={"simulation": Simulation(trials=4_000)}))
    )
    assert isinstance(found, TrialEvaluation)
    return found


def run_of(trial: TimeTrial, draws: int = DRAWS) -> dict[str, Estimate]:
    """The trial simulated."""
    return {m.name: m.estimate for m in engine.tallied(trial, np.random.default_rng(3), draws).metrics()}


@pytest.mark.parametrize("event", ["response", "flare"])
def test_one_arm_followed_to_the_event_is_exact(event: str) -> None:
    """The chance of success is that of a Gamma total time on the good side of the posterior's boundary."""
    trial = TimeTrial(design(**SINGLE | {"event": event}), MEDIAN, ALONE)
    limit = engine.boundary(trial)
    below = erlang(5, (limit + 10.1) * math.log(2) / 7)  # P(median < 7 | data) on the boundary
    assert (below if event == "response" else 1 - below) == pytest.approx(0.9, abs=ROUNDING)
    more = erlang(4, limit * math.log(2) / 4)
    assert engine.exact_success(trial) == pytest.approx(1 - more if event == "response" else more, abs=ROUNDING)


@pytest.mark.parametrize("event", ["response", "flare"])
@pytest.mark.parametrize(
    ("rule", "truth"), [(MEDIAN, ALONE), (MEDIAN, UNCERTAIN), (RATIO, HOPED), (RATIO, UNCERTAIN), (RATIO, NOTHING)]
)
def test_exact_and_simulated_trials_agree(event: str, rule: Any, truth: Any) -> None:
    """Without censoring the exact chance of success is that of trials simulated patient by patient."""
    trial = TimeTrial(design(event=event, **({"n": {"treatment": 6}} if rule is MEDIAN else {})), rule, truth)
    if rule is MEDIAN and truth is UNCERTAIN:
        trial = trial._replace(truth=truth.model_copy(update={"control": None}))
    assert engine.enumerable(trial)
    exact, found = engine.exact_success(trial), run_of(trial)[trial.success_name].value
    assert found == pytest.approx(exact, abs=monte_carlo(exact, DRAWS))


def test_two_arms_followed_to_the_event_by_a_double_integral() -> None:
    """P(success) of a hazard ratio is the mass of two Gamma totals where the Beta probability exceeds 0.95."""
    trial = TimeTrial(design(n={"treatment": 3, "control": 2}), RATIO, HOPED)
    # mpmath 1.4.1: q = 0.8851803580690256 solves I(q; 4, 2.5) = 0.95; the integral over the control total s of
    # c^2 s exp(-c s) Q(3, 0.35 c (q / (1 - q) (2 + s) - 9)) with c = log 2 / 6.
    assert engine.exact_success(trial) == pytest.approx(0.2666724180173592, abs=QUADRATURE)


def test_duration_and_events_followed_to_the_event() -> None:
    """The last of 4 exponential times comes after (1 + 1/2 + 1/3 + 1/4) / hazard; two arms agree with simulation."""
    alone = TimeTrial(design(**SINGLE), MEDIAN, ALONE)
    assert engine.expected_duration(alone) == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) * 4 / math.log(2), rel=1e-9)
    assert engine.expected_events(alone) == pytest.approx(4, abs=ROUNDING)
    two = TimeTrial(design(), RATIO, HOPED)
    found = run_of(two)["expected_duration"]
    assert found.lower < engine.expected_duration(two) < found.upper


@pytest.mark.parametrize("follow", [{"follow_up": 9.0}, {"accrual": 12.0, "minimum_follow_up": 3.0}])
def test_simulated_events_are_the_expected_ones(follow: dict[str, float]) -> None:
    """Events by closed form lie within the simulation's 99.9 % bounds, with entry, drop-out and a rising hazard."""
    rising = WeibullTruth.model_validate_json(
        _json({"kind": "weibull", "control": {"shape": 1.5, "median": 6}, "hazard_ratio": 0.5})
    )
    for truth in (HOPED, rising):
        lost = {"drop_out": {"share": 0.2, "by": 6}, "until_event": None}
        trial = TimeTrial(design(**follow, **lost), LogRank(kind="log_rank", alpha=0.05), truth)
        found = run_of(trial)
        assert found["expected_events"].lower < engine.expected_events(trial) < found["expected_events"].upper
        assert found["expected_duration"].value <= trial.design.watch.longest


def test_permutation_test_keeps_its_level_and_the_normal_one_is_near() -> None:
    """Under no effect the exact test rejects at most alpha of the trials; both forms have nearly the same power."""
    small = design(n={"treatment": 5, "control": 5}, follow_up=9.0, until_event=None)
    exact = LogRank(kind="log_rank", alpha=0.05, p_value="permutation")
    level = run_of(TimeTrial(small, exact, NOTHING), 4_000)["type_i_error"]
    assert level.value <= 0.05 + monte_carlo(0.05, 4_000)
    power = [
        run_of(TimeTrial(small, rule, HOPED), 4_000)["power"].value
        for rule in (exact, LogRank(kind="log_rank", alpha=0.05))
    ]
    assert abs(power[0] - power[1]) < 0.1


def test_a_response_is_a_flare_turned_round() -> None:
    """Where the arms change their roles, earlier responses succeed as often as later flares, trial by trial."""
    flare = design(follow_up=9.0, until_event=None)
    swapped = Exponential.model_validate_json(
        _json({"kind": "exponential", "control": {"median": 6}, "treatment": {"median": 6 * 0.35}})
    )
    mirrored = Exponential.model_validate_json(
        _json({"kind": "exponential", "control": {"median": 6 * 0.35}, "treatment": {"median": 6}})
    )
    rule = LogRank(kind="log_rank", alpha=0.05)
    late = run_of(TimeTrial(flare, rule, mirrored))["power"].value
    early = run_of(TimeTrial(flare.model_copy(update={"event": "response"}), rule, swapped))["power"].value
    assert late == pytest.approx(early, abs=2 * monte_carlo(late, DRAWS))


def test_the_log_hazard_ratio_is_nearly_unbiased_and_known() -> None:
    """The true log hazard ratio follows from both arms; Cox's estimate centres near it; none where shapes differ."""
    trial = TimeTrial(design(n={"treatment": 60, "control": 60}), LogRank(kind="log_rank", alpha=0.025), HOPED)
    assert trial.log_hazard_ratio == pytest.approx(math.log(0.35), abs=ROUNDING)
    assert abs(run_of(trial, 2_000)[engine.BIAS].value) < 0.03
    apart = WeibullTruth.model_validate_json(
        _json({"kind": "weibull", "control": {"shape": 1.5, "median": 6}, "treatment": {"shape": 1, "median": 6}})
    )
    assert trial._replace(truth=apart).log_hazard_ratio is None


def test_published_hedrich_times_and_what_they_tell() -> None:
    """The shipped file makes Gamma(4, 20) of median and range; P(median < 7) after these data is a Poisson sum."""
    used = read_scenario(SCENARIOS / "sjia-hedrich.toml")
    plan = used.resolved
    assert plan.truths["published"].gammas() == ((4.0, 20.0),)
    discounted = plan.truths["discounted"].gammas()[0]
    assert discounted == pytest.approx((0.4, 2.0), abs=ROUNDING)
    told = engine.told(TimeTrial(plan.design, plan.rule, plan.truths["as-published"]), 20.0)
    assert told.certainty == pytest.approx(erlang(5, 30.1 * math.log(2) / 7), abs=ROUNDING)
    assert told.certainty < plan.rule.certainty  # the four published children would not have succeeded
    assert erlang(5, 30.1 * math.log(2) / told.lower) == pytest.approx(0.025, abs=ROUNDING)
    assert erlang(5, 30.1 * math.log(2) / told.upper) == pytest.approx(0.975, abs=ROUNDING)


def test_tables_of_the_shipped_files() -> None:
    """Each file tells the shares over time and power along the size; the log-rank file also the normal theory."""
    names = {}
    for name in ("sjia-hedrich", "sjia-flare-time"):
        used = read_scenario(SCENARIOS / f"{name}.toml")
        few = used.resolved.model_copy(update={"simulation": Simulation(trials=2_000)})
        found = evaluate(replace(used, resolved=few))
        assert isinstance(found, TrialEvaluation)
        names[name] = {table.name for table in found.tables}
        shares = next(t for t in found.tables if t.name == "without_event")
        assert shares.rows[0][0] == 1
        along = next(t for t in found.tables if t.name == "power_along_size")
        powers = [cell.value for cell in along.column("power") if isinstance(cell, Estimate)]
        assert powers == sorted(powers)
    assert names["sjia-hedrich"] == {"without_event", "power_along_size", "told_by_total"}
    assert names["sjia-flare-time"] == {"without_event", "power_along_size", "normal_theory"}


def test_predicted_shares_average_over_the_prior() -> None:
    """Gamma(4, 20): half are without a response after 20 (2^(1/4) - 1) days."""
    half = engine.predicted_survival(UNCERTAIN.gammas()[0], np.array([20 * (2**0.25 - 1)]))
    assert half[0] == pytest.approx(0.5, abs=ROUNDING)


def test_blocks_are_the_same_for_any_number_of_workers() -> None:
    """A block is picklable, and its tally depends on the seed alone."""
    plan = read_scenario(SCENARIOS / "sjia-flare-time.toml").resolved
    made = block(plan, "expected")
    first, second = (simulated(made, SimulationSettings(3_000, 5, workers)) for workers in (1, 2))
    assert first == second


def test_each_size_is_told_once_and_none_that_a_file_could_not_say() -> None:
    """One patient: no size comes twice; 400 patients: sizes beyond the limit are left out."""
    for n, sizes in ((1, [1, 2, 3, 4, 6, 8]), (400, [200, 400])):
        found = findings_of("sjia-hedrich", ("n = { treatment = 4 }", f"n = {{ treatment = {n} }}"))
        along = next(table for table in found.tables if table.name == "power_along_size")
        assert list(along.column("n")) == sizes


def test_a_level_that_is_not_held_is_said() -> None:
    """20 v 4 patients, every flare seen: normal theory rejects with 0.063 (a plain loop over 30,000 trials)."""
    small = (("n = { treatment = 28, control = 28 }", "n = { treatment = 20, control = 4 }"), ("drop_out = {", "#"))
    found = findings_of(
        "sjia-flare-time", *small, ("accrual = 18 ", "#"), ("minimum_follow_up = 6 ", "follow_up = 40 #")
    )
    level = next(m.estimate for one in found.characteristics for m in one.metrics if m.name == "type_i_error")
    assert level.value == pytest.approx(0.0633, abs=monte_carlo(0.0633, 4_000))
    said = f"the log-rank test by normal theory rejects with {level.value:.3f}, not 0.025"
    assert any(said in note and 'p_value = "permutation" holds it' in note for note in found.notes)
    assert not any("normal theory" in note for note in findings_of("sjia-flare-time").notes)


@pytest.mark.parametrize("event", ["response", "flare"])
def test_vague_hazards_and_rare_successes_are_exact_too(event: str) -> None:
    """A prior worth a twentieth of an event, whose totals leave the floats, agrees with simulation; rare ones end."""
    vague = UncertainHazard.model_validate_json(
        _json(
            {"kind": "uncertain_hazard", "treatment": {"shape": 0.05, "rate": 1}, "control": {"shape": 0.1, "rate": 2}}
        )
    )
    trial = TimeTrial(design(event=event, n={"treatment": 3, "control": 4}), RATIO, vague)
    exact, found = engine.exact_success(trial), run_of(trial)["assurance"].value
    assert found == pytest.approx(exact, abs=monte_carlo(exact, DRAWS))
    far = HOPED.model_copy(update={"hazard_ratio": 1e-3 if event == "response" else 1e3})
    assert (
        0
        <= engine.exact_success(
            trial._replace(design=design(event=event, n={"treatment": 99, "control": 99}), truth=far)
        )
        < 1e-12
    )
