"""Trials with looks, against the sum over every path of responders, in fractions."""

from __future__ import annotations

import itertools
from fractions import Fraction
from math import comb

import numpy as np
import pytest
from tests.building import points, ref, resolved
from tests.tolerances import ROUNDING

from anatrial.designs.sequential import Sequential
from anatrial.domain.counts import Look, Region, Regions
from anatrial.engine import type_one
from anatrial.engine.characteristics import characteristics, power
from anatrial.engine.course import Course
from anatrial.engine.stops import patients, stops, stops_of_rates, turning
from anatrial.errors import InputError
from anatrial.numerics import BoolArray
from anatrial.numerics.binomial import binomial as laws
from anatrial.numerics.looks import carried, reached
from anatrial.plan.evaluate import evaluate
from anatrial.plan.size import size
from anatrial.report.machine import run_content, run_rows
from anatrial.report.pictures import run_picture
from anatrial.report.run_text import run_text
from anatrial.rules.chi_square import ChiSquare
from anatrial.truths.design_prior import DesignPrior

LOOKS = (Look(2, 3), Look(4, 4), Look(7, 5))
NOBODY = Look(0, 0)
Grid = list[list[bool]]
RULE = ChiSquare(kind="chi_square", alpha=0.025)
RATES = (Fraction(3, 5), Fraction(1, 4))


def region(look: Look, decides: BoolArray) -> Region:
    return Region.from_grid(look, decides)


def decided(seed: int, *, harm: bool = False) -> tuple[Regions, ...]:
    """Regions of no pattern at all, disjoint."""
    draws = np.random.default_rng(seed)
    found = []
    for look in LOOKS:
        kind = draws.integers(0, 5 if harm else 4, size=(look.n_t + 1, look.n_c + 1))
        success, futility, harms = (region(look, kind == k) for k in (0, 1, 4))
        found.append(Regions(success, harms, futility=futility))
    return tuple(found)


def up(look: Look, lead: int) -> Region:
    """Success where treatment leads by so many responders."""
    x_t, x_c = np.ogrid[: look.n_t + 1, : look.n_c + 1]
    return region(look, x_t - x_c >= lead)


def sequential(
    regions: tuple[Regions, ...], *, binding: bool = True, waiting: tuple[Look, ...] = (NOBODY,) * 3
) -> Course:
    return Course(regions, binding=binding, waiting=waiting, again=(None,) * len(regions))


def binomial(x: int, n: int, rate: Fraction) -> Fraction:
    return comb(n, x) * rate**x * (1 - rate) ** (n - x)


def by_paths(
    regions: tuple[Regions, ...], rates: tuple[Fraction, Fraction], *, futility: bool = True
) -> list[list[Fraction]]:
    """Per look P(gets there), P(success), P(futility), P(harm): every path of added responders, one after another."""
    found = [[Fraction(0)] * 4 for _ in regions]
    added = [(b.n_t - a.n_t, b.n_c - a.n_c) for a, b in itertools.pairwise((NOBODY, *(r.look for r in regions)))]

    def walk(index: int, x_t: int, x_c: int, chance: Fraction) -> None:
        n_t, n_c = added[index]
        for y_t, y_c in itertools.product(range(n_t + 1), range(n_c + 1)):
            here = chance * binomial(y_t, n_t, rates[0]) * binomial(y_c, n_c, rates[1])
            table, last = (x_t + y_t, x_c + y_c), index == len(regions) - 1
            now = regions[index]
            found[index][0] += here
            if table in now.success:
                found[index][1] += here
            elif table in now.harm:
                found[index][3] += here
            elif futility and not last and now.futility is not None and table in now.futility:
                found[index][2] += here
            elif not last:
                walk(index + 1, *table, here)

    walk(0, 0, 0, Fraction(1))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_every_stop_equals_the_sum_over_all_paths(seed: int) -> None:
    """Reached, success, futility and harm at each look are the sums over every path, whatever the regions are."""
    regions = decided(seed, harm=True)
    course, truth = sequential(regions), points(float(RATES[0]), float(RATES[1]))
    for stop, expected in zip(stops(course, truth.law), by_paths(regions, RATES), strict=True):
        assert [stop.reached, stop.success, stop.futility, stop.harm] == pytest.approx(
            [float(p) for p in expected], abs=ROUNDING
        )
    success, harm = power(course, truth)
    assert success == pytest.approx(float(sum(p[1] for p in by_paths(regions, RATES))), abs=ROUNDING)
    assert harm == pytest.approx(float(sum(p[3] for p in by_paths(regions, RATES))), abs=ROUNDING)


