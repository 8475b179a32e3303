"""Pictures of priors: what stands in them, taken from the figure before it becomes a file; and ranks of chains."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from math import comb
from typing import Any

import numpy as np
import pytest
from tests.figures import kept_figures
from tests.prior_building import BELIEF, chains, disease, two_diseases

from anatrial.errors import ComputationError, InputError
from anatrial.methods.map import Map
from anatrial.plan.chains import BINS, chain_view
from anatrial.plan.compare import compare
from anatrial.plan.inspect import Inspection, inspect
from anatrial.plan.planned import update
from anatrial.report import prior_pictures as pictures
from anatrial.report.pictures import prior_picture

SIGNATURES = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}


@cache
def found(name: str, **more: Any) -> Inspection:
    """A prior of the made-up disease from all sides, looked at once for all tests."""
    return inspect(disease(more=BELIEF), name, "up to date", **{"leave_out": False, **more})


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The figures that the pictures of a test are made of."""
    return kept_figures(monkeypatch, pictures)


def said(figure: Any) -> str:
    """All words of a figure: titles, axes, ticks, legends, texts."""
    words = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    words += [figure.get_suptitle()]
    for axes in figure.axes:
        words += [axes.get_title(loc="left"), axes.get_xlabel(), axes.get_ylabel()]
        words += [text.get_text() for text in (*axes.texts, *axes.get_yticklabels())]
        if axes.get_legend() is not None:
            words += [text.get_text() for text in axes.get_legend().get_texts()]
    return "\n".join(words)


def test_a_forest_shows_observed_and_shrunken_rates(drawn: list[Any]) -> None:
    """Each study stands there with its count and weight, twice; below them the typical rate and a new trial's."""
    of = found("map")
    pictures.forest_picture(of, "png")
    words = said(drawn[0])
    assert "Old 2001: 10 of 40, weight 1" in words
    assert words.count("by the model") == 3
    for study in of.studies:
        assert f"{study.observed:.3f} ({study.lower:.3f}-{study.upper:.3f})" in words
        assert study.shrunken is not None
        low, *_, high = study.shrunken.quantiles
        assert f"{study.shrunken.mean:.3f} ({low:.3f}-{high:.3f})" in words
    for label in ("typical rate", "rate of a new trial", "prior as it is used"):
        assert label in words


def test_a_forest_of_a_prior_without_a_model(drawn: list[Any]) -> None:
    """Without a model the prior stands below its studies, with and without its robust part."""
    pictures.forest_picture(found("robust"), "png")
    pictures.forest_picture(found("pooled"), "png")
    robust, plain = map(said, drawn)
    assert "by the model" not in robust
    assert "prior without the robust part" in robust
    assert "prior without the robust part" not in plain


