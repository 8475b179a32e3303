"""Simon's search against every design of small trials, and what a final result tells against whole numbers."""

from __future__ import annotations

import json
from fractions import Fraction
from math import comb

import numpy as np
import pytest
from tests.building import resolved
from tests.tolerances import ROUNDING

from anatrial.domain.counts import Look, Region, Regions, Run
from anatrial.domain.results import AfterTwoStage
from anatrial.errors import InputError
from anatrial.numerics.intervals import clopper_pearson
from anatrial.numerics.two_stage import Wanted, search
from anatrial.numerics.two_stage_inference import Stages, inference, rates_at, tails, umvue
from anatrial.plan.two_stage import after_two_stage, searches_stages, two_stage
from anatrial.report.two_stage_text import after_lines, two_stage_content, two_stage_rows, two_stage_text

Design = tuple[int, int, int, int]


def law(n: int, p: Fraction) -> list[Fraction]:
    """Binomial probabilities of 0..n."""
    return [comb(n, x) * p**x * (1 - p) ** (n - x) for x in range(n + 1)]


def success(design: Design, p: Fraction) -> Fraction:
    """P(success) of a two-stage design."""
    r1, n1, r, n = design
    first, second = law(n1, p), law(n - n1, p)
    return sum(
        (first[x] * second[y] for x in range(r1 + 1, n1 + 1) for y in range(n - n1 + 1) if x + y > r), Fraction(0)
    )


def expected_n(design: Design, p: Fraction) -> Fraction:
    """Expected number of patients."""
    r1, n1, _, n = design
    return n - (n - n1) * sum(law(n1, p)[: r1 + 1], Fraction(0))


def every_design(most: int) -> list[Design]:
    """All two-stage designs of up to so many patients."""
    return [(r1, n1, r, n) for n in range(2, most + 1) for n1 in range(1, n) for r1 in range(n1) for r in range(r1, n)]


NULL, OTHER = Fraction(1, 5), Fraction(7, 10)
MOST = 10


def test_search_finds_the_best_of_every_design() -> None:
    """Optimal and minimax are the best of all designs, judged in whole numbers."""
    alpha, power = Fraction(1, 10), Fraction(4, 5)
    good = [d for d in every_design(MOST) if success(d, NULL) <= alpha and success(d, OTHER) >= power]
    found = search(Wanted(0.2, 0.7, 0.1, 0.8), range(2, MOST + 1))
    optimal, minimax = found.optimal, found.minimax
    assert optimal is not None
    assert minimax is not None
    assert optimal[:4] == min(good, key=lambda d: (expected_n(d, NULL), d[3], d[2]))
    assert minimax[:4] == min(good, key=lambda d: (d[3], expected_n(d, NULL), d[2]))
    for design in found.admissible:
        assert design.type_i_error == pytest.approx(float(success(design[:4], NULL)), rel=ROUNDING)
        assert design.power == pytest.approx(float(success(design[:4], OTHER)), rel=ROUNDING)
        assert design.expected_n_null == pytest.approx(float(expected_n(design[:4], NULL)), rel=ROUNDING)
        assert design.expected_n_alternative == pytest.approx(float(expected_n(design[:4], OTHER)), rel=ROUNDING)


def test_admissible_designs_are_best_for_some_weight() -> None:
    """No weight of n against expected n prefers a design that is not listed, and each listed one has a weight."""
    wanted = Wanted(0.1, 0.3, 0.05, 0.8)
    found = search(wanted, range(2, 41)).admissible
    per_size = [d for n in range(2, 41) for d in search(wanted, range(n, n + 1)).admissible]
    chosen = set()
    for weight in np.linspace(1e-6, 1, 2001):
        best = min(per_size, key=lambda d: (weight * d.n + (1 - weight) * d.expected_n_null, d.n))
        chosen.add(best)
    assert chosen == set(found)


