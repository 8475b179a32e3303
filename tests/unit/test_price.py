"""The price of borrowing, against sums in fractions over every table of small trials."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import comb, factorial
from typing import NamedTuple

import pytest
from scipy import integrate, stats
from tests.building import resolved
from tests.tolerances import ROUNDING

from anatrial.domain.price import Price, Variant
from anatrial.errors import InputError
from anatrial.plan.price import price

N = 5
SURE = Fraction(4, 5)
WRITTEN = "{ parts = [{ weight = 0.75, a = 2, b = 3 }, { weight = 0.25, a = 1, b = 1 }] }"
POSTERIOR = f"""
[rule]
kind = "posterior"
certainty = 0.8

[rule.analysis_prior]
treatment = {{ a = 1, b = 1 }}
control = {WRITTEN}
"""
ADAPTING = """
[rule]
kind = "self_adapting"
certainty = 0.8
delta = 0.2

[rule.analysis_prior]
treatment = { a = 1, b = 1 }
control = { a = 2, b = 3 }
"""
MONITORED = f"""
[rule]
kind = "monitored"

[rule.final]
kind = "posterior"
certainty = 0.8

[rule.final.analysis_prior]
treatment = {{ a = 1, b = 1 }}
control = {WRITTEN}

[[rule.stops]]
kind = "posterior"
decides = "futility"
below = 0.35
"""
FIXED = '[design]\nkind = "fixed"\nn = { treatment = 5, control = 5 }\n'
LOOKS = '[design]\nkind = "sequential"\nlooks = [{ treatment = 3, control = 3 }, { treatment = 5, control = 5 }]\n'
TRUTHS = """
[truths.expected]
kind = "points"
rates = { treatment = 0.7, control = 0.3 }

[truths.no-effect]
kind = "no_effect"
control = { from = 0.15, to = 0.55 }
why = "a test"

[[targets]]
metric = "type_i_error"
truth = "no-effect"
at_most = 0.25
"""


class Part(NamedTuple):
    """A weighted Beta with whole shapes."""

    weight: Fraction
    a: int
    b: int


HISTORY, VAGUE = Part(Fraction(3, 4), 2, 3), Part(Fraction(1, 4), 1, 1)
UNIFORM = (Part(Fraction(1), 1, 1),)
FULL = (Part(Fraction(1), 2, 3),)


class Belief(NamedTuple):
    """A rate after data: parts with their weights."""

    parts: tuple[Part, ...]

    @property
    def mean(self) -> Fraction:
        return sum((w * Fraction(a, a + b) for w, a, b in self.parts), Fraction(0))

    def beats(self, other: Belief) -> Fraction:
        return sum(
            (p.weight * q.weight * greater(p.a, p.b, q.a, q.b) for p in self.parts for q in other.parts), Fraction(0)
        )


def beta(a: int, b: int) -> Fraction:
    """The beta function at whole numbers."""
    return Fraction(factorial(a - 1) * factorial(b - 1), factorial(a + b - 1))


def greater(a: int, b: int, c: int, d: int) -> Fraction:
    """P(Beta(a, b) > Beta(c, d)): the sum over the first rate's upper binomial tail, integrated term by term."""
    n = a + b - 1  # P(Beta(a, b) > y) = P(at most a - 1 of n at rate y)
    return sum((comb(n, i) * beta(c + i, d + n - i) for i in range(a)), Fraction(0)) / beta(c, d)


def after(prior: tuple[Part, ...], x: int, n: int) -> Belief:
    """Bayes' rule, the weights included."""
    raw = [w * beta(a + x, b + n - x) / beta(a, b) for w, a, b in prior]
    return Belief(tuple(Part(r / sum(raw), a + x, b + n - x) for r, (_, a, b) in zip(raw, prior, strict=True)))


def adapting(x: int, n: int) -> tuple[Part, ...]:
    """The self-adapting prior around Beta(2, 3): its weight is R / (1 + R), R against the rates 0.2 and 0.6."""
    near = [rate**x * (1 - rate) ** (n - x) for rate in (Fraction(2, 5), Fraction(1, 5), Fraction(3, 5))]
    ratio = near[0] / max(near[1:])
    return Part(ratio / (1 + ratio), 2, 3), Part(1 / (1 + ratio), 1, 1)