@pytest.mark.parametrize("seed", range(4))
def test_all_outcomes_sum_to_one(seed: int) -> None:
    """A trial ends exactly once: the probabilities to end at each look sum to 1 within 1e-12."""
    course = sequential(decided(seed, harm=True))
    law = points(0.35, 0.2).law
    ends = [float(law(k).treatment[0] @ e @ law(k).control[0]) for k, e in zip(course.looks, course.ends, strict=True)]
    assert sum(ends) == pytest.approx(1.0, abs=1e-12)


def test_futility_that_does_not_bind_counts_for_power_but_not_for_type_one_error() -> None:
    """Type I error is that of the trial that never stops for futility; power, and the expected n, know the stops."""
    idle = [np.arange(look.n_t + 1)[:, None] + np.zeros(look.n_c + 1) == 0 for look in LOOKS]
    regions = tuple(
        Regions(up(look, 2), Region(look, ()), futility=region(look, grid))
        for look, grid in zip(LOOKS, idle, strict=True)
    )
    rate = Fraction(3, 10)
    free = sum(p[1] for p in by_paths(regions, (rate, rate), futility=False))
    held = sum(p[1] for p in by_paths(regions, (rate, rate)))
    assert free > held
    course = sequential(regions, binding=False)
    assert type_one.along(course, np.array([0.3]), 0.0)[0] == pytest.approx(float(free), abs=ROUNDING)
    assert power(course, points(0.3, 0.3))[0] == pytest.approx(float(held), abs=ROUNDING)
    bound = sequential(regions, binding=True)
    assert type_one.along(bound, np.array([0.3]), 0.0)[0] == pytest.approx(float(held), abs=ROUNDING)


@pytest.mark.parametrize(("seed", "margin"), [(0, 0.0), (1, 0.0), (7, 0.1)])
def test_the_certificate_holds_every_rate(seed: int, margin: float) -> None:
    """No rate of a fine grid passes the proven bound, and the found value is reached at its rate."""
    regions = decided(seed) if margin == 0 else tuple(Regions(up(k, 2), Region(k, ())) for k in LOOKS)
    course, ends = sequential(regions), (0.05, 0.85)
    worst = type_one.worst(course, ends, margin)
    dense = type_one.along(course, np.linspace(*ends, 5_001), margin)
    assert dense.max() <= worst.bound + 1e-13
    assert worst.found <= worst.bound <= worst.found + 2e-6
    assert dense.max() <= worst.found + 1e-5
    assert type_one.along(course, np.array([worst.at]), margin)[0] == pytest.approx(worst.found, rel=1e-12)


def test_one_arm_that_rises_has_its_worst_rate_at_the_end() -> None:
    """With one arm and boundaries of counts the type I error only rises, so its worst is at the end of the range."""
    looks = (Look(5, 0), Look(12, 0))
    regions = tuple(
        Regions(region(k, np.arange(k.n_t + 1)[:, None] >= 3 + i), Region(k, ())) for i, k in enumerate(looks)
    )
    course = Course(regions, binding=True, waiting=(NOBODY,) * 2, again=(None, None))
    worst = type_one.worst(course, (0.0, 0.2), 0.0)
    assert worst.at == 0.2
    assert worst.found == worst.bound == float(type_one.along(course, np.array([0.2]), 0.0)[0])


