"""A rule that may stop early: its regions against every future result in fractions, and where stops contradict."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import comb, factorial
from typing import Any

import numpy as np
import pytest
from tests.monitoring import ADAPTING, BAYES, EXACT, FISHER, ONE_ARM, SINGLE, THREE, TWO, UNIFORM, monitored, stop

from anatrial.domain.counts import Look, Region
from anatrial.errors import InputError


def grid(region: Region | None) -> list[list[bool]]:
    """The tables of a region, a row per treatment count."""
    assert region is not None
    return list(region.grid.tolist())


def whole_beta(a: int, b: int) -> Fraction:
    """B(a, b) for whole shapes."""
    return Fraction(factorial(a - 1) * factorial(b - 1), factorial(a + b - 1))


def above(treatment: tuple[int, int], control: tuple[int, int]) -> Fraction:
    """P(treatment rate > control rate) for whole shapes: a count of interleavings of uniforms."""
    (a_t, b_t), (a_c, b_c) = treatment, control
    n_t, n_c = a_t + b_t - 1, a_c + b_c - 1
    total = sum(comb(a_t - 1 + k, k) * comb(n_t - a_t + n_c - k, n_c - k) for k in range(a_c, n_c + 1))
    return Fraction(total, comb(n_t + n_c, n_c))


def added(x: int, n: int, m: int, shapes: tuple[int, int]) -> list[Fraction]:
    """Probability of 0..m more responders after x of n, under one Beta."""
    a, b = shapes[0] + x, shapes[1] + n - x
    return [comb(m, y) * whole_beta(a + y, b + m - y) / whole_beta(a, b) for y in range(m + 1)]


def at_rate(rate: Fraction, m: int) -> list[Fraction]:
    """Probability of 0..m more responders at a rate."""
    return [comb(m, y) * rate**y * (1 - rate) ** (m - y) for y in range(m + 1)]


def chance(end: Region, table: tuple[int, int], more_t: list[Fraction], more_c: list[Fraction]) -> Fraction:
    """Sum over all future results that end in a region."""
    x_t, x_c = table
    cells = product(enumerate(more_t), enumerate(more_c))
    return sum((p * q for (y_t, p), (y_c, q) in cells if (x_t + y_t, x_c + y_c) in end), Fraction(0))


def tables(look: Look) -> list[tuple[int, int]]:
    """Every table of a look."""
    return list(product(range(look.n_t + 1), range(look.n_c + 1)))


def test_posterior_stops_are_met_where_the_fractions_say_so() -> None:
    """Success above its certainty and futility below its bound, each with the prior it was given."""
    rule = monitored(
        BAYES,
        stop("posterior", decides="success", certainty=0.95),
        stop("posterior", below=0.25, prior=UNIFORM),
        overlap="error",
    )
    early, _ = rule.regions(TWO)
    assert early.futility is not None
    for x_t, x_c in tables(TWO[0]):
        treatment = (1 + x_t, 6 - x_t)
        assert ((x_t, x_c) in early.success) == (above(treatment, (2 + x_c, 9 - x_c)) > Fraction(19, 20))
        assert ((x_t, x_c) in early.futility) == (above(treatment, (1 + x_c, 5 - x_c)) < Fraction(1, 4))
    assert 0 < early.success.tables < early.futility.tables
    assert early.harm.runs == ()


def test_the_last_look_is_decided_by_the_final_rule_alone() -> None:
    """Its regions are those of a trial without any look before."""
    for final in (FISHER, {"kind": "fisher", "alpha_two_sided": 0.2}, BAYES, ADAPTING):
        rule = monitored(final, stop("predictive_probability", below=0.2, prior=UNIFORM))
        assert rule.regions(THREE)[-1] == rule.final.regions(THREE[-1:])[0]


@pytest.mark.parametrize("final", [FISHER, BAYES, ADAPTING])
def test_predictive_stops_count_every_future(final: dict[str, Any]) -> None:
    """Futility below 0.3 and success above 0.8 of the chance to succeed at the last look, in fractions."""
    prior = None if final is BAYES else UNIFORM
    bounds = {"below": 0.3}, {"above": 0.8}
    stops = [
        stop("predictive_probability", decides=decides, **bound, **({"prior": prior} if prior else {}))
        for decides, bound in zip(("futility", "success"), bounds, strict=True)
    ]
    rule = monitored(final, *stops, overlap="error")
    *interim, end = rule.regions(THREE)
    control = (2, 5) if final is BAYES else (1, 1)
    for look, found in zip(THREE, interim, strict=False):
        assert found.futility is not None
        for x_t, x_c in tables(look):
            more_t = added(x_t, look.n_t, 8 - look.n_t, (1, 1))
            exact = chance(end.success, (x_t, x_c), more_t, added(x_c, look.n_c, 9 - look.n_c, control))
            assert ((x_t, x_c) in found.futility) == (exact < Fraction(3, 10))
            assert ((x_t, x_c) in found.success) == (exact > Fraction(4, 5))
        assert found.futility.tables > 0
    assert interim[1].success.tables > 0


@pytest.mark.parametrize("under", ["estimate", "null", "design"])
def test_conditional_power_counts_every_future(under: str) -> None:
    """The patients to come respond at each arm's rate so far, at the rate of both arms, or at the rates given."""
    rates = {"rates": {"treatment": 0.6, "control": 0.25}} if under == "design" else {}
    rule = monitored(FISHER, stop("conditional_power", below=0.1, under=under, **rates))
    early, end = rule.regions(TWO)
    look, last = TWO
    met = []
    for x_t, x_c in tables(look):
        at = {
            "estimate": (Fraction(x_t, look.n_t), Fraction(x_c, look.n_c)),
            "null": (Fraction(x_t + x_c, sum(look)),) * 2,
            "design": (Fraction(3, 5), Fraction(1, 4)),
        }[under]
        more = at_rate(at[0], last.n_t - look.n_t), at_rate(at[1], last.n_c - look.n_c)
        met.append(chance(end.success, (x_t, x_c), *more) < Fraction(1, 10))
    assert early.futility is not None
    assert np.array(grid(early.futility)).ravel().tolist() == met
    assert 0 < sum(met) < len(met)