def chance(x: int, n: int, rate: Fraction) -> Fraction:
    return comb(n, x) * rate**x * (1 - rate) ** (n - x)


def priors_of(name: str, *, adapts: bool, x: int, n: int) -> tuple[Part, ...]:
    """The control prior of a variant, which a self-adapting rule chooses by the count."""
    if name == "pooled":
        return FULL
    if name == "none":
        return UNIFORM
    return adapting(x, n) if adapts else (HISTORY, VAGUE)


def summed(
    name: str, rate_t: Fraction, rate_c: Fraction, *, adapts: bool, looks: tuple[int, ...]
) -> dict[str, Fraction]:
    """Success, errors and weight of one variant, by every path of counts to the look where the trial ends."""
    found = dict.fromkeys(
        ("success", "never_stops", "bias", "mse", "control_bias", "control_mse", "weight"), Fraction(0)
    )
    steps = [late - early for early, late in zip((0, *looks), looks, strict=False)]
    for path in product(*(product(range(n + 1), repeat=2) for n in steps)):
        mass = Fraction(1)
        for n, (x_t, x_c) in zip(steps, path, strict=True):
            mass *= chance(x_t, n, rate_t) * chance(x_c, n, rate_c)
        for k, n in enumerate(looks):
            x_t, x_c = (sum(counts[arm] for counts in path[: k + 1]) for arm in (0, 1))
            treatment = after(UNIFORM, x_t, n)
            control = after(priors_of(name, adapts=adapts, x=x_c, n=n), x_c, n)
            sure, last = treatment.beats(control), k == len(looks) - 1
            if last or sure < Fraction(35, 100):
                break
        error, error_c = treatment.mean - control.mean - (rate_t - rate_c), control.mean - rate_c
        kept = {"none": Fraction(0), "pooled": Fraction(1)}.get(name, control.parts[0].weight)
        wins = last and sure > SURE
        for key, value in {
            "success": Fraction(wins), "bias": error, "mse": error**2,
            "control_bias": error_c, "control_mse": error_c**2, "weight": kept,
        }.items():  # fmt: skip
            found[key] += mass * value
    return found


def at(found: Price, one: Variant, key: str, rate: float) -> float | None:
    values: tuple[float | None, ...] = getattr(one, key)
    return values[found.rates.index(rate)]


@pytest.mark.parametrize(
    ("body", "adapts", "looks"),
    [(FIXED + POSTERIOR, False, (5,)), (FIXED + ADAPTING, True, (5,)), (LOOKS + MONITORED, False, (3, 5))],
    ids=["posterior", "self_adapting", "monitored"],
)
def test_every_curve_is_the_sum_over_all_tables(body: str, adapts: bool, looks: tuple[int, ...]) -> None:
    """Type I error, power, bias, error and weight of each variant equal fractions summed over every path."""
    found = price(resolved(body + TRUTHS))
    assert (found.effect, found.look) == (0.4, (N, N))
    for name in ("borrowing", "none", "pooled"):
        one = found.variant(name)
        for rate in (Fraction(1, 10), Fraction(3, 10), Fraction(3, 5)):
            oracle = summed(name, rate + Fraction(2, 5), rate, adapts=adapts, looks=looks)
            for key in ("bias", "mse", "control_bias", "control_mse", "weight"):
                assert at(found, one, key, float(rate)) == pytest.approx(float(oracle[key]), abs=ROUNDING), (name, key)
            assert at(found, one, "power", float(rate)) == pytest.approx(float(oracle["success"]), abs=ROUNDING)
            looked = (5,)  # futility does not bind: type I error counts no stop for it
            null = summed(name, rate, rate, adapts=adapts, looks=looked)["success"]
            assert at(found, one, "type_i_error", float(rate)) == pytest.approx(float(null), abs=ROUNDING)


def test_what_needs_a_rate_beyond_one_is_not_told() -> None:
    """Beyond a control rate of 1 - effect nothing at the effect is told; type I error and weight are."""
    found = price(resolved(FIXED + POSTERIOR + TRUTHS))
    one = found.variant("borrowing")
    for key in ("power", "bias", "mse", "control_bias", "control_mse"):
        known = [rate for rate, value in zip(found.rates, getattr(one, key), strict=True) if value is not None]
        assert (known[0], known[-1]) == (0.0, 0.6)
    assert None not in one.type_i_error + one.weight
    stopping = price(resolved(LOOKS + MONITORED + TRUTHS)).variant("borrowing")
    assert stopping.weight[-1] is None  # where the trial ends depends on the treatment too