def test_average_type_one_error_is_the_mean_over_the_prior() -> None:
    """It equals the integral of the curve over the density, here a Beta with whole shapes in fractions of a grid."""
    course = sequential(decided(3))
    rates = (np.arange(200_000) + 0.5) / 200_000
    density = 30 * rates * (1 - rates) ** 4  # Beta(2, 5)
    exact = float((type_one.along(course, rates, 0.0) * density).mean())
    assert type_one.average(course, np.array([[1.0, 2.0, 5.0]])) == pytest.approx(exact, rel=1e-8)


def test_expected_patients_count_those_in_the_pipeline() -> None:
    """Mean, median and 90th percentile are those of the recruited: observed at the stop, and waiting."""
    regions, waiting = decided(2), (Look(2, 1), Look(1, 1), NOBODY)
    course, truth = sequential(regions, waiting=waiting), points(float(RATES[0]), float(RATES[1]))
    sums = by_paths(regions, RATES)
    ends = [Fraction(sum(p[1:])) for p in sums[:-1]]
    ends.append(Fraction(1 - sum(ends)))
    totals = [8, 10, 12]
    value = {metric.name: metric.estimate.value for metric in patients(course, truth.law)}
    assert value["expected_n"] == pytest.approx(float(sum(n * p for n, p in zip(totals, ends, strict=True))), abs=1e-11)
    expected = [
        next(n for k, n in enumerate(totals) if sum(ends[: k + 1]) >= share)
        for share in (Fraction(1, 2), Fraction(9, 10))
    ]
    assert [value["median_n"], value["n_90"]] == expected


def test_the_pipeline_takes_back_what_paths_take_back() -> None:
    """P(success, and none once the waiting are seen) is the sum over all their results."""
    now, over = Look(3, 2), Look(5, 3)
    success, still = up(now, 2), up(over, 3)
    regions = (Regions(success, Region(now, ())), Regions(up(Look(6, 6), 2), Region(Look(6, 6), ())))
    course = Course(regions, binding=True, waiting=(Look(2, 1), NOBODY), again=(Regions(still, Region(over, ())), None))
    expected = sum(
        binomial(x_t, 3, RATES[0])
        * binomial(x_c, 2, RATES[1])
        * binomial(y_t, 2, RATES[0])
        * binomial(y_c, 1, RATES[1])
        for x_t, x_c, y_t, y_c in itertools.product(range(4), range(3), range(3), range(2))
        if (x_t, x_c) in success and (x_t + y_t, x_c + y_c) not in still
    )
    found = stops_of_rates(course, points(float(RATES[0]), float(RATES[1])))
    assert found[0].success_turned == pytest.approx(float(expected), abs=ROUNDING)
    assert found[0].futility_turned is None
    assert found[1].success_turned is None
    lost = turning(course, 0, "success")
    assert lost is not None
    assert lost.any()


def test_observed_effect_at_each_stop() -> None:
    """Bias is that of the observed difference among the trials that end at a look; together they are the overall."""
    regions = decided(5)
    course, truth = sequential(regions), points(float(RATES[0]), float(RATES[1]))
    found = stops_of_rates(course, truth)
    ends = [stop.success + stop.futility + stop.harm for stop in found[:-1]]
    ends.append(1 - sum(ends))
    overall = characteristics("it", RULE, course, truth, rates=np.array([0.25])).metric("observed_bias").estimate.value
    parts = [
        (s.success * (s.bias_success or 0.0), (p - s.success) * (s.bias_otherwise or 0.0))
        for p, s in zip(ends, found, strict=True)
    ]
    assert sum(sum(pair) for pair in parts) == pytest.approx(overall, abs=1e-12)
    look, futility = LOOKS[0], regions[0].futility
    assert futility is not None
    for region, share, bias in (
        (regions[0].success, found[0].success, found[0].bias_success),
        (futility, found[0].futility, found[0].bias_otherwise),
    ):
        error = sum(
            binomial(x_t, 2, RATES[0])
            * binomial(x_c, 3, RATES[1])
            * (Fraction(x_t, look.n_t) - Fraction(x_c, look.n_c) - RATES[0] + RATES[1])
            for x_t, x_c in itertools.product(range(3), range(4))
            if (x_t, x_c) in region
        )
        assert bias == pytest.approx(float(error) / share, rel=1e-10)


