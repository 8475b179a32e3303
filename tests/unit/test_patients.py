"""Virtual patients: who is allotted where, what happens to them, when they come; trials decided by their counts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.building import drawn as priors
from tests.building import points, resolved
from tests.tolerances import monte_carlo

from anatrial.designs.fixed import ArmSizes
from anatrial.designs.randomisation import Randomisation
from anatrial.designs.recruitment import Recruitment
from anatrial.designs.safety import EventRates, Safety
from anatrial.documents.scenario import counts_trial
from anatrial.domain.counts import Look
from anatrial.domain.tally import SimulationSettings
from anatrial.engine.course import trial
from anatrial.engine.patient_trials import NEVER, Simulated, safety_stops
from anatrial.engine.patients import NO_EVENT, Setting, drawn, listed, spread
from anatrial.errors import InputError
from anatrial.files import read_scenario
from anatrial.plan.simulate import simulate
from anatrial.rules.fisher import Fisher
from anatrial.truths.points import Points

ROOT = Path(__file__).parents[2] / "scenarios"
TRIALS = 20_000
LOOKS = (Look(6, 6), Look(12, 12))


def rng(seed: int = 1) -> np.random.Generator:
    """Random numbers of their own."""
    return np.random.default_rng(seed)


def setting(**sections: object) -> Setting:
    """Twelve patients per arm at the last of two looks, at rates 0.6 v 0.2, with sections of the test's."""
    plain = Setting(looks=LOOKS, truth=points(0.6, 0.2), adverse={})
    return replace(plain, **sections)  # type: ignore[arg-type]


def close(found: float | np.floating[Any], chance: float, draws: int) -> None:
    """A share is a chance within Monte Carlo error."""
    assert float(found) == pytest.approx(chance, abs=monte_carlo(chance, draws))


def test_known_rates() -> None:
    """Each arm responds at its rate, and nothing else happens."""
    found = drawn(setting(), rng(), TRIALS)
    close(found.response[found.treated].mean(), 0.6, TRIALS * 12)
    close(found.response[~found.treated].mean(), 0.2, TRIALS * 12)
    assert (found.event == NO_EVENT).all()
    assert not found.dropped.any()
    assert not found.arrival.any()
    assert found.adverse.shape == (TRIALS, 24, 0)


def test_rates_of_a_design_prior_are_drawn_once_per_trial() -> None:
    """Responders of an arm are beta-binomial: of Beta(2, 2) and 12 patients the variance is 12 / 4 * 16 / 5."""
    found = drawn(setting(truth=priors([(1.0, 2.0, 2.0)], [(0.5, 1.0, 3.0), (0.5, 3.0, 1.0)])), rng(), TRIALS)
    x_t = (found.response & found.treated).sum(axis=1)
    assert x_t.var() == pytest.approx(float(Fraction(12, 4) * Fraction(16, 5)), rel=4 * math.sqrt(2 / TRIALS))
    assert found.rate_c.mean() == pytest.approx(0.5, abs=4 * 0.35 / math.sqrt(TRIALS))


@pytest.mark.parametrize("looks", [LOOKS, (Look(5, 3), Look(5, 9), Look(20, 10)), (Look(7, 0), Look(9, 0))])
def test_every_look_has_its_totals(looks: tuple[Look, ...]) -> None:
    """Without blocks the first patients of a look are exactly its totals."""
    order = spread(looks)
    assert [(int(order[: sum(k)].sum()), int((~order[: sum(k)]).sum())) for k in looks] == [tuple(k) for k in looks]


@pytest.mark.parametrize(("treatment", "control"), [(1, 1), (2, 2), (2, 1), (1, 3), (4, 4)])
def test_every_block_is_balanced_and_every_order_equally_probable(treatment: int, control: int) -> None:
    """Each whole block holds its numbers, and the orders come equally often."""
    size = treatment + control
    lists = listed(ArmSizes(treatment=treatment, control=control), rng(), TRIALS, 3 * size + 1)
    assert lists.shape == (TRIALS, 3 * size + 1)
    blocks = lists[:, : 3 * size].reshape(-1, size)
    assert (blocks.sum(axis=1) == treatment).all()
    orders, counts = np.unique(blocks, axis=0, return_counts=True)
    assert len(orders) == math.comb(size, treatment)
    for count in counts.tolist():
        close(count / len(blocks), 1 / len(orders), len(blocks))