def one_arm_chances(x: int, end: Region) -> dict[str, Fraction]:
    """What each stop of the next test compares, after x of 5 patients, 7 to come and a prior of Beta(1, 2)."""

    def above_rate(rate: Fraction) -> Fraction:  # the tail of Beta(1 + x, 7 - x) is a binomial one
        return sum((comb(7, i) * rate**i * (1 - rate) ** (7 - i) for i in range(x + 1)), Fraction(0))

    more = {
        "predictive": added(x, 5, 7, (1, 2)),
        "estimate": at_rate(Fraction(x, 5), 7),
        "null": at_rate(Fraction(3, 10), 7),
        "design": at_rate(Fraction(1, 2), 7),
    }
    ends = {name: chance(end, (x, 0), law, [Fraction(1)]) for name, law in more.items()}
    return {"posterior": above_rate(Fraction(3, 10)), "other benchmark": above_rate(Fraction(2, 5)), **ends}


@pytest.mark.parametrize("final", [ONE_ARM, EXACT])
def test_one_arm(final: dict[str, Any]) -> None:
    """Every kind of stop in a single-arm trial, against the benchmark of the final rule unless one is written."""
    own = {"prior": {"treatment": {"a": 1, "b": 2}}}
    stops = {
        "posterior": stop("posterior", below=0.4, **own),
        "other benchmark": stop("posterior", below=0.4, benchmark=0.5, margin=-0.1, **own),
        "predictive": stop("predictive_probability", below=0.2, **own),
        "estimate": stop("conditional_power", below=0.2, under="estimate"),
        "null": stop("conditional_power", below=0.2, under="null"),
        "design": stop("conditional_power", below=0.2, under="design", rates={"treatment": 0.5}),
    }
    limits = dict.fromkeys(stops, Fraction(1, 5)) | dict.fromkeys(("posterior", "other benchmark"), Fraction(2, 5))
    for name, written in stops.items():
        rule = monitored(final, written)
        assert list(rule.misfits(SINGLE)) == []
        early, end = rule.regions(SINGLE)
        assert early.futility is not None
        met = [one_arm_chances(x, end.success)[name] < limits[name] for x in range(6)]
        assert [(x, 0) in early.futility for x in range(6)] == met, name
        assert any(met), name


def test_an_uncertain_benchmark() -> None:
    """A single arm is compared with the control prior where the stop has one."""
    prior = {"treatment": {"a": 1, "b": 1}, "control": {"a": 3, "b": 7}}
    early, _ = monitored(EXACT, stop("posterior", decides="success", certainty=0.9, prior=prior)).regions(SINGLE)
    met = [above((1 + x, 6 - x), (3, 7)) > Fraction(9, 10) for x in range(6)]
    assert [row[0] for row in grid(early.success)] == met


def test_ties_are_settled_in_fractions_or_let_the_trial_go_on() -> None:
    """P = 0.8 exactly is not above 0.8; a predictive probability of 2/5 exactly is not below 0.4; both are told."""
    flat = {**BAYES, "analysis_prior": UNIFORM}
    rule = monitored(
        flat, stop("posterior", decides="success", certainty=0.8), stop("posterior", below=0.2), overlap="error"
    )
    early, _ = rule.regions((Look(2, 2), Look(4, 4)))
    at = [
        t
        for t in tables(Look(2, 2))
        if above((1 + t[0], 3 - t[0]), (1 + t[1], 3 - t[1])) in {Fraction(4, 5), Fraction(1, 5)}
    ]
    assert at
    assert sorted({(tie.x_t, tie.x_c) for tie in early.ties}) == at
    assert {tie.settled for tie in early.ties} == {"in whole numbers"}
    assert early.futility is not None
    assert not any(table in early.success or table in early.futility for table in at)

    one = {"kind": "posterior", "certainty": 0.5, "benchmark": 0.4, "analysis_prior": {"treatment": {"a": 1, "b": 1}}}
    rule = monitored(one, stop("predictive_probability", below=0.4))
    early, end = rule.regions((Look(3, 0), Look(4, 0)))
    assert end.success.runs[0].first == 2  # one more responder is needed after 1 of 3: (1 + 1) / (3 + 2)
    assert [(tie.x_t, tie.settled) for tie in early.ties] == [(1, "within 1e-9 of the threshold: the trial goes on")]
    assert early.futility is not None
    assert early.futility.runs == ((0, 0, 0),)


