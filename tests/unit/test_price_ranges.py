"""Ranges and worst cases of the price of borrowing, against dense grids and simulation; and the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy import stats
from tests.building import resolved
from tests.tolerances import ROUNDING

from anatrial.documents.scenario import ResolvedScenario, counts_trial
from anatrial.domain.price import Price, Span
from anatrial.files import read_scenario
from anatrial.numerics import BoolArray, FloatArray
from anatrial.plan.price import price
from anatrial.report import price_picture as pictures
from anatrial.report.canvas import figure_bytes
from anatrial.report.price_text import COLUMNS, price_content, price_rows, price_text

DENSE = np.linspace(0.0, 0.65, 6_501)
SIGNATURES = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}


class Told(NamedTuple):
    """A shipped scenario and its price."""

    used: ResolvedScenario
    found: Price


@pytest.fixture(scope="module")
def next_trial() -> Told:
    """24 v 24 with 0.8 Beta(8, 26) + 0.2 Beta(1, 1), planned 0.60 v 0.25."""
    return told("sjia-next-trial")


def told(name: str) -> Told:
    used = counts_trial(read_scenario(name), "borrowing")
    return Told(used, price(used))


def superior(control: list[tuple[float, float, float]], n: int = 24) -> BoolArray:
    """Where P(p_t > p_c | data) > 0.98 with a uniform prior on p_t: scipy's Beta laws on Gauss nodes."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    nodes, weights = 0.5 * (nodes + 1), 0.5 * weights
    x = np.arange(n + 1)
    density = stats.beta.pdf(nodes, 1 + x[:, None], 1 + n - x[:, None]) * weights
    below = sum(
        w[:, None] * stats.beta.cdf(nodes, a + x[:, None], b + n - x[:, None])
        for w, (_, a, b) in zip(after(control, n), control, strict=True)
    )
    return np.asarray(density @ below.T > 0.98)


def after(control: list[tuple[float, float, float]], n: int) -> FloatArray:
    """Weights of the parts after every count, shape (parts, n + 1): each by its beta-binomial prediction."""
    x = np.arange(n + 1)
    raw = np.array([w * stats.betabinom.pmf(x, n, a, b) for w, a, b in control])
    return np.asarray(raw / raw.sum(axis=0))


def chances(wins: BoolArray, rates_t: FloatArray, rates_c: FloatArray) -> FloatArray:
    """P(success) at each pair of rates."""
    x, n = np.arange(len(wins)), len(wins) - 1
    law_t, law_c = (stats.binom.pmf(x, n, rates[:, None]) for rates in (rates_t, rates_c))
    return np.asarray(((law_t @ wins) * law_c).sum(axis=1))