def imbalance(shares: tuple[Fraction, ...], n: int, block: tuple[int, int]) -> dict[int, Fraction]:
    """Chance of each number on treatment where strata have blocks of their own: every way to fill the strata."""
    size, found = sum(block), dict[int, Fraction]()
    for filled in product(range(n + 1), repeat=len(shares)):
        if sum(filled) != n:
            continue
        ways = Fraction(math.factorial(n))
        for share, patients in zip(shares, filled, strict=True):
            ways *= share**patients / math.factorial(patients)
        for begun, chance in _begun(tuple(m % size for m in filled), block):
            n_t = sum(m // size for m in filled) * block[0] + begun
            found[n_t] = found.get(n_t, Fraction(0)) + ways * chance
    return found


@cache
def _begun(rests: tuple[int, ...], block: tuple[int, int]) -> tuple[tuple[int, Fraction], ...]:
    """Treatment patients among the first of the last blocks of all strata, with their chances."""

    def each() -> Iterator[tuple[int, Fraction]]:
        for drawn_t in product(*(range(rest + 1) for rest in rests)):
            chance = Fraction(1)
            for k, rest in zip(drawn_t, rests, strict=True):
                ways = math.comb(block[0], k) * math.comb(block[1], rest - k)
                chance *= Fraction(ways, math.comb(sum(block), rest))
            yield sum(drawn_t), chance

    return tuple(each())


def stratified() -> Randomisation:
    """Blocks of 2 + 2 in three strata."""
    return Randomisation.model_validate(
        {"block": {"treatment": 2, "control": 2}, "strata": {"young": 0.5, "old": 0.3, "oldest": 0.2}}
    )


def test_strata_leave_the_arms_unequal_as_counting_says() -> None:
    """Blocks that are not full at the end: the number on treatment has the law of every way to fill the strata."""
    found = drawn(setting(looks=(Look(12, 12),), randomisation=stratified()), rng(), TRIALS)
    law = imbalance((Fraction(1, 2), Fraction(3, 10), Fraction(1, 5)), 24, (2, 2))
    assert sum(law.values()) == 1
    n_t = found.treated.sum(axis=1)
    for value, chance in law.items():
        close((n_t == value).mean(), float(chance), TRIALS)
    for level, share in enumerate((0.5, 0.3, 0.2)):
        close((found.stratum == level).mean(), share, TRIALS * 24)


def test_a_stratified_trial_is_judged_at_the_totals_it_has() -> None:
    """Power is that of Fisher's test at each pair of totals, weighed by its chance; the imbalance is told."""
    rule, looks = Fisher(kind="fisher", alpha=0.05), (Look(12, 12),)
    run = trial(rule, resolved(BODY).resolved.design)
    virtual = Simulated(setting(looks=looks, randomisation=stratified()), rule, run)
    sums = dict(virtual(rng(), TRIALS).sums)
    law = imbalance((Fraction(1, 2), Fraction(3, 10), Fraction(1, 5)), 24, (2, 2))
    power = 0.0
    for n_t, chance in law.items():
        at = points(0.6, 0.2).law(Look(n_t, 24 - n_t))
        region = rule.regions((Look(n_t, 24 - n_t),))[0].success.grid
        power += float(chance) * float(at.treatment[0] @ region @ at.control[0])
    close(sums["power"].total / TRIALS, power, TRIALS)
    off = sum(float(chance) * abs(n_t - 12) for n_t, chance in law.items())
    found = sums["expected_imbalance"].estimate()
    assert found.value == pytest.approx(off, abs=4 * (found.mcse or 0))


BODY = """
[design]
kind = "fixed"
n = { treatment = 12, control = 12 }

[rule]
kind = "fisher"
alpha = 0.05

[truths.expected]
kind = "points"
rates = { treatment = 0.6, control = 0.2 }

[[targets]]
metric = "power"
truth = "expected"
at_least = 0.1
"""

EVENTS = {
    "rescue": {
        "treatment": {"share": 0.1, "responders_after": 0.5},
        "control": {"share": 0.4, "responders_after": 0.9},
    },
    "death": {"treatment": {"share": 0.05}, "control": {"share": 0.2}},
}


def test_intercurrent_events_count_as_the_strategy_says() -> None:
    """Shares of first events per arm, and responses of those who have one: by their rate, or none if composite."""
    given = {"kind": "points", "rates": {"treatment": 0.6, "control": 0.2}, "events": EVENTS}
    truth = Points.model_validate(given).under({"rescue": "treatment_policy", "death": "composite"})
    found = drawn(setting(truth=truth), rng(), TRIALS)
    for arm, shares, rate, after in ((found.treated, (0.1, 0.05), 0.6, 0.5), (~found.treated, (0.4, 0.2), 0.2, 0.9)):
        for index, share in enumerate(shares):
            close((found.event[arm] == index).mean(), share, TRIALS * 12)
        close(found.response[arm & (found.event == NO_EVENT)].mean(), rate, int(TRIALS * 12 * (1 - sum(shares))))
        close(found.response[arm & (found.event == 0)].mean(), after, int(TRIALS * 12 * shares[0]))
        assert not found.response[arm & (found.event == 1)].any()


def test_dropouts_are_no_responders() -> None:
    """Each arm loses its share, independently of the response that would have been."""
    given = {
        "kind": "points",
        "rates": {"treatment": 0.6, "control": 0.2},
        "rates_among": "completers",
        "dropout": {"treatment": 0.3, "control": 0.1},
    }
    found = drawn(setting(truth=Points.model_validate(given)), rng(), TRIALS)
    close(found.dropped[found.treated].mean(), 0.3, TRIALS * 12)
    close(found.dropped[~found.treated].mean(), 0.1, TRIALS * 12)
    assert not (found.response & found.dropped).any()
    close(found.response[found.treated].mean(), 0.6 * 0.7, TRIALS * 12)


def test_looks_count_patients_with_a_result() -> None:
    """Where drop-outs leave the analysis, one look loses them, and several looks never had them."""
    lost = {"treatment": 0.3, "control": 0.1, "counted": "excluded"}
    given = {
        "kind": "points",
        "rates": {"treatment": 0.6, "control": 0.2},
        "rates_among": "completers",
        "dropout": lost,
    }
    truth = Points.model_validate(given)
    found = drawn(setting(truth=truth), rng(), TRIALS)
    assert found.treated.shape == (TRIALS, 24)
    assert not found.dropped.any()
    close(found.response[found.treated].mean(), 0.6, TRIALS * 12)
    once = drawn(setting(truth=truth, looks=(Look(14, 9),)), rng(), TRIALS)
    assert once.treated.shape == (TRIALS, 20 + 10)
    close(once.dropped[once.treated].mean(), 0.3, TRIALS * 20)


def test_the_audit_of_a_monitored_trial_whose_drop_outs_are_excluded(tmp_path: Path) -> None:
    """Every look is simulated, and the numbers are the exact ones."""
    text = (ROOT / "as-monitored.toml").read_text()
    rates = "rates = { treatment = 0.50 }\n"
    assert rates in text
    lost = 'rates_among = "completers"\ndropout = { treatment = 0.2, counted = "excluded" }\n'
    (tmp_path / "trial.toml").write_text(text.replace(rates, rates + lost))
    used = counts_trial(read_scenario(tmp_path / "trial.toml"), "simulate")
    found = simulate(used, SimulationSettings(4000, 7)).truths[0]
    compared = {row.metric: row for row in found.rows if row.exact is not None}
    assert {"power", "expected_n", "look_1_success", "look_6_futility", "observed_bias"} <= set(compared)
    for row in compared.values():
        assert row.exact is not None
        assert row.simulated.value == pytest.approx(
            row.exact.value, abs=4 * (row.simulated.mcse or 0.0) + 16 / 3 / 4000
        )


def test_truths_share_their_luck() -> None:
    """A higher rate loses no responder, whatever else its truth has: events, drop-outs, adverse events."""
    plain = drawn(setting(), rng(), 100)
    better = drawn(setting(truth=points(0.7, 0.3), adverse={"mas": EventRates(treatment=0.1, control=0.1)}), rng(), 100)
    assert (better.response | ~plain.response).all()
    assert (better.response & ~plain.response).any()


@pytest.mark.parametrize("rate", [{"per_month": 2.0}, {"patients": 6, "months": 3.0}])
def test_patients_come_as_a_poisson_process(rate: dict[str, float]) -> None:
    """The number by a month is Poisson, or negative binomial where the rate is uncertain; sites open on the way."""
    plan = Recruitment.model_validate({"sites": {"number": 3, "open_over": 2.0}, "rate": rate, "stop_at": 4.0})
    found = drawn(setting(recruitment=plan), rng(), TRIALS)
    assert (np.diff(found.arrival, axis=1) > 0).all()
    mean, shape = 2.0 * 3 * (4.0 - 1.0), rate.get("patients")  # 3 sites, on average open from month 1 on
    by = (found.arrival <= 4.0).sum(axis=1)
    for n in (10, 14, 18):
        if shape is None:
            chance = math.exp(-mean) * mean**n / math.factorial(n)
        else:
            p = mean / (mean + shape)
            chance = math.comb(n + int(shape) - 1, n) * p**n * (1 - p) ** shape
        close((by == n).mean(), chance, TRIALS)


def test_safety_stops_by_hand() -> None:
    """Two events among the first two or three treatment patients end the trial with the second; later ones do not."""
    steps = ({"events": 2, "patients": 3},)
    safety = Safety.model_validate(
        {
            "events": ({"name": "mas", "stop": {"kind": "counts", "steps": steps}},),
            "rates": {"expected": {"mas": {"treatment": 0.5, "control": 0.5}}},
        }
    )
    looks = (Look(4, 4),)
    found = drawn(setting(looks=looks, adverse={"mas": EventRates(treatment=0.5, control=0.5)}), rng(), 4)
    ill = np.zeros((4, 8, 1), dtype=np.bool_)
    treated = np.flatnonzero(found.treated[0])
    ill[0, treated[:2], 0] = ill[1, treated[[0, 2]], 0] = ill[2, treated[[0, 3]], 0] = True
    ill[3, ~found.treated[0], 0] = True  # on control
    assert safety_stops(safety, looks, replace(found, adverse=ill)).tolist() == [2, 3, NEVER, NEVER]


def faults(section: str) -> list[str]:
    """What is wrong with a file that has this section."""
    with pytest.raises(InputError) as refused:
        resolved(section + BODY)
    return [str(fault) for fault in refused.value.faults]


def test_blocks_that_do_not_divide_the_allocation_are_refused() -> None:
    """Twelve per arm are no whole blocks of 2 + 1, nor of 5 + 5."""
    expected = (
        "  expected  blocks that divide the allocation (12 + 12)\n  fix       so many whole blocks must give each total"
    )
    for sizes in ("2 + 1", "5 + 5"):
        n_t, n_c = sizes.split(" + ")
        said = faults(f"[randomisation]\nblock = {{ treatment = {n_t}, control = {n_c} }}\n")
        assert said == [f"made-up.toml: randomisation.block\n  got       blocks of {sizes}\n{expected}"]


def test_strata_must_be_a_whole() -> None:
    """Shares of the strata add up to 1."""
    said = faults("[randomisation]\nblock = { treatment = 2, control = 2 }\nstrata = { young = 0.5, old = 0.4 }\n")
    assert said == [
        "made-up.toml: randomisation.strata\n  got       shares that add up to 0.9\n  expected  shares that add up to 1"
    ]