def test_assurance_splits_as_the_last_counts_tell() -> None:
    """True successes are the integral of power over the prior where the effect is real, on a grid of rates."""
    course = sequential(tuple(Regions(up(k, 2), Region(k, ())) for k in LOOKS))
    truth = DesignPrior(kind="design_prior", treatment=ref([(1, 3, 2)]), control=ref([(1, 2, 4)]))
    found = characteristics("it", RULE, course, truth, rates=np.array([]))
    p = (np.arange(400) + 0.5) / 400
    weights = np.outer(12 * p**2 * (1 - p), 20 * p * (1 - p) ** 3) / 400**2
    chances = laws(7, p) @ course.success.grid @ laws(5, p).T
    assert found.metric("assurance").estimate.value == pytest.approx(float((weights * chances).sum()), abs=1e-5)
    real = (weights * chances)[p[:, None] > p[None, :]].sum() + 0.5 * np.trace(weights * chances)
    assert found.metric("true_success").estimate.value == pytest.approx(float(real), abs=1e-4)


def test_carried_values_keep_their_mean() -> None:
    """What is carried to a later look has the same mean under every law of the counts."""
    values = np.random.default_rng(1).random((3, 4))
    law = points(0.4, 0.3).law
    now, later = Look(2, 3), Look(9, 5)
    early = law(now).treatment[0] @ values @ law(now).control[0]
    late = law(later).treatment[0] @ carried(values, now, later) @ law(later).control[0]
    assert late == pytest.approx(float(early), rel=1e-13)


def test_a_trial_that_never_stops_reaches_every_look() -> None:
    """Without stops every table of every look is reached with probability 1."""
    goes_on = tuple(np.ones((look.n_t + 1, look.n_c + 1), dtype=bool) for look in LOOKS[:-1])
    assert all(np.allclose(weights, 1.0, atol=1e-13) for weights in reached(goes_on, LOOKS))


MONITORED = """
[design]
kind = "sequential"
looks = [{ treatment = 8, control = 6 }, { treatment = 14, control = 10 }]

[rule]
kind = "monitored"
stops = [{ kind = "predictive_probability", decides = "futility", below = 0.2 }]

[rule.final]
kind = "posterior"
certainty = 0.9
analysis_prior = { treatment = { a = 1, b = 1 }, control = { a = 6, b = 18 } }

[truths.expected]
kind = "points"
rates = { treatment = 0.6, control = 0.25 }

[truths.none]
kind = "no_effect"
control = { from = 0.1, to = 0.4 }
why = "made up"

[[targets]]
metric = "expected_n"
truth = "expected"
at_most = 24
"""


def test_borrowing_of_a_monitored_rule_is_told_with_its_looks() -> None:
    """The rows repeat the whole trial with other priors: the first is the trial itself, the second has uniform ones."""
    used = resolved(MONITORED)
    result = evaluate(used)
    assert result.borrowing is not None
    now, plain = result.borrowing.rows
    assert now.power == result.of("expected").metric("power").estimate.value
    other = resolved(MONITORED.replace("a = 6, b = 18", "a = 1, b = 1"))
    assert plain.power == evaluate(other).of("expected").metric("power").estimate.value
    assert now.type1 is not None
    assert plain.type1 is not None
    assert now.type1.value > plain.type1.value