def covers(spans: tuple[Span, ...], holds: Callable[[FloatArray], BoolArray], gain: FloatArray, seen: float) -> None:
    """The spans are the runs of dense rates at which the condition holds and ``gain`` somewhere reaches ``seen``."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], holds(DENSE), [False]])))
    runs = [(first, last) for first, last in edges.reshape(-1, 2) - (0, 1) if gain[first : last + 1].max() >= seen]
    assert len(runs) == len(spans) > 0
    for (first, last), (low, high) in zip(runs, spans, strict=True):
        assert DENSE[first] - 1e-4 <= low <= DENSE[first]
        assert DENSE[last] <= high <= DENSE[last] + 1e-4
        for end, outwards in ((low, -1e-6), (high, 1e-6)):
            if 0 < end < DENSE[-1]:  # no end of the whole range
                assert holds(np.array([end - outwards, end + outwards])).tolist() == [True, False]


HISTORY = [(0.8, 8.0, 26.0), (0.2, 1.0, 1.0)]


def test_ends_of_ranges_lie_where_a_dense_grid_finds_them(next_trial: Told) -> None:
    """Sweet spot and promised range hold exactly where power and type I error from other formulas say so."""
    now, none = superior(HISTORY), superior([(1.0, 1.0, 1.0)])

    def power(wins: BoolArray, rates: FloatArray) -> FloatArray:
        return chances(wins, rates + 0.35, rates)

    def error(wins: BoolArray, rates: FloatArray) -> FloatArray:
        return chances(wins, rates, rates)

    def better(rates: FloatArray) -> BoolArray:
        return (power(now, rates) >= power(none, rates)) & (error(now, rates) <= error(none, rates) + ROUNDING)

    gain = power(now, DENSE) - power(none, DENSE)
    covers(next_trial.found.sweet_spot, better, gain, 0.001)
    (kept,) = next_trial.found.kept
    assert kept.promised == 0.05
    covers(kept.spans, lambda r: (power(now, r) >= power(none, r)) & (error(now, r) <= 0.05), gain, 0.001)


def test_worst_cases_are_nowhere_worse(next_trial: Told) -> None:
    """No point of a dense grid has a larger type I error, loss of power or rise of mean squared error."""
    found, now, none = next_trial.found, superior(HISTORY), superior([(1.0, 1.0, 1.0)])
    everywhere = np.linspace(0.0, 1.0, 4_001)
    errors = chances(now, everywhere, everywhere)
    worst = found.worst_type_i_error
    assert errors.max() == pytest.approx(worst.borrowing, abs=1e-6)
    assert worst.borrowing >= errors.max() - ROUNDING
    assert abs(everywhere[errors.argmax()] - worst.at) < 0.01
    lost = chances(none, DENSE + 0.35, DENSE) - chances(now, DENSE + 0.35, DENSE)
    assert found.worst_power is not None
    assert found.worst_power.none - found.worst_power.borrowing == pytest.approx(lost.max(), abs=1e-6)
    assert abs(found.worst_power.at - DENSE[lost.argmax()]) < 1e-3
    rise = squared(HISTORY, DENSE) - squared([(1.0, 1.0, 1.0)], DENSE)
    assert found.worst_mse is not None
    assert found.worst_mse.borrowing - found.worst_mse.none == pytest.approx(rise.max(), abs=1e-6)
    assert abs(found.worst_mse.at - DENSE[rise.argmax()]) < 1e-3
    without = squared([(1.0, 1.0, 1.0)], DENSE)
    less = without - squared(HISTORY, DENSE)
    covers(found.closer, lambda r: squared(HISTORY, r) <= squared([(1.0, 1.0, 1.0)], r), less, 0.001 * without.max())


def squared(control: list[tuple[float, float, float]], rates: FloatArray, n: int = 24) -> FloatArray:
    """Mean squared error of the difference of posterior means: variances and biases of two independent arms."""
    x = np.arange(n + 1)
    means_t = (1 + x) / (2 + n)
    means_c = np.sum(
        [w * (a + x) / (a + b + n) for w, (_, a, b) in zip(after(control, n), control, strict=True)], axis=0
    )
    moments = []
    for means, true in ((means_t, rates + 0.35), (means_c, rates)):
        law = stats.binom.pmf(x, n, true[:, None])
        expected = law @ means
        moments.append((expected - true, law @ means**2 - expected**2))
    (bias_t, variance_t), (bias_c, variance_c) = moments
    return np.asarray(variance_t + variance_c + (bias_t - bias_c) ** 2)


def test_simulated_estimates_agree(next_trial: Told) -> None:
    """Bias, mean squared error and weight of 400,000 drawn trials lie within four standard errors of the sums."""
    rng, trials, found = np.random.default_rng(5), 400_000, next_trial.found
    x_t, x_c = rng.binomial(24, 0.75, trials), rng.binomial(24, 0.40, trials)
    share = after(HISTORY, 24)[0][x_c]
    control = share * (8 + x_c) / 58 + (1 - share) * (1 + x_c) / 26
    error = (1 + x_t) / 26 - control - 0.35
    one, k = found.variant("borrowing"), found.rates.index(0.4)
    for drawn, exact in ((error, one.bias[k]), (error**2, one.mse[k]), (share, one.weight[k])):
        assert abs(drawn.mean() - exact) < 4 * drawn.std() / trials**0.5


@pytest.mark.parametrize(
    ("name", "fmt"),
    [("sjia-next-trial-map", "svg"), ("sjia-self-adapting", "pdf"), ("sjia-futility", "pdf"), ("as-24-v-6", "png")],
)
def test_the_page_of_a_shipped_trial(name: str, fmt: str) -> None:
    """Text fits, rows and JSON hold every curve, and the picture is written."""
    used, found = told(name)
    lines = price_text(found, used).split("\n")
    assert max(map(len, lines)) <= 110
    rows = price_rows(found)
    assert len(rows) == len(found.variants) * len(found.rates)
    assert {len(row) for row in rows} == {len(COLUMNS)}
    content = price_content(found)
    assert content["variants"][0]["mse"][0] == found.variant("borrowing").mse[0]
    assert pictures.price_picture(found, used, fmt).startswith(SIGNATURES[fmt])


def test_pooled_starts_from_the_base_of_the_recipe() -> None:
    """127 of 513 published patients in full on top of the Beta(0.84, 1.12) that the recipe starts from."""
    used, found = told("as-24-v-6")
    recipe = used.indication.priors["placebo-asas20"].model_dump()
    assert (recipe["base"]["a"], recipe["base"]["b"]) == (0.84, 1.12)
    pooled = found.variant("pooled")
    assert pooled.prior == "Beta(127.84, 387.12)"
    k = found.rates.index(0.0)  # no control patient responds then
    assert pooled.control_bias[k] == pytest.approx(127.84 / (127.84 + 387.12 + 6), abs=ROUNDING)


def test_ranges_where_history_has_let_go_are_no_sweet_spot() -> None:
    """With 200 v 200 nothing is gained far from history: where nothing is lost there is no sweet spot either."""
    body = """
    design = { kind = "fixed", n = { treatment = 200, control = 200 } }
    rule.kind = "posterior"
    rule.certainty = 0.975
    rule.analysis_prior.treatment = { a = 1, b = 1 }
    rule.analysis_prior.control.parts = [{ weight = 0.8, a = 80, b = 260 }, { weight = 0.2, a = 1, b = 1 }]
    truths.expected = { kind = "points", rates = { treatment = 0.35, control = 0.25 } }
    targets = [{ metric = "power", truth = "expected", at_least = 0.5 }]
    """
    found = price(resolved(body))
    (span,) = found.sweet_spot
    assert 0.19 < span.lowest < found.history_mean < span.highest < 0.25
    now, none, k = found.variant("borrowing"), found.variant("none"), found.rates.index(0.8)
    assert now.power[k] == pytest.approx(none.power[k], abs=1e-6)


def test_without_a_sweet_spot_the_page_says_so(next_trial: Told) -> None:
    """A price without sweet spot, promise or loss of power is told in words, without empty ranges."""
    bare = replace(next_trial.found, sweet_spot=(), kept=(), closer=(), worst_power=None, worst_mse=None, stated=())
    text = price_text(bare, next_trial.used)
    for words in (
        "Sweet spot: none.",
        "History expects 0.235.",
        "loss of power    ",
        "rise of squared error",
        "none at any",
    ):
        assert words in text
    assert "promised" not in text
    assert "at no placebo rate" in text
    assert pictures.price_picture(bare, next_trial.used, "png").startswith(SIGNATURES["png"])


def test_every_line_of_the_picture_is_a_curve(next_trial: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five panels hold the curves of their number, each line with dashes of its own; the same page, the same bytes."""
    figures: list[Any] = []

    def kept(figure: Any, fmt: str) -> bytes:
        figures.append(figure)
        return figure_bytes(figure, fmt)

    monkeypatch.setattr(pictures, "figure_bytes", kept)
    first, again = (pictures.price_picture(*next_trial[::-1], "svg") for _ in range(2))
    assert first == again
    panels = figures[0].axes
    labels = [[line.get_label() for line in axes.lines if not line.get_label().startswith("_")] for axes in panels]
    assert list(map(len, labels)) == [4, 4, 3, 3, 3, 0]
    for axes, key in zip(panels, ("type_i_error", "power", "bias", "mse", "weight"), strict=False):
        given = [value for value in getattr(next_trial.found.variant("borrowing"), key) if value is not None]
        assert axes.lines[0].get_ydata() == pytest.approx(given, abs=0)
    assert len({str(line._dash_pattern) for line in panels[0].lines[:4]}) == 4