def test_rates_are_the_hundredths_and_the_named_ones() -> None:
    """History's mean, planned rates and ends of stated ranges are among the control rates of the curves."""
    found = price(resolved(FIXED + POSTERIOR + TRUTHS.replace("0.15", "0.155")))
    assert found.named == (0.4, 0.3, 0.155, 0.55)
    assert set(found.named) | {k / 100 for k in range(101)} == set(found.rates)
    assert found.rates == tuple(sorted(found.rates))


def integrated(x: int, y: int, margin: float) -> float:
    """P(p_t > p_c + margin | x and y responders of 5 each) with uniform priors, by adaptive quadrature."""
    treatment, control = stats.beta(1 + x, 1 + N - x), stats.beta(1 + y, 1 + N - y)
    return float(integrate.quad(lambda rate: control.pdf(rate) * treatment.sf(rate + margin), 0, 1)[0])


def test_a_margin_moves_the_edge_of_no_effect() -> None:
    """With a margin of -0.1 type I error is that at a treatment rate 0.1 lower, and needs control rates from 0.1 on."""
    body = FIXED + POSTERIOR.replace("certainty = 0.8", "certainty = 0.8\nmargin = -0.1")
    truths = TRUTHS.replace("treatment = 0.7, control = 0.3", "treatment = 0.5, control = 0.5")
    found = price(resolved(body + truths))
    one = found.variant("none")
    known = [rate for rate, value in zip(found.rates, one.type_i_error, strict=True) if value is not None]
    assert (known[0], known[-1], found.effect, None in one.power) == (0.1, 1.0, 0.0, False)
    wins = [(x, y) for x, y in product(range(N + 1), repeat=2) if integrated(x, y, -0.1) > 0.8]
    null = sum(chance(x, N, Fraction(1, 5)) * chance(y, N, Fraction(3, 10)) for x, y in wins)
    assert at(found, one, "type_i_error", 0.3) == pytest.approx(float(null), abs=ROUNDING)
    assert found.worst_type_i_error.at >= 0.1


def test_an_effect_and_a_margin_without_a_common_control_rate() -> None:
    """Where power and type I error are never told at one control rate there is no sweet spot, and the rest is told."""
    body = FIXED + POSTERIOR.replace("certainty = 0.8", "certainty = 0.8\nmargin = -0.3")
    truths = TRUTHS.replace("treatment = 0.7, control = 0.3", "treatment = 0.95, control = 0.05")
    found = price(resolved(body + truths.replace("0.15", "0.35")))
    assert (found.sweet_spot, found.kept[0].spans) == ((), ())
    assert found.worst_mse is not None
    assert found.worst_mse.at <= 0.1


def test_without_weight_on_history_borrowing_is_none() -> None:
    """A prior that gives history next to no weight has the curves of no history."""
    nearly = WRITTEN.replace("0.75", "0.000000000000001").replace("0.25", "0.999999999999999")
    found = price(resolved(FIXED + POSTERIOR.replace(WRITTEN, nearly) + TRUTHS))
    now, none = found.variant("borrowing"), found.variant("none")
    for key in ("type_i_error", "power", "bias", "mse"):
        for mine, theirs in zip(getattr(now, key), getattr(none, key), strict=True):
            assert mine == (None if theirs is None else pytest.approx(theirs, abs=ROUNDING))
    assert any("history decides nothing" in note for note in found.notes)
    assert found.worst_power is None


def test_a_prior_without_a_part_that_lets_go_is_pooled_already() -> None:
    """Where history is written out alone and names no study, borrowing and pooled are one."""
    found = price(resolved(FIXED + POSTERIOR.replace(WRITTEN, "{ a = 2, b = 3 }") + TRUTHS))
    now, pooled = found.variant("borrowing"), found.variant("pooled")
    assert (now.type_i_error, now.power, now.mse) == (pooled.type_i_error, pooled.power, pooled.mse)
    assert now.weight == pytest.approx([1.0] * len(found.rates), abs=ROUNDING)
    assert "no study is named" in pooled.why


