"""Response at several visits: against every course a patient can take, in fractions, and against simulation."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from math import comb
from pathlib import Path

import numpy as np
import pytest
from scipy.special import betaln
from tests.tolerances import QUADRATURE, ROUNDING, monte_carlo

from anatrial import evaluate, read_scenario
from anatrial.designs.visits import AtVisit, Counted, Missing, Sustained, Visits, Window, counted
from anatrial.domain.mixture import BetaMixture
from anatrial.domain.tally import SimulationSettings
from anatrial.engine import random_totals
from anatrial.engine.simulation import simulated
from anatrial.engine.visits import analysed, believed, success
from anatrial.errors import ComputationError
from anatrial.plan.visits import MISSING, block
from anatrial.rules.fisher import Fisher
from anatrial.truths.visits import Markov, MarkovArm, VisitRates, at_visits
from anatrial.truths.visits import Path as Course

ROOT = Path(__file__).parents[2] / "scenarios"
FIRST, GAIN, LOSS = Fraction(1, 3), (Fraction(1, 4), Fraction(2, 5)), (Fraction(1, 10), Fraction(1, 2))
LEAVES = (Fraction(1, 10), Fraction(0), Fraction(1, 5))
COURSE = Course(float(FIRST), tuple(map(float, GAIN)), tuple(map(float, LOSS)), tuple(map(float, LEAVES)))


def patients() -> Iterator[tuple[Fraction, list[int | None]]]:
    """Every course of a patient over three visits: its chance, and what is seen (None once the patient has left)."""
    for states in product((0, 1), repeat=3):
        chance = FIRST if states[0] else 1 - FIRST
        for k in (1, 2):
            up = 1 - LOSS[k - 1] if states[k - 1] else GAIN[k - 1]
            chance *= up if states[k] else 1 - up
        for stay in range(4):  # visits come to
            kept = Fraction(1)
            for visit in range(min(stay + 1, 3)):
                kept *= 1 - LEAVES[visit] if visit < stay else LEAVES[visit]
            yield chance * kept, [state if visit < stay else None for visit, state in enumerate(states)]


def verdict(seen: list[int | None], window: tuple[int, int], missing: Missing) -> bool | None:
    """Whether a patient counts as a responder; None where the patient is left out."""
    first, last = window
    asked = seen[first : last + 1]
    if missing == "observed_only" and None in asked:
        return None
    if missing == "non_responder":
        return all(state == 1 for state in asked)
    filled, before = [], 0
    for state in seen:
        before = before if state is None else state
        filled.append(before)
    return all(filled[first : last + 1])


@pytest.mark.parametrize("missing", MISSING)
@pytest.mark.parametrize("window", [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2)])
def test_a_patient_counts_as_the_sum_over_every_course(window: tuple[int, int], missing: Missing) -> None:
    """Chance to be analysed, and then to count as a responder, at one visit or at several."""
    told = [(chance, verdict(seen, window, missing)) for chance, seen in patients()]
    kept = sum(chance for chance, responds in told if responds is not None)
    responds = sum(chance for chance, responds in told if responds)
    found = counted(COURSE, Window(*window), missing)
    assert found == pytest.approx(Counted(float(kept), float(responds / kept)), abs=ROUNDING)


def design(window: tuple[int, int], missing: Missing, n_t: int = 5, n_c: int | None = 4) -> Visits:
    """Visits at months 3, 6 and 12, analysed over a window of them."""
    months = (3.0, 6.0, 12.0)
    analysis = (
        AtVisit(kind="at_visit", visit=months[window[0]], missing=missing)
        if window[0] == window[1]
        else Sustained.model_validate({"kind": "sustained", "from": months[window[0]], "missing": missing})
    )
    sizes = {"treatment": n_t} | ({} if n_c is None else {"control": n_c})
    return Visits.model_validate(
        {"kind": "visits", "n": sizes, "visits": months, "unit": "months", "analysis": analysis}
    )


def test_shares_at_each_visit_are_those_of_the_courses() -> None:
    """Responding, not responding and gone sum to 1 at each visit, and are the sums over every course."""
    found = at_visits(COURSE)
    for visit in range(3):
        shares = [sum(chance for chance, seen in patients() if seen[visit] == state) for state in (1, 0, None)]
        assert found[visit] == pytest.approx([float(share) for share in shares], abs=ROUNDING)


def fisher_wins(x_t: int, n_t: int, x_c: int, n_c: int) -> bool:
    """One-sided Fisher at 0.25, by counting tables."""
    k = x_t + x_c
    as_extreme = sum(comb(n_t, i) * comb(n_c, k - i) for i in range(x_t, min(n_t, k) + 1))
    return Fraction(as_extreme, comb(n_t + n_c, k)) <= Fraction(1, 4)


def binomial(x: int, n: int, rate: Fraction) -> Fraction:
    """Probability of x of n."""
    return comb(n, x) * rate**x * (1 - rate) ** (n - x)


def test_power_without_the_missing_sums_over_the_numbers_analysed() -> None:
    """5 v 4 patients, observed only: every pair of numbers analysed and every table, in fractions."""
    low, high = (markov_arm(Fraction(1, 5)), markov_arm(Fraction(4, 5)))
    truth = Markov(kind="markov", treatment=high, control=low)
    rates = []
    for first in (Fraction(4, 5), Fraction(1, 5)):
        second = first * (1 - LOSS[0]) + (1 - first) * GAIN[0]
        rates.append(second * (1 - LOSS[1]) + (1 - second) * GAIN[1])
    stays = (1 - LEAVES[0]) * (1 - LEAVES[1]) * (1 - LEAVES[2])
    expected = Fraction(0)
    for n_t, n_c in product(range(1, 6), range(1, 5)):
        weight = binomial(n_t, 5, stays) * binomial(n_c, 4, stays)
        for x_t, x_c in product(range(n_t + 1), range(n_c + 1)):
            if fisher_wins(x_t, n_t, x_c, n_c):
                expected += weight * binomial(x_t, n_t, rates[0]) * binomial(x_c, n_c, rates[1])
    case = analysed(design((2, 2), "observed_only"), truth, "observed_only")
    found = success([case], Fisher(kind="fisher", alpha=0.25), single_arm=False)[0][0]
    assert found == pytest.approx(float(expected), abs=ROUNDING)


def markov_arm(first: Fraction) -> MarkovArm:
    """An arm with the transitions of this file."""
    gain, loss, dropout = (tuple(map(float, shares)) for shares in (GAIN, LOSS, LEAVES))
    return MarkovArm(first=float(first), gain=gain, loss=loss, dropout=dropout)


def test_power_with_missing_as_no_response_is_the_sum_over_tables() -> None:
    """5 v 4 patients, sustained response: one pair of rates, every table."""
    truth = Markov(kind="markov", treatment=markov_arm(Fraction(4, 5)), control=markov_arm(Fraction(1, 5)))
    rates = []
    for first in (Fraction(4, 5), Fraction(1, 5)):
        second = first * (1 - LOSS[0]) + (1 - first) * GAIN[0]
        rates.append(second * (1 - LOSS[1]) * (1 - LEAVES[0]) * (1 - LEAVES[1]) * (1 - LEAVES[2]))
    expected = sum(
        binomial(x_t, 5, rates[0]) * binomial(x_c, 4, rates[1])
        for x_t, x_c in product(range(6), range(5))
        if fisher_wins(x_t, 5, x_c, 4)
    )
    case = analysed(design((1, 2), "non_responder"), truth, "non_responder")
    found = success([case], Fisher(kind="fisher", alpha=0.25), single_arm=False)[0][0]
    assert found == pytest.approx(float(expected), abs=ROUNDING)


def test_an_uncertain_first_response_gives_the_integral_over_it() -> None:
    """Responders of 7 whose chance is 0.2 + 0.7 p with p from a prior in two parts: Gauss-Legendre over p."""
    prior = BetaMixture.beta(3.0, 2.0).robustified(BetaMixture.beta(1.0, 1.0).parts[0]._replace(weight=0.3))
    nodes, weights = np.polynomial.legendre.leggauss(60)
    p, w = 0.5 * (nodes + 1), 0.5 * weights
    density = sum(
        part.weight * np.exp((part.a - 1) * np.log(p) + (part.b - 1) * np.log(1 - p) - betaln(part.a, part.b))
        for part in prior.parts
    )
    rate = 0.2 + 0.7 * p
    expected = [float((w * density * comb(7, x) * rate**x * (1 - rate) ** (7 - x)).sum()) for x in range(8)]
    assert believed(prior, 7, others=0.2, first=0.9) == pytest.approx(expected, abs=QUADRATURE)


def test_rates_with_a_persistence_are_met_at_every_visit() -> None:
    """Whatever share keeps its response, the gains bring back the stated rates."""
    told = {"rates": [0.78, 0.86, 0.78], "persistence": [0.9], "dropout": [0.0]}
    truth = VisitRates.model_validate_json('{"kind": "visit_rates", "treatment": ' + str(told).replace("'", '"') + "}")
    assert at_visits(truth.paths(3)[0])[:, 0] == pytest.approx([0.78, 0.86, 0.78], abs=ROUNDING)


def test_without_leaving_every_rule_for_missing_visits_says_the_same() -> None:
    """Nobody is missing: three equal powers."""
    stays, control = (
        markov_arm(first).model_copy(update={"dropout": (0.0,)}) for first in (Fraction(1, 2), Fraction(1, 5))
    )
    truth = Markov(kind="markov", treatment=stays, control=control)
    cases = [analysed(design((1, 2), missing, 9, 9), truth, missing) for missing in MISSING]
    found = success(cases, Fisher(kind="fisher", alpha=0.1), single_arm=False)
    assert [one[0] for one in found] == pytest.approx([found[0][0]] * 3, abs=ROUNDING)


@pytest.mark.parametrize("name", ["as-visits", "sjia-valencia"])
@pytest.mark.parametrize("missing", MISSING)
def test_simulated_patients_agree_with_the_exact_numbers(name: str, missing: Missing, tmp_path: Path) -> None:
    """Every metric of every truth, under each rule for missing visits, patient by patient."""
    text = (ROOT / f"{name}.toml").read_text().replace('missing = "non_responder"', f'missing = "{missing}"')
    file = tmp_path / "trial.toml"
    file.write_text(text)
    used = read_scenario(file)
    result = evaluate(used)
    trials = 2_000
    for found in result.characteristics:
        tally = simulated(block(used.resolved, found.truth), SimulationSettings(trials, seed=5))
        metrics = {metric.name: metric.estimate for metric in tally.metrics()}
        assert set(metrics) == {metric.name for metric in found.metrics}
        for metric in found.metrics:
            exact, sampled = metric.estimate.value, metrics[metric.name]
            assert sampled.mcse is not None
            wide = 5 * sampled.mcse if metric.name.startswith("expected") else monte_carlo(exact, trials)
            assert sampled.value == pytest.approx(exact, abs=wide)


def test_a_rule_that_would_need_too_many_tables_is_left_out_of_the_comparison(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the file's own rule can be enumerated, another that cannot has no number; the file's own is an error."""
    monkeypatch.setattr(random_totals, "MOST_CELLS", 200)
    text = (ROOT / "sjia-valencia.toml").read_text()
    result = evaluate(read_scenario(ROOT / "sjia-valencia.toml"))
    told = [(row[1], row[-1] is None) for row in result.tables[0].rows[:3]]
    missing = "missing = "
    assert told == [
        (f"{missing}no response (this design)", False),
        (f"{missing}last observation", False),
        (f"{missing}left out", True),
    ]
    file = tmp_path / "trial.toml"
    file.write_text(text.replace('missing = "non_responder"', 'missing = "observed_only"'))
    with pytest.raises(ComputationError, match="more than the 200"):
        evaluate(read_scenario(file))


def test_the_layout_is_said_in_one_sentence() -> None:
    """Arms, visits, what is counted and what a missing visit counts."""
    assert design((1, 2), "last_observation").said("anakinra", "placebo") == (
        "5 on anakinra v 4 on placebo, seen at 3, 6 and 12 months. Counted: response at every visit from 6 months on; "
        "missing = last observation."
    )