@pytest.mark.parametrize("overlap", ["success", "futility", "continue"])
def test_overlap_is_settled_as_said(overlap: str) -> None:
    """Tables that meet both kinds of stops are told, and go where the rule says."""
    both = [stop("posterior", decides="success", certainty=0.4), stop("posterior", below=0.7)]
    found = monitored(BAYES, *both, overlap=overlap).regions(TWO)[0]
    alone = [monitored(BAYES, each).regions(TWO)[0] for each in both]
    assert alone[0].futility is None
    assert alone[0].overlap is None
    success, futility = np.array(grid(alone[0].success)), np.array(grid(alone[1].futility))
    common = success & futility
    assert common.any()
    assert np.array_equal(grid(found.overlap), common)
    assert np.array_equal(grid(found.success), success & (~common | (overlap == "success")))
    assert np.array_equal(grid(found.futility), futility & (~common | (overlap == "futility")))


def test_a_contradiction_that_is_an_error_names_a_table() -> None:
    """``overlap = "error"`` refuses thresholds that one result can meet on both sides."""
    both = stop("posterior", decides="success", certainty=0.4), stop("posterior", below=0.7)
    with pytest.raises(
        InputError, match=r"at look 1, 1 of 5 v 0 of 4 meets stops for success and for futility \(6 tables do\)"
    ):
        monitored(BAYES, *both, overlap="error").regions(TWO)
    one = stop("posterior", decides="success", certainty=0.4), stop("posterior", below=0.7)
    with pytest.raises(InputError, match=r"2 of 5 meets stops"):
        monitored(ONE_ARM, *one, overlap="error").regions(SINGLE)


def test_stops_count_at_their_looks_only() -> None:
    """A stop with ``looks`` says nothing at the others; without, it counts at every look but the last."""
    rule = monitored(
        BAYES, stop("posterior", below=0.4, looks=[2]), stop("posterior", decides="success", certainty=0.9, looks=[1])
    )
    first, second, _ = rule.regions(THREE)
    assert list(rule.misfits(THREE)) == []
    assert first.futility is not None
    assert second.futility is not None
    assert (first.success.tables > 0, first.futility.tables) == (True, 0)
    assert (second.success.tables, second.futility.tables > 0) == (0, True)
    everywhere = monitored(BAYES, stop("posterior", below=0.4)).regions(THREE)
    assert all(found.futility is not None and found.futility.tables > 0 for found in everywhere[:-1])


def test_it_is_as_its_final_rule() -> None:
    """Arms, sides and the edge of no effect are those of the final rule; only interim looks are its own."""
    two_sided = monitored(
        {"kind": "fisher", "alpha_two_sided": 0.05}, stop("conditional_power", below=0.1, under="null")
    )
    assert (two_sided.two_sided, two_sided.arms, two_sided.edge) == (True, (2,), 0.0)
    margin = monitored({**BAYES, "margin": 0.1}, stop("posterior", below=0.1))
    assert (margin.null_margin, margin.edge, margin.one_way, margin.fixed_benchmark) == (0.1, 0.1, True, None)
    one = monitored({**ONE_ARM, "margin": 0.1}, stop("posterior", below=0.1))
    assert (one.arms, one.fixed_benchmark, one.edge) == ((1, 2), 0.4, 0.4)
    assert (one.interim, one.binding) == (True, False)
    assert monitored(BAYES, stop("posterior", below=0.1), binding_futility=True).binding


def test_the_edges_of_an_equivalence_rule_are_both_kept() -> None:
    """Success is an error at both ends of the band of the final rule."""
    band = {"kind": "equivalence", "lower": -0.3, "upper": 0.3, "certainty": 0.5, "analysis_prior": UNIFORM}
    assert monitored(band, stop("posterior", below=0.1)).null_margins == (-0.3, 0.3)


@pytest.mark.parametrize("index", [0, 1])
def test_a_success_is_asked_again_at_other_totals(index: int) -> None:
    """With the patients of the pipeline a look decides as a look at those totals would."""
    rule = monitored(
        BAYES,
        stop("posterior", decides="success", certainty=0.95),
        stop("predictive_probability", below=0.2),
        overlap="error",
    )
    over = Look(6, 6)
    asked = rule.again(THREE, index, over)
    looks = (over, *THREE[1:]) if index == 0 else (THREE[0], over, THREE[2])
    assert asked == rule.regions(looks)[index]
    assert asked.success.tables > 0
    assert rule.again(THREE, 2, THREE[2]) == rule.regions(THREE)[2]
