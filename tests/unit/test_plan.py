"""Use cases on scenarios built in code: size searches, breaches of a promise, and what borrowing costs."""

from __future__ import annotations

import numpy as np
import pytest
from tests.building import decided, points, posterior, resolved, sided
from tests.tolerances import ROUNDING

from anatrial.domain.results import SizeSearch
from anatrial.engine import type_one
from anatrial.engine.characteristics import power
from anatrial.errors import InputError
from anatrial.plan.evaluate import evaluate
from anatrial.plan.size import size
from anatrial.rules import AnyRule

UNIFORM = [(1.0, 1.0, 1.0)]
FISHER = "rule = { kind = 'fisher', alpha = 0.025 }"
BORROWING = """
[rule]
kind = "posterior"
certainty = 0.95
analysis_prior = { treatment = { a = 1, b = 1 }, control = { a = 11, b = 32 } }
"""


def plan(rule: str, target: str, *, n: str = "{ treatment = 24, control = 6 }", more: str = "") -> str:
    """A scenario with hopes at 0.6 v 0.25, no effect at 0.2 to 0.25, and one target."""
    return f"""
    design = {{ kind = "fixed", n = {n} }}
    targets = [{{ {target} }}]
    {more}
    {rule}
    [truths.expected]
    kind = "points"
    rates = {{ treatment = 0.6, control = 0.25 }}
    [truths.no-effect]
    kind = "no_effect"
    control = {{ from = 0.20, to = 0.25 }}
    why = "a test"
    """


POWER = 'metric = "power", truth = "expected", at_least = 0.8'
TYPE_ONE = 'metric = "type_i_error", truth = "no-effect", at_most = 0.05'


def searched(rule: str, sizes: str, target: str = POWER) -> SizeSearch:
    """The search over a range of sizes."""
    return size(resolved(plan(rule, target, more=f"size = {{ {sizes} }}")))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (FISHER, sided("fisher", 0.025, two_sided=False)),
        (BORROWING, posterior(UNIFORM, [(1, 11, 32)], 0.95)),
        ("rule = { kind = 'fisher', alpha_two_sided = 0.05 }", sided("fisher", 0.05, two_sided=True)),
        ("rule = { kind = 'chi_square', alpha = 0.025 }", sided("chi2_uncorrected", 0.025, two_sided=False)),
    ],
)
def test_every_size_has_the_power_of_its_region(text: str, rule: AnyRule) -> None:
    """The fast way through many sizes gives, at each, the power of the region asked for on its own."""
    found = searched(text, "control = { from = 1, to = 40 }, ratio = 2")
    assert [p.look for p in found.points] == [(2 * n, n) for n in range(1, 41)]
    for point in found.points:
        exact = power(decided(rule, *point.look), points(0.6, 0.25))[0]
        assert point.estimates[0].value == pytest.approx(exact, rel=1e-11, abs=1e-15)


def test_sizes_that_do_not_divide_are_said() -> None:
    """At 1.5 to 1 only even control sizes give whole patients: the others are skipped, and listed."""
    found = searched(FISHER, "control = { from = 9, to = 21 }, ratio = 1.5")
    assert [p.n for p in found.points] == [10, 12, 14, 16, 18, 20]
    assert [skipped.n for skipped in found.skipped] == [9, 11, 13, 15, 17, 19, 21]


def test_a_ratio_below_one() -> None:
    """Fewer on treatment than on control: 1 to 4 gives whole patients at multiples of 4 alone."""
    found = searched(FISHER, "control = { from = 1, to = 12 }, ratio = 0.25")
    assert [p.look for p in found.points] == [(1, 4), (2, 8), (3, 12)]


def test_safe_needs_a_range_that_goes_on() -> None:
    """A size is safe only where the range shows at least 20 larger ones; it holds from there all the same."""
    far = searched(FISHER, "per_arm = { from = 20, to = 100 }").answers[0]
    assert far.safe_n == far.holds_from
    assert far.holds_from is not None
    near = searched(FISHER, f"per_arm = {{ from = 20, to = {far.holds_from + 19} }}").answers[0]
    assert (near.first_n, near.holds_from, near.safe_n) == (far.first_n, far.holds_from, None)
    just = searched(FISHER, f"per_arm = {{ from = 20, to = {far.holds_from + 20} }}").answers[0]
    assert just.safe_n == far.safe_n


def test_a_sawtooth_is_not_safe_at_its_first_tooth() -> None:
    """Where power falls below the target again, the first size that meets it is not the safe one."""
    sizes = "per_arm = { from = 2, to = 150 }"
    found = searched("rule = { kind = 'chi_square', alpha = 0.025 }", sizes, POWER.replace("0.8", "0.835"))
    answer = found.answers[0]
    powers = {p.n: p.estimates[0].value for p in found.points}
    assert answer.first_n == min(n for n, p in powers.items() if p >= 0.835)
    assert answer.holds_from == 1 + max(n for n, p in powers.items() if p < 0.835)
    assert answer.meets == tuple(n for n, p in powers.items() if p >= 0.835)


def test_a_target_that_no_size_meets() -> None:
    """A range that is too small has no answer."""
    answer = searched(FISHER, "per_arm = { from = 2, to = 10 }").answers[0]
    assert (answer.first_n, answer.safe_n, answer.holds_from, answer.meets) == (None, None, None, ())