def test_a_search_in_vain_tells_the_most_power() -> None:
    """Where no size keeps both, the design with the most power that keeps alpha is told."""
    alpha = Fraction(1, 20)
    found = search(Wanted(0.2, 0.7, 0.05, 0.99), range(2, MOST + 1))
    assert (found.optimal, found.minimax, found.settled) == (None, None, False)
    best = max(success(d, OTHER) for d in every_design(MOST) if success(d, NULL) <= alpha)
    assert found.closest is not None
    assert found.closest.power == pytest.approx(float(best), rel=ROUNDING)
    assert success(found.closest[:4], NULL) <= alpha


def test_a_search_without_any_success_says_so() -> None:
    """Two patients cannot succeed at an alpha of 0.001: nothing comes close."""
    assert search(Wanted(0.2, 0.7, 0.001, 0.8), range(2, 3)).closest is None


def test_settled_means_that_more_patients_never_help() -> None:
    """A settled optimum stays the optimum of a larger range; one that is not settled need not."""
    wanted = Wanted(0.3, 0.5, 0.05, 0.8)
    small, large = search(wanted, range(2, 60)), search(wanted, range(2, 150))
    assert small.settled
    assert large.optimal == small.optimal
    short = search(wanted, range(2, 41))
    assert not short.settled
    assert short.optimal != large.optimal


STAGES = [Stages(1, 4, 9), Stages(0, 3, 8), Stages(-1, 2, 6), Stages(3, 5, 7)]
RATES = [Fraction(k, 20) for k in range(1, 20)]


def results(stages: Stages, p: Fraction) -> list[Fraction]:
    """Probability of each final number of responders."""
    r1, n1, n = stages
    chances = [Fraction(0)] * (n + 1)
    for x, first in enumerate(law(n1, p)):
        if x <= r1:
            chances[x] += first
            continue
        for y, second in enumerate(law(n - n1, p)):
            chances[x + y] += first * second
    return chances


@pytest.mark.parametrize("stages", STAGES)
def test_the_estimate_is_unbiased(stages: Stages) -> None:
    """Averaged over the results, the UMVUE is the rate."""
    for p in RATES:
        mean = sum(float(chance) * umvue(x, stages) for x, chance in enumerate(results(stages, p)))
        assert mean == pytest.approx(float(p), rel=ROUNDING)


@pytest.mark.parametrize("stages", STAGES)
def test_tails_are_sums_over_results(stages: Stages) -> None:
    """P-value and median-unbiased estimate come from the sum of the probabilities of results at least as large."""
    found = inference(stages, 0.3)
    for x, told in enumerate(found):
        at_null = sum(results(stages, Fraction(3, 10))[x:])
        assert told.p_value == pytest.approx(float(at_null), rel=ROUNDING)
        assert told.patients == (stages.n1 if x <= stages.r1 else stages.n)
        if x > 0:
            at_median = sum(results(stages, Fraction(told.median_unbiased))[x:])
            assert float(at_median) == pytest.approx(0.5, rel=ROUNDING)
    assert found[0].median_unbiased == 0


@pytest.mark.parametrize("stages", STAGES)
def test_the_interval_covers_as_often_as_it_says(stages: Stages) -> None:
    """At every rate the 90 % interval holds it with probability 0.9 or more."""
    found = inference(stages, 0.3, 0.9)
    for p in RATES:
        covers = sum(c for told, c in zip(found, results(stages, p), strict=True) if told.lower <= p <= told.upper)
        assert covers >= Fraction(9, 10)


def test_without_a_stop_it_is_the_interval_of_one_stage() -> None:
    """A first stage that never stops leaves Clopper and Pearson's interval and the observed rate."""
    for x, told in enumerate(inference(Stages(-1, 5, 12), 0.3)):
        assert (told.lower, told.upper) == pytest.approx(clopper_pearson(x, 12), rel=1e-11)
        assert told.umvue == pytest.approx(x / 12, rel=ROUNDING)


def test_tails_end_where_results_end() -> None:
    """The result 0 is always reached, n + 1 never; their rates are 0 and 1."""
    ends, rate = np.array([0.0, 10.0]), np.array([0.4, 0.4])
    assert tails(Stages(1, 4, 9), ends, rate) == pytest.approx([1.0, 0.0], rel=ROUNDING)
    assert rates_at(Stages(1, 4, 9), ends, 0.5).tolist() == [0.0, 1.0]