def test_a_picture_without_each_study(drawn: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """One row per study left out, with its effective n; a row that cannot be computed says why."""
    of = found("pooled", leave_out=True)
    pictures.without_picture(of, "png")
    words = said(drawn[0])
    for left in of.without:
        assert f"without {left.title}" in words
        assert left.summary is not None
        assert f"{left.summary.effective_n:.3g}" in words
    usual = Map.mixture

    def sometimes(self: Map, contributions: Any) -> Any:
        if len(contributions) < 3:
            raise ComputationError("no closed form")
        return usual(self, contributions)

    monkeypatch.setattr(Map, "mixture", sometimes)
    pictures.without_picture(inspect(disease(), "map", "up to date"), "png")  # not kept for other tests, unlike found()
    assert said(drawn[1]).count("cannot be computed: no closed form") == 3


def test_an_update_shows_three_curves(drawn: list[Any]) -> None:
    """Prior, likelihood and posterior, with their means, and what is left of history."""
    of = found("robust")
    after = update(of.prior, 20, 24)
    pictures.update_picture(of, after, "png")
    words = said(drawn[0])
    assert after.history is not None
    assert f"weight of history 0.75 before, {after.history[1]:.2f} after" in words
    assert "20 of 24 alone (likelihood, scaled)" in words
    assert f"posterior: mean {after.after.mean:.3f}" in words
    assert len(drawn[0].axes[0].lines) == 3


def test_the_spread_before_and_after(drawn: list[Any]) -> None:
    """Each unknown spread has a panel with what was assumed and what the studies make of it."""
    for of, panels in (
        (found("map"), 1),
        (found("common"), 1),
        (inspect(two_diseases(), "baskets", "stale", leave_out=False), 2),
    ):
        pictures.heterogeneity_picture(of, "png")
        words = said(drawn[-1])
        assert len(drawn[-1].axes) == panels
        assert words.count("assumed (prior)") == panels
        assert of.synthesis is not None
        quantiles = of.synthesis.heterogeneity[0].posterior.quantiles
        assert f"median {quantiles[2]:.2f}" in words or f"median {quantiles[2]:.0f}" in words


def test_surprising_counts_stand_out(drawn: list[Any]) -> None:
    """The bars of the surprising counts, and only they, have their own colour."""
    of = found("pooled", planned=(24,))
    pictures.predictive_picture(of, "png")
    predicted = of.predicted[0]
    usual, surprising = drawn[0].axes[0].containers
    counts = [round(bar.get_x() + bar.get_width() / 2) for bar in surprising]
    low, high = predicted.surprising_low, predicted.surprising_high
    assert low is not None
    assert high is not None
    assert counts == [*range(low + 1), *range(high, 25)]
    assert len(usual) + len(counts) == 25
    assert f"surprising: at most {low}, or at least {high}" in said(drawn[0])


def test_a_comparison_shows_every_row(drawn: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every row of the table is a row of the picture, in the same order, headings between groups."""
    of = compare(disease(), ("robust",), 24)
    pictures.compare_picture(of, "png")
    words = said(drawn[0])
    labels = [text.get_text() for text in drawn[0].axes[0].get_yticklabels() if text.get_text()]
    assert labels == [row.label for row in of.rows]
    assert "of 24 (95 %)" in words
    assert "robust without one study" in words

    def never(*_: object) -> Any:
        raise ComputationError("no closed form")

    monkeypatch.setattr(Map, "closed_form", never)
    pictures.compare_picture(compare(disease(), ("pooled",), 24), "png")
    assert "cannot be computed: no closed form" in said(drawn[1])


def test_traces_hold_every_draw(drawn: list[Any]) -> None:
    """A panel per quantity, a line per chain, a point per draw."""
    of, draws = found("map"), chains()
    assert of.synthesis is not None
    pictures.trace_picture(of, chain_view(draws, of.synthesis), "png")
    assert [axes.get_title(loc="left") for axes in drawn[0].axes] == [
        "typical rate",
        "between studies (tau[0])",
        "rate of a new trial",
    ]
    for axes, name in zip(drawn[0].axes, ("mean_rate", "tau[0]", "predicted_rate"), strict=True):
        values = draws.quantities()[name]
        assert [list(line.get_ydata()) for line in axes.lines] == [list(chain) for chain in values]


def test_ranks_of_chains_against_counting() -> None:
    """A bin holds the draws of a chain whose rank among all is in it; without ties ranks are counts of smaller ones."""
    synthesis = found("map").synthesis
    assert synthesis is not None
    draws = chains(shift=0.2)
    view = chain_view(draws, synthesis)
    assert (view.draws, view.expected) == (200, 10.0)
    for quantity in view.quantities:
        values = draws.quantities()[quantity.name]
        for chain, heights in zip(values, quantity.ranks, strict=True):
            below = [int((values < value).sum()) for value in chain]
            assert heights == tuple(sum(rank * BINS // 800 == k for rank in below) for k in range(BINS))
    assert max(view.quantities[0].ranks[3]) > view.highest  # the chain that lies apart


def test_the_band_of_ranks_against_fractions() -> None:
    """A height leaves the band to either side with probability below 0.05 / (2 * 80), and no narrower band does."""
    synthesis = found("map").synthesis
    assert synthesis is not None
    view = chain_view(chains(), synthesis)
    whole = comb(800, 40)
    chance = [Fraction(comb(200, k) * comb(600, 40 - k), whole) for k in range(41)]
    tail = Fraction(5, 100) / 160
    assert sum(chance[: view.lowest]) < tail <= sum(chance[: view.lowest + 1])
    assert sum(chance[view.highest + 1 :]) <= tail < sum(chance[view.highest :])


def test_rank_pictures_show_the_band(drawn: list[Any]) -> None:
    """Each chain has its bars over its own base line, so far apart that none overlap."""
    of = found("map")
    assert of.synthesis is not None
    view = chain_view(chains(shift=0.3), of.synthesis)
    pictures.rank_picture(of, view, "png")
    axes = drawn[0].axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["chain 4", "chain 3", "chain 2", "chain 1"]
    bars = [[(bar.get_y(), bar.get_y() + bar.get_height()) for bar in container] for container in axes.containers]
    tops, bases = [max(top for _, top in chain) for chain in bars], [chain[0][0] for chain in bars]
    assert all(top <= base for top, base in zip(tops[1:], bases, strict=False))
    assert tuple(round(top - base) for base, top in bars[0]) == view.quantities[0].ranks[0]
    assert "probability 0.95" in said(drawn[0])


def test_a_quantity_that_never_moves_is_left_out() -> None:
    """A known spread has no chains to look at."""
    synthesis = found("map").synthesis
    assert synthesis is not None
    draws = chains()
    draws.groups["posterior"]["tau"][...] = 0.5
    assert [q.name for q in chain_view(draws, synthesis).quantities] == ["mean_rate", "predicted_rate"]
    assert np.ptp(draws.quantities()["tau[0]"]) == 0


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (pictures.forest_picture, "no study"),
        (pictures.without_picture, "no study that could be left out"),
        (pictures.heterogeneity_picture, "method elicited, with no unknown spread"),
    ],
)
def test_what_a_prior_does_not_have_is_refused(draw: Callable[[Inspection, str], bytes], words: str) -> None:
    """A belief has no studies and no model: such pictures name what is missing and what can be drawn."""
    with pytest.raises(InputError, match=words) as refused:
        draw(found("belief"), "png")
    assert "--what overview" in str(refused.value)


@pytest.mark.parametrize("fmt", sorted(SIGNATURES))
def test_every_format_is_written_the_same_twice(fmt: str) -> None:
    """PNG, SVG and PDF carry no clock and no random name, traces as points included."""
    of = found("map", planned=(12,))
    assert of.synthesis is not None
    view = chain_view(chains(), of.synthesis)

    def written() -> list[bytes]:
        return [pictures.trace_picture(of, view, fmt), pictures.forest_picture(of, fmt), prior_picture(of, fmt)]

    first = written()
    assert first == written()
    assert [content[: len(SIGNATURES[fmt])] for content in first] == [SIGNATURES[fmt]] * 3
