"""Example trials: chosen as described, told as they are, and every number as another path computes it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from tests.building import resolved
from tests.example_trials import looks, of, told, used
from tests.tolerances import QUADRATURE, ROUNDING, monte_carlo

from anatrial.documents.scenario import ResolvedScenario
from anatrial.domain.examples import ExampleLook
from anatrial.domain.tally import SimulationSettings
from anatrial.errors import InputError
from anatrial.plan.examples import examples, surprising
from anatrial.plan.patients import patients as virtual_patients
from anatrial.report.examples_text import examples_text

HISTORY = (8.0, 26.0)  # 28 of 128 at weight 0.25 on Beta(1, 1), beside 20 % Beta(1, 1)


def control_parts(x: int, n: int) -> tuple[list[tuple[float, float, float]], float]:
    """Parts of the control posterior of the sJIA trials (weight, a, b), and the weight of history."""
    parts = [(0.8, *HISTORY), (0.2, 1.0, 1.0)]
    raw = [w * stats.betabinom.pmf(x, n, a, b) for w, a, b in parts]
    shares = [one / sum(raw) for one in raw]
    return [(w, a + x, b + n - x) for w, (_, a, b) in zip(shares, parts, strict=True)], shares[0]


def certainty(look: ExampleLook) -> float:
    """P(treatment rate > control rate | data) of the sJIA trials, by quadrature over the control rate."""
    assert look.control is not None
    (x_t, n_t, _), (x_c, n_c, _) = look.treatment, look.control
    parts, _ = control_parts(x_c, n_c)

    def integrand(rate: float) -> float:
        density = sum(w * stats.beta.pdf(rate, a, b) for w, a, b in parts)
        return float(density * stats.beta.sf(rate, 1 + x_t, 1 + n_t - x_t))

    return float(quad(integrand, 0, 1, points=[x_c / n_c, 0.25], epsabs=1e-11, limit=200)[0])


@pytest.mark.parametrize("name", ["sjia-next-trial", "as-group-sequential", "as-monitored", "as-completers-only"])
def test_there_are_three_to_six_with_a_failure_and_a_conflict(name: str) -> None:
    """No trial is told twice, and one failure and one conflict are among three to six."""
    trials = told(name).trials
    assert 3 <= len(trials) <= 6
    assert {"failure", "conflict"} <= {trial.kind for trial in trials}
    assert len({trial.number for trial in trials}) == len(trials)


def test_the_seed_alone_decides() -> None:
    """The same scenario gives the same trials; another seed gives other patients."""
    scenario = used("sjia-next-trial")
    assert examples(scenario) == told("sjia-next-trial")
    other = ResolvedScenario(
        scenario.name,
        scenario.scenario,
        scenario.resolved.model_copy(update={"seed": 1}),
        scenario.priors,
        scenario.indication,
        scenario.priors_from,
    )
    patients = [[trial.patients for trial in one.trials] for one in (examples(other), told("sjia-next-trial"))]
    assert patients[0] != patients[1]


@pytest.mark.parametrize("name", ["sjia-next-trial", "as-group-sequential", "as-monitored", "as-completers-only"])
def test_counts_at_looks_are_those_of_the_patients(name: str) -> None:
    """Responders and patients per arm are what a count of the first patients of each arm gives; trials end once."""
    plan = used(name).resolved.design.looks()
    for trial in told(name).trials:
        assert len(trial.looks) == len(trial.arrivals)
        assert [look.decision == "goes on" for look in trial.looks] == [True] * (len(trial.looks) - 1) + [False]
        for look, arrived in zip(trial.looks, trial.arrivals, strict=True):
            seen = [one for one in trial.patients[:arrived] if one.counted]
            for arm, treated in ((look.treatment, True), (look.control, False)):
                if arm is not None:
                    results = [one.responded for one in seen if one.treated == treated]
                    assert (arm.x, arm.n) == (sum(results), len(results))
            if name != "as-completers-only":
                n_c = 0 if look.control is None else look.control.n
                assert (look.treatment.n, n_c) == plan[look.number - 1]


def test_those_who_left_are_not_counted() -> None:
    """Where drop-outs leave the analysis some patients are not counted, and the numbers per arm differ by trial."""
    trials = [trial for trial in told("as-completers-only").trials if trial.truth == "hoped"]
    assert all(any(not one.counted for one in trial.patients) for trial in trials)
    assert not any(one.responded and not one.counted for trial in trials for one in trial.patients)
    assert len({(trial.end.treatment.n, trial.end.control) for trial in trials}) > 1


def test_posteriors_of_a_borrowing_trial() -> None:
    """Posterior means, intervals, the weight of history and the certainty are what quadrature and scipy say."""
    for look in looks("sjia-next-trial"):
        assert look.control is not None
        parts, kept = control_parts(look.control.x, look.control.n)
        assert look.history == pytest.approx(kept, abs=ROUNDING)
        control, treatment = look.control.believed, look.treatment.believed
        assert control is not None
        assert treatment is not None
        assert control.mean == pytest.approx(sum(w * a / (a + b) for w, a, b in parts), abs=ROUNDING)
        for end, tail in ((control.lower, 0.025), (control.upper, 0.975)):
            assert sum(w * stats.beta.cdf(end, a, b) for w, a, b in parts) == pytest.approx(tail, abs=QUADRATURE)
        own = stats.beta(1 + look.treatment.x, 1 + look.treatment.n - look.treatment.x)
        assert treatment.mean == pytest.approx(own.mean(), abs=ROUNDING)
        assert (treatment.lower, treatment.upper) == pytest.approx(own.ppf([0.025, 0.975]), abs=QUADRATURE)
        (asked,) = look.asked
        assert (asked.what, asked.sign) == ("P(anakinra rate > placebo rate | data)", ">")
        assert asked.value == pytest.approx(certainty(look), abs=QUADRATURE)
        assert look.decision == ("success" if certainty(look) > 0.98 else "no success")


def test_what_would_have_been_needed() -> None:
    """The least treatment count that succeeds beside the control count is where the quadrature passes 0.98."""
    for look in looks("sjia-next-trial"):
        (deciding,) = look.deciding
        ((first, last),) = deciding.runs
        assert (deciding.decides, last) == ("success", 24)
        above, below = (
            certainty(
                ExampleLook(1, True, look.treatment._replace(x=x), look.control, 0, 0, 0, (), None, "success", ())
            )
            for x in (first, first - 1)
        )
        assert below <= 0.98 < above


def test_intervals_are_newcombe_and_wilson() -> None:
    """The interval of a difference is put together from Wilson's of each arm; of one arm it is Wilson's."""
    z = stats.norm.ppf(0.975)

    def wilson(x: int, n: int) -> tuple[float, float]:
        middle, half = (x + z * z / 2) / (n + z * z), z / (n + z * z) * math.sqrt(x * (n - x) / n + z * z / 4)
        return middle - half, middle + half

    for look in (*looks("sjia-next-trial"), *looks("as-monitored")):
        p, (low, high) = look.treatment.x / look.treatment.n, wilson(*look.treatment[:2])
        if look.control is not None:
            q, (low_c, high_c) = look.control.x / look.control.n, wilson(*look.control[:2])
            low, high = p - q - math.hypot(p - low, high_c - q), p - q + math.hypot(high - p, q - low_c)
            p -= q
        assert (look.effect, look.lower, look.upper) == pytest.approx((p, low, high), abs=ROUNDING)


def test_the_control_of_a_self_adapting_trial() -> None:
    """The posterior control mean and the weight of history follow from the rule's odds and the predictive odds."""
    scenario = used("sjia-self-adapting")
    a, b = 8.0, 26.0
    rate, delta = a / (a + b), scenario.resolved.rule.delta  # type: ignore[union-attr]
    for look in looks("sjia-self-adapting"):
        assert look.control is not None
        x, n, believed = look.control
        assert believed is not None
        near = [stats.binom.pmf(x, n, rate + step) for step in (-delta, delta) if 0 < rate + step < 1]
        odds = stats.binom.pmf(x, n, rate) / max(near)
        odds *= stats.betabinom.pmf(x, n, a, b) / stats.betabinom.pmf(x, n, 1, 1)
        weight = odds / (1 + odds)
        assert look.history == pytest.approx(weight, abs=QUADRATURE)
        mean = weight * (a + x) / (a + b + n) + (1 - weight) * (1 + x) / (2 + n)
        assert believed.mean == pytest.approx(mean, abs=QUADRATURE)