@pytest.mark.parametrize("stages", [Stages(1, 9, 9), Stages(0, 0, 5), Stages(4, 4, 9), Stages(-2, 4, 9)])
def test_stages_that_cannot_be_are_refused(stages: Stages) -> None:
    """A stage of nobody, a second stage that adds nobody, and a first stage that always stops raise."""
    with pytest.raises(ValueError, match="cannot be"):
        inference(stages, 0.3)
    with pytest.raises(ValueError, match="cannot be"):
        umvue(10, Stages(1, 4, 9))


BODY = """
[design]
kind = "sequential"
looks = [{ treatment = 12 }, { treatment = 26 }]
[rule]
kind = "responders"
null_rate = 0.1
futility_at_most = [1]
success_at_least = ["never", 6]
[truths.hoped]
kind = "points"
rates = { treatment = 0.375 }
rates_among = "completers"
dropout = { treatment = 0.20 }
[truths.no]
kind = "no_effect"
control = { from = 0.0, to = 0.1 }
why = "a test"
[[targets]]
metric = "power"
truth = "hoped"
at_least = 0.8
[[targets]]
metric = "type_i_error"
truth = "no"
at_most = 0.05
[size]
per_arm = { from = 10, to = 60 }
"""


def test_size_of_two_stages_takes_what_is_wanted_from_the_file() -> None:
    """Null rate from the rule, alternative after drop-out, alpha and power from the targets, sizes from [size]."""
    used = resolved(BODY)
    assert searches_stages(used)
    found = two_stage(used)
    assert found.wanted == pytest.approx(Wanted(0.1, 0.3, 0.05, 0.8), rel=ROUNDING)
    assert (found.first_n, found.last_n) == (10, 60)
    assert (found.sizes.first_n, found.sizes.safe_n) == (25, 25)
    assert [verdict.outcome for verdict in found.verdicts] == ["PASS", "PASS"]
    assert found.optimal is not None
    assert found.minimax is not None
    assert found.optimal[:4] == (1, 10, 5, 29)
    assert found.minimax[:4] == (1, 15, 5, 25)
    assert found.scenario_digest == used.digest


def test_the_designs_are_told_with_the_lines_to_paste() -> None:
    """Every admissible design has a row; pasted into the file, the optimal one is what the file plans."""
    found = two_stage(resolved(BODY))
    text = two_stage_text(found)
    assert "optimal      1/10  5/29" in text
    assert text.count("admissible  ") == 2
    content = json.loads(json.dumps(two_stage_content(found)))
    lines = content["scenario_lines"]
    assert all(f"  {line}".rstrip() in text.split("\n") for line in lines)
    start, end = BODY.index("[design]"), BODY.index("[truths.hoped]")
    pasted = resolved(BODY[:start] + "\n".join(lines) + "\n" + BODY[end:])
    assert pasted.resolved.design.looks() == (Look(10, 0), Look(29, 0))
    assert (content["optimal"]["r1"], content["format"]) == (1, "anatrial-two-stage")
    assert [row[1] for row in two_stage_rows(found)] == ["minimax", "admissible", "admissible", "optimal"]


def test_a_search_in_vain_is_told() -> None:
    """Without a design the text says which power was reached and where, and nothing to paste."""
    found = two_stage(resolved(BODY.replace("to = 60", "to = 20")))
    assert found.optimal is None
    text = two_stage_text(found)
    assert "the best power is 0.762, with r1/n1 = 0/19 and r/n = 4/20" in " ".join(text.split())
    assert two_stage_content(found)["scenario_lines"] == []
    never = two_stage(resolved(BODY.replace("10, to = 60", "2, to = 2").replace("at_most = 0.05", "at_most = 0.005")))
    assert "none keeps the type I error and can succeed" in two_stage_text(never)