def test_equal_variants_are_not_said_to_lack_anything() -> None:
    """Of 1 v 1 nothing ever succeeds: power and error of borrowing equal those of none, which the page never denies."""
    body = """
    arms = { treatment = "anakinra", control = "standard care with methotrexate and as much else as it takes" }
    design = { kind = "fixed", n = { treatment = 1, control = 1 } }
    rule.kind = "posterior"
    rule.certainty = 0.9
    rule.analysis_prior.treatment = { a = 1, b = 1 }
    rule.analysis_prior.control.parts = [{ weight = 0.8, a = 2, b = 3 }, { weight = 0.2, a = 1, b = 1 }]
    truths.expected = { kind = "points", rates = { treatment = 0.9, control = 0.2 } }
    truths.no-effect = { kind = "no_effect", control = { from = 0.1, to = 0.5 }, why = "a test" }
    targets = [{ metric = "type_i_error", truth = "no-effect", at_most = 0.05 }]
    """
    used = resolved(body)
    found = price(used)
    now, none = found.variant("borrowing"), found.variant("none")
    assert (now.power, now.type_i_error) == (none.power, none.type_i_error)
    text = price_text(found, used)
    assert max(map(len, text.split("\n"))) <= 110
    said = " ".join(text.split())
    assert "has borrowing at least the power" not in said
    assert "Sweet spot: none. Over no range" in said
    assert "holds together with a gain in power (0.001 or more) over no range" in said
    assert "0.000 0.000 0.0 points" in said


def test_a_rate_that_is_named_twice_is_one_row() -> None:
    """A planned rate after drop-out that is off history's mean and a hundredth by rounding alone is the same."""
    body = """
    design = { kind = "fixed", n = { treatment = 10, control = 10 } }
    rule.kind = "posterior"
    rule.certainty = 0.9
    rule.analysis_prior.treatment = { a = 1, b = 1 }
    rule.analysis_prior.control.parts = [{ weight = 0.8, a = 7, b = 93 }, { weight = 0.2, a = 1, b = 1 }]
    [truths.expected]
    kind = "points"
    rates = { treatment = 0.7, control = 0.1 }
    rates_among = "completers"
    dropout = { treatment = 0.3, control = 0.3 }
    [[targets]]
    metric = "power"
    truth = "expected"
    at_least = 0.5
    """
    found = price(resolved(body))
    assert len(found.named) == 1
    assert len(found.rates) == 101