def test_shares_and_choices_in_the_block() -> None:
    """Fisher's decisions counted by hand over the block give every share, and the chosen are the first that fit."""
    scenario = used("anajis")

    def succeeds(x_t: int, x_c: int) -> bool:
        return x_t > x_c and stats.fisher_exact(np.array([[x_t, x_c], [12 - x_t, 12 - x_c]]))[1] <= 0.05

    success = np.array([[succeeds(x_t, x_c) for x_c in range(13)] for x_t in range(13)])
    how = SimulationSettings(scenario.resolved.simulation.trials, scenario.resolved.seed)
    blocks = {name: next(virtual_patients(scenario.resolved, name, how))[1] for name in ("expected", "no-effect")}
    x_t, x_c, won = {}, {}, {}
    for name, patients in blocks.items():
        x_t[name] = np.where(patients.treated, patients.response, 0).sum(axis=1)
        x_c[name] = np.where(patients.treated, 0, patients.response).sum(axis=1)
        won[name] = success[x_t[name], x_c[name]]
    odd = stats.binom.cdf(x_c["expected"], 12, 0.1) < 0.025
    odd |= stats.binom.sf(x_c["expected"] - 1, 12, 0.1) < 0.025
    lead = x_t["expected"] - x_c["expected"]
    ranked = sorted(lead[won["expected"]].tolist())
    usual = won["expected"] & (lead == ranked[(len(ranked) - 1) // 2])
    wanted = {
        "typical success": ("expected", usual, won["expected"]),
        "failure": ("expected", ~won["expected"], ~won["expected"]),
        "false success": ("no-effect", won["no-effect"], won["no-effect"]),
        "conflict": ("expected", odd, odd),
    }
    taken: list[int] = []
    assert [trial.kind for trial in told("anajis").trials] == list(wanted)
    for trial, (name, fits, alike) in zip(told("anajis").trials, wanted.values(), strict=True):
        first = next(k for k in np.flatnonzero(fits).tolist() if k + 1 not in taken)
        assert (trial.truth, trial.number) == (name, first + 1)
        assert (trial.share.trials, trial.share.of) == (alike.sum(), len(alike))
        assert [one.responded for one in trial.patients] == blocks[name].response[first].tolist()
        taken.append(trial.number)
    power = sum(stats.binom.pmf(i, 12, 0.7) * stats.binom.pmf(j, 12, 0.1) for i, j in np.argwhere(success).tolist())
    share = told("anajis").trials[0].share
    assert share.trials / share.of == pytest.approx(power, abs=monte_carlo(power, share.of))


def test_early_stops_are_early() -> None:
    """An early stop ends before the last look, by the decision that it is named after."""
    futile = of("sjia-futility", "early futility")
    assert (futile.end.decision, futile.end.last, futile.truth) == ("futility", False, "no-effect")
    assert "rightly" in futile.why
    late = of("as-group-sequential", "typical success")
    assert (late.end.decision, late.end.number, late.arrived) == ("success", 2, 70)


def test_a_conflict_surprises_history() -> None:
    """The control count lies where history alone, Beta(8, 26), puts less than 0.025 at it and beyond."""
    for name in ("sjia-next-trial", "sjia-futility"):
        control = of(name, "conflict").end.control
        assert control is not None
        tails = (
            stats.betabinom.cdf(control.x, control.n, *HISTORY),
            stats.betabinom.sf(control.x - 1, control.n, *HISTORY),
        )
        assert min(tails) < 0.025
        assert of(name, "conflict").why.startswith(f"{control.x} of {control.n} respond on placebo, where history")


def test_surprising_counts_have_less_than_a_fortieth() -> None:
    """A tail of exactly 0.025 is no surprise; where no count is so unlikely both limits lie outside."""
    assert surprising(np.array([0.025, 0.95, 0.025])) == (-1, 3)
    assert surprising(np.array([0.01, 0.014, 0.952, 0.024])) == (1, 3)


BODY = """
[design]
kind = "fixed"
n = {{ treatment = 10, control = 10 }}

[rule]
kind = "fisher"
alpha = 0.05

[truths.only]
{truth}

[[targets]]
metric = "power"
truth = "only"
at_least = 0.1
"""


def test_what_never_happens_is_said() -> None:
    """Where every trial succeeds there is no failure and no conflict: both are told, with the number of trials."""
    found = examples(resolved(BODY.format(truth='kind = "points"\nrates = { treatment = 1.0, control = 0.0 }')))
    assert [trial.kind for trial in found.trials] == ["typical success"]
    assert found.trials[0].share.trials == found.trials[0].share.of
    assert [none.kind for none in found.not_found] == ["failure", "conflict"]


def test_a_grid_is_refused() -> None:
    """A file whose only truth is a grid has no reality to draw patients from."""
    scenario = resolved(BODY.format(truth='kind = "grid"\nrates = { treatment = [0.5, 0.6], control = [0.1, 0.2] }'))
    with pytest.raises(InputError) as caught:
        examples(scenario)
    (fault,) = caught.value.faults
    assert fault[1:3] == ("grids only", "a truth that is one reality: points, design_prior or no_effect")


LOOKS = """
[design]
kind = "sequential"
looks = [{ treatment = 10 }, { treatment = 20 }]

[rule]
kind = "responders"
null_rate = 0.3
success_at_least = ["never", 10]

[truths.only]
kind = "points"
rates = { treatment = 0.6 }
rates_among = "completers"
dropout = { treatment = 0.2, counted = "excluded" }

[[targets]]
metric = "power"
truth = "only"
at_least = 0.1
"""


def test_looks_count_patients_with_a_result() -> None:
    """Where drop-outs leave the analysis of a trial with looks, each look has its planned number with a result."""
    scenario = resolved(LOOKS)
    found = examples(scenario)
    assert [trial.kind for trial in found.trials] == ["typical success", "failure", "conflict"]
    for trial in found.trials:
        assert [look.treatment.n for look in trial.looks] == [10, 20]
        assert all(patient.counted for patient in trial.patients)
        x = sum(patient.responded for patient in trial.patients)
        assert (trial.looks[-1].treatment.x, trial.end.decision == "success") == (x, x >= 10)
    assert "goes on. ." not in examples_text(found, scenario.scenario.arms)


@pytest.mark.parametrize("name", ["as-go-no-go", "sjia-safety", "as-safety"])
def test_decisions_are_those_of_the_engine(name: str) -> None:
    """What is told at the end of a trial agrees with the simulated decisions: kinds succeed or fail as named."""
    for trial in told(name).trials:
        succeeded = {"typical success": True, "early success": True, "false success": True, "failure": False}
        assert succeeded.get(trial.kind, trial.end.decision == "success") == (trial.end.decision == "success")