def test_other_targets_judge_the_optimal_design() -> None:
    """A target that the search does not look at is judged for the design that it finds."""
    more = '[[targets]]\nmetric = "expected_n"\ntruth = "no"\nat_most = 20\n[size]'
    found = two_stage(resolved(BODY.replace("[size]", more)))
    assert [verdict.outcome for verdict in found.verdicts] == ["PASS", "PASS", "PASS"]
    assert found.optimal is not None
    assert found.verdicts[2].estimate.value == pytest.approx(found.optimal.expected_n_null, rel=ROUNDING)
    less = two_stage(resolved(BODY.replace("[size]", more.replace("20", "10"))))
    assert less.verdicts[2].outcome == "FAIL"
    assert "FAIL  expected patients" in two_stage_text(less)


def test_one_range_that_ends_early_is_told() -> None:
    """An optimum that a larger trial may beat asks for a longer search."""
    found = two_stage(resolved(BODY.replace("to = 60", "to = 26")))
    assert not found.settled
    assert "search further" in two_stage_text(found)


@pytest.mark.parametrize(
    ("old", "new", "place", "expected"),
    [
        ("from = 10, to = 60", "from = 1, to = 60", "size.per_arm", "2 to 500"),
        ("from = 10, to = 60", "from = 2, to = 600", "size.per_arm", "2 to 500"),
        ('"never", 6', "8, 6", "rule", "no success at the first look"),
        ("null_rate = 0.1", "null_rate = 0.1\nbinding_futility = false", "rule", "binding futility"),
        ("at_most = 0.05", "at_least = 0.05", "targets", "type_i_error, at_most"),
        ("at_least = 0.8", "at_most = 0.8", "targets", "power, at_least"),
        ("at_least = 0.8", "at_least = 1.0", "targets, power", "between 0 and 1"),
        ("treatment = 0.375", "treatment = 0.1", "targets", "above the null rate 0.1"),
        ("26 }]", "26 }, { treatment = 40 }]", "design", "two"),
        ("[size]\nper_arm = { from = 10, to = 60 }\n", "", "size", "a range of sample sizes"),
    ],
)
def test_what_the_search_needs_is_asked_for(old: str, new: str, place: str, expected: str) -> None:
    """A file that does not say what two stages are to keep is refused with what is missing."""
    body = BODY.replace(old, new)
    if place == "design":
        body = body.replace('"never", 6', '"never", "never", 9').replace("[1]", "[1, 4]")
    with pytest.raises(InputError) as caught:
        two_stage(resolved(body))
    assert caught.value.faults[0].where == f"made-up: {place}"
    assert expected in caught.value.faults[0].expected


def after(body: str) -> AfterTwoStage | None:
    """What the final results of a scenario tell."""
    plan = resolved(body).resolved
    return after_two_stage(plan.rule.regions(plan.design.looks()), 0.1)


def test_after_a_two_stage_trial_every_result_is_told() -> None:
    """The stages are those of the file, and the decision stands beside the results."""
    found = after(BODY)
    assert found is not None
    assert (found.stages, found.success, len(found.results)) == (Stages(1, 12, 26), 6, 27)
    lines = after_lines(found)
    assert [line.split()[-1] for line in lines if line.startswith(("  1 of 12", "  6 of 26"))] == ["early", "success"]


def test_other_trials_have_no_two_stage_inference() -> None:
    """Success at the first look, three looks, a last look that never succeeds and two arms are not told so."""
    assert after(BODY.replace('"never", 6', "8, 6")) is None
    three = BODY.replace("treatment = 26 }", "treatment = 26 }, { treatment = 40 }")
    assert after(three.replace('"never", 6', '"never", "never", 9').replace("[1]", "[1, 4]")) is None
    first, last, pair = Look(4, 0), Look(9, 0), Look(4, 4)
    empty = Regions(Region(first, ()), Region(first, ()))
    assert after_two_stage((empty, Regions(Region(last, ()), Region(last, ()))), 0.1) is None
    assert after_two_stage((Regions(Region(pair, ()), Region(pair, ())), empty), 0.1) is None
    always = Regions(Region(first, ()), Region(first, ()), futility=Region(first, (Run(0, 0, 4),)))
    ends = Regions(Region(last, (Run(0, 5, 9),)), Region(last, ()))
    assert after_two_stage((always, ends), 0.1) is None
    told = after_two_stage((empty, ends), 0.1)
    assert told is not None
    assert told.stages.r1 == -1