def test_looks_are_told_in_words_and_for_machines() -> None:
    """The text has every look with what ends it; the JSON has its regions as runs, the CSV its probabilities."""
    used = resolved(MONITORED)
    result = evaluate(used)
    text = run_text(result, used)
    assert "14 on anakinra v 10 on placebo at most; looks at the results of 8 + 6 and of all" in text
    assert "Where the trial ends under expected" in text
    assert "look 1  look 2" in text
    assert "PASS  expected patients" in text
    content = run_content(result)
    futility = result.looks[0].regions.futility
    assert futility is not None
    assert content["looks"][0]["regions"]["futility"] == [list(run) for run in futility.runs]
    rows = {row[3]: row[6] for row in run_rows(result) if row[1] == "expected"}
    assert rows["look1_futility"] == result.of("expected").stops[0].futility
    assert run_picture(result, used, "png").startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("looks", "where"),
    [
        ("[{ treatment = 8, control = 6 }, { treatment = 7, control = 10 }]", "design, look 2, treatment"),
        ("[{ treatment = 8, control = 6 }, { treatment = 8, control = 6 }]", "design, look 2"),
        ("[{ treatment = 8, control = 6 }, { treatment = 9 }]", "design, look 2"),
        ("[" + ", ".join(f"{{ treatment = {n}, control = {n} }}" for n in range(2, 10)) + "]", "design.looks"),
    ],
)
def test_looks_that_do_not_grow_are_refused(looks: str, where: str) -> None:
    """Each look needs more patients than the one before, in the same arms, and two arms have at most six looks."""
    body = MONITORED.replace("[{ treatment = 8, control = 6 }, { treatment = 14, control = 10 }]", looks)
    with pytest.raises(InputError) as raised:
        resolved(body)
    assert [fault.where.removeprefix("made-up.toml: ") for fault in raised.value.faults] == [where]


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ('kind = "monitored"', 'kind = "fisher"\nalpha = 0.05', "rule.kind"),
        ('metric = "expected_n"', 'metric = "power"', "targets 1"),
        ('metric = "expected_n"', 'metric = "no_go"', "targets 1"),
    ],
)
def test_what_does_not_fit_a_trial_with_looks_is_refused(old: str, new: str, where: str) -> None:
    """A rule of one analysis, a probability above 1, and an outcome the rule has not are told with their place."""
    body = MONITORED.replace(old, new)
    if "fisher" in new:
        body = body[: body.index("stops =")] + body[body.index("[truths.expected]") :]
    with pytest.raises(InputError) as raised:
        resolved(body)
    assert any(where in fault.where for fault in raised.value.faults)


def test_size_keeps_the_shares_of_the_looks() -> None:
    """Looks keep their shares of every size, halves rounded up; sizes whose looks would be the same are skipped."""
    design = resolved(MONITORED).resolved.design
    assert isinstance(design, Sequential)
    bigger = design.resized(20, Fraction(7, 5))
    assert bigger is not None
    assert bigger.looks() == (Look(16, 12), Look(28, 20))
    assert design.resized(1, Fraction(1)) is None
    search = size(resolved(MONITORED + "\n[size]\ncontrol = { from = 5, to = 40 }\nratio = 1.4\n"))
    assert [point.n for point in search.points] == [5, 10, 15, 20, 25, 30, 35, 40]
    at = next(point for point in search.points if point.n == 10)
    assert at.estimates[0].value == evaluate(resolved(MONITORED)).of("expected").metric("expected_n").estimate.value


def test_futility_that_does_not_bind_hides_no_success() -> None:
    """Where both are met and futility counts, the type I error is that of the rule without any stop for futility."""
    hidden = MONITORED.replace(
        'stops = [{ kind = "predictive_probability", decides = "futility", below = 0.2 }]',
        'overlap = "futility"\nstops = [{ kind = "posterior", decides = "success", certainty = 0.6 }, '
        '{ kind = "posterior", decides = "futility", below = 0.9 }]',
    )
    plain = hidden.replace(', { kind = "posterior", decides = "futility", below = 0.9 }', "")
    plain = plain.replace('overlap = "futility"\n', "")
    found, free = evaluate(resolved(hidden)), evaluate(resolved(plain))
    for name in ("type1_max", "type1_max_everywhere"):
        assert found.of("none").metric(name).estimate == free.of("none").metric(name).estimate
    assert found.of("none").spent == free.of("none").spent
    assert found.of("expected").stops[0].overlap > 0
    kept = evaluate(resolved(hidden.replace('overlap = "futility"', 'overlap = "futility"\nbinding_futility = true')))
    assert kept.of("none").metric("type1_max").estimate.value < free.of("none").metric("type1_max").estimate.value