def test_none_at_the_type_i_error_of_borrowing() -> None:
    """Its largest type I error over the stated range is at most that of borrowing; a laxer certainty passes it."""
    found = price(resolved(FIXED + POSTERIOR + TRUTHS))
    now, same = found.variant("borrowing"), found.variant("none_same_error")
    inside = [k for k, rate in enumerate(found.rates) if 0.15 <= rate <= 0.55]
    largest = {one.name: max(one.type_i_error[k] or 0.0 for k in inside) for one in (now, same)}
    assert largest["none_same_error"] <= largest["borrowing"] + ROUNDING
    posteriors = {after(UNIFORM, x, N).beats(after(UNIFORM, y, N)) for x, y in product(range(N + 1), repeat=2)}
    laxer = max(p for p in posteriors if p <= same.certainty)

    def wins(rate: float) -> float:
        exact = Fraction(rate)
        tables = product(range(N + 1), repeat=2)
        reached = ((x, y) for x, y in tables if after(UNIFORM, x, N).beats(after(UNIFORM, y, N)) >= laxer)
        return float(sum(chance(x, N, exact) * chance(y, N, exact) for x, y in reached))

    assert max(wins(found.rates[k]) for k in inside) > largest["borrowing"]


FLAT = (WRITTEN, "{ a = 1, b = 1 }")
FISHER = (POSTERIOR, '[rule]\nkind = "fisher"\nalpha = 0.05\n')
UNCERTAIN = 'kind = "design_prior"\ntreatment = { a = 2, b = 2 }\ncontrol = { a = 2, b = 2 }'
NO_POINTS = ('kind = "points"\nrates = { treatment = 0.7, control = 0.3 }', UNCERTAIN)
SINGLE = (
    ("treatment = 5, control = 5", "treatment = 5"),
    (f"control = {WRITTEN}", ""),
    ("certainty = 0.8", "certainty = 0.8\nbenchmark = 0.6"),
    ("treatment = 0.7, control = 0.3", "treatment = 0.7"),
)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ((FISHER,), ("rule.kind", "'fisher'", "posterior or self_adapting")),
        ((FLAT,), ("rule.analysis_prior.control", "Beta(1, 1)", "worth more than two patients")),
        (SINGLE, ("design", "a single arm", "a control arm")),
        ((NO_POINTS, FLAT), ("truths", "points", "rule.analysis_prior.control")),
    ],
    ids=["no prior", "vague prior", "single arm", "two faults"],
)
def test_a_trial_that_borrows_nothing_is_refused(changes: tuple[tuple[str, str], ...], said: tuple[str, ...]) -> None:
    """What has no price is an error that says what is missing, everything at once."""
    body = FIXED + POSTERIOR + TRUTHS
    for old, new in changes:
        assert old in body
        body = body.replace(old, new)
    with pytest.raises(InputError) as refused:
        price(resolved(body))
    for word in said:
        assert word in str(refused.value)


def test_the_final_rule_of_a_monitored_one_is_named() -> None:
    """Of a rule with stops it is the final one that must borrow, and the error names its place and kind."""
    final = MONITORED[MONITORED.index("[rule.final]") : MONITORED.index("[[rule.stops]]")]
    body = LOOKS + MONITORED.replace(final, '[rule.final]\nkind = "fisher"\nalpha = 0.05\n\n') + TRUTHS
    flat = "{ treatment = { a = 1, b = 1 }, control = { a = 1, b = 1 } }"
    with pytest.raises(InputError, match=r"rule\.final\.kind\n  got       'fisher'"):
        price(resolved(body.replace("below = 0.35", f"below = 0.35\nprior = {flat}")))


def test_treatment_history_stays_and_is_named() -> None:
    """History in the treatment prior is in every variant, a note says so, and no certainty is set for none."""
    body = FIXED + POSTERIOR.replace("treatment = { a = 1, b = 1 }", "treatment = { a = 4, b = 3 }") + TRUTHS
    found = price(resolved(body))
    assert [one.name for one in found.variants] == ["borrowing", "none", "pooled"]
    assert any("anakinra holds history too" in note for note in found.notes)
    # bias of none at 0.3: (4 + 5 * 0.7) / 12 - 0.7 - ((1 + 5 * 0.3) / 7 - 0.3)
    assert at(found, found.variant("none"), "bias", 0.3) == pytest.approx(7.5 / 12 - 0.7 - 2.5 / 7 + 0.3, abs=ROUNDING)