@pytest.mark.parametrize(
    "sizes",
    [
        "control = { from = 1900, to = 1950 }, ratio = 2",
        "control = { from = 3, to = 3 }, ratio = 1.1",
        "per_arm = { from = 2, to = 10 }, ratio = 2",
        "per_arm = { from = 2, to = 10 }, control = { from = 2, to = 10 }",
        "ratio = 2",
        "per_arm = { from = 10, to = 2 }",
        "per_arm = { from = 10, to = 20001 }",
    ],
)
def test_impossible_ranges(sizes: str) -> None:
    """Ranges beyond what is enumerated, without whole patients, or said twice are input errors."""
    with pytest.raises(InputError):
        searched(FISHER, sizes)


def test_type_one_error_by_size() -> None:
    """A type I target is judged at each size on the certificate over its stated range."""
    found = searched(BORROWING, "control = { from = 4, to = 9 }, ratio = 4", TYPE_ONE)
    rule = posterior(UNIFORM, [(1, 11, 32)], 0.95)
    for point in found.points:
        dense = type_one.along(decided(rule, *point.look), np.linspace(0.2, 0.25, 2_000), 0.0)
        assert point.estimates[0].lower <= float(dense.max()) + 1e-6
        assert float(dense.max()) <= point.estimates[0].upper
        assert point.outcomes == (("PASS" if point.estimates[0].upper <= 0.05 else "FAIL"),)


def test_a_promise_breaks_where_it_is_passed() -> None:
    """The rate at which type I error passes its promise: just below it the promise holds, there it does not."""
    result = evaluate(resolved(plan(BORROWING, TYPE_ONE)))
    (breach,) = result.breaches
    assert breach.above is not None
    assert breach.above > 0.25
    before, there = type_one.along(result.regions, np.array([breach.above - 2e-6, breach.above]), 0.0)
    assert before <= 0.05 < there
    assert breach.below is None
    assert breach.peak.value > 0.44


def test_a_promise_that_holds_everywhere_has_no_breach() -> None:
    """Fisher's test keeps its level at every rate: nothing to warn of."""
    assert evaluate(resolved(plan(FISHER, TYPE_ONE))).breaches == ()


def test_what_borrowing_buys() -> None:
    """The rows are this design, the same without history, and without history at the least certainty as strict."""
    result = evaluate(resolved(plan(BORROWING, POWER)))
    assert result.borrowing is not None
    assert result.borrowing.arms == ("control",)
    this, none, same = result.borrowing.rows
    look = (24, 6)
    for row, rule in (
        (this, posterior(UNIFORM, [(1, 11, 32)], 0.95)),
        (none, posterior(UNIFORM, UNIFORM, 0.95)),
        (same, posterior(UNIFORM, UNIFORM, same.certainty)),
    ):
        regions = decided(rule, *look)
        assert row.power == pytest.approx(power(regions, points(0.6, 0.25))[0], rel=ROUNDING)
        assert row.type1 is not None
        assert row.type1.value == pytest.approx(type_one.worst(regions, (0.2, 0.25), 0.0).found, rel=1e-9)
    assert this.type1 is not None
    assert same.type1 is not None
    assert same.type1.value <= this.type1.upper
    levels = np.unique(posterior(UNIFORM, UNIFORM, 0.5).probability(decided(FIRST, *look).success.look, 0.0))
    weaker = float(levels[levels < same.certainty - 1e-12][-1])  # one table more succeeds
    looser = decided(posterior(UNIFORM, UNIFORM, weaker * (1 - 1e-6)), *look)
    assert type_one.worst(looser, (0.2, 0.25), 0.0).found > this.type1.value


FIRST = posterior(UNIFORM, UNIFORM, 0.5)


def test_a_design_without_history_borrows_nothing() -> None:
    """Uniform analysis priors, and tests without any, have nothing to compare."""
    plain = BORROWING.replace("a = 11, b = 32", "a = 1, b = 1")
    assert evaluate(resolved(plan(plain, POWER))).borrowing is None
    assert evaluate(resolved(plan(FISHER, POWER))).borrowing is None


def test_history_keeps_its_weight_until_conflict() -> None:
    """With a robust part, the weight of history after each count is that of the updated mixture."""
    parts = "parts = [{ weight = 0.8, a = 4, b = 16 }, { weight = 0.2, a = 1, b = 1 }]"
    rule = BORROWING.replace("a = 11, b = 32", parts)
    result = evaluate(resolved(plan(rule, POWER, n="{ treatment = 24, control = 20 }")))
    assert result.borrowing is not None
    kept = dict(result.borrowing.kept)
    assert kept[18] == pytest.approx(0.000220398314207556, rel=1e-10)  # as RBesT has it
    assert kept[4] == pytest.approx(0.927640486317199, rel=1e-10)
    assert result.borrowing.prior_weight == pytest.approx(0.8, rel=ROUNDING)


def test_shared_studies_and_independence_are_said() -> None:
    """Design priors of two arms are independent, and the output says so."""
    more = """
    [truths.uncertain]
    kind = "design_prior"
    treatment = { a = 6, b = 4 }
    control = { a = 8, b = 26 }
    """
    result = evaluate(resolved(plan(FISHER, POWER) + more))
    assert any("independent" in note for note in result.notes)


def test_ties_are_said() -> None:
    """A table on the threshold is named in the notes with how it was settled."""
    rule = "rule = { kind = 'fisher', alpha = 0.05 }"
    result = evaluate(resolved(plan(rule, POWER.replace("0.8", "0.1"), n="{ treatment = 3, control = 3 }")))
    assert any("3 v 0" in note for note in result.notes)
