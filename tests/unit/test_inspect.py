"""A prior looked at from all sides: what the inspection holds, and what is printed of it."""

from __future__ import annotations

import re
from fractions import Fraction
from math import comb
from typing import Any

import pytest
from tests.prior_building import BELIEF, COUNTS, disease, record, two_diseases
from tests.tolerances import ROUNDING

from anatrial.domain.mixture import BetaMixture
from anatrial.errors import ComputationError, InputError
from anatrial.methods.map import Map
from anatrial.methods.pooled import Pooled
from anatrial.plan.derive import integrated
from anatrial.plan.inspect import inspect, left_out
from anatrial.report.machine import json_bytes, plain
from anatrial.report.prior_text import show_text


def said(name: str, **more: Any) -> str:
    """What is printed of a prior of the made-up disease, on one line."""
    found = inspect(disease(more=BELIEF), name, "up to date", **{"leave_out": False, **more})
    return " ".join(show_text(found).split())


def test_observed_rates_have_exact_intervals() -> None:
    """At each end of a Clopper-Pearson interval the observed count has a tail of 0.025."""
    for study in inspect(disease(), "pooled", "up to date").studies:
        x, n = COUNTS[study.outcome.removesuffix("-1")]
        assert (study.responders, study.n, study.observed) == (x, n, x / n)
        at_least = sum(comb(n, k) * study.lower**k * (1 - study.lower) ** (n - k) for k in range(x, n + 1))
        at_most = sum(comb(n, k) * study.upper**k * (1 - study.upper) ** (n - k) for k in range(x + 1))
        assert at_least == pytest.approx(0.025, rel=1e-9)
        assert at_most == pytest.approx(0.025, rel=1e-9)
        assert study.shrunken is None


def test_a_model_draws_studies_together() -> None:
    """By the model, the highest rate lies lower and the lowest higher than observed; all is what integration found."""
    found = inspect(disease(), "map", "up to date")
    assert found.synthesis == integrated(disease(), "map").synthesis
    rates = {s.outcome: (s.observed, s.shrunken.mean) for s in found.studies if s.shrunken is not None}
    assert len(rates) == 3
    assert rates["new-1"][1] < rates["new-1"][0]
    assert rates["mid-1"][1] > rates["mid-1"][0]
    assert found.assumptions == (("mean", "N(0, 2^2) on the log odds"), ("between studies", "tau half-normal(0.5)"))
    assert found.fit is not None
    assert found.fit.divergence < 1e-3


def test_what_integration_found_is_beside_the_closed_form() -> None:
    """The moment effective n of what integration found is near that of the closed form, and shown beside it."""
    found = inspect(disease(), "map", "up to date")
    assert found.synthesis is not None
    assert found.synthesis.effective_n == pytest.approx(found.summary.effective_n, rel=0.02)
    text = show_text(found)
    assert f"{found.synthesis.effective_n:.4g}" in text
    assert "by integration" in text


def test_without_each_study_against_fractions() -> None:
    """A pooled prior without a study is Beta(1 + the others' responders, 1 + their non-responders)."""
    found = inspect(disease(), "robust", "up to date")
    x, n = (sum(pair[k] for pair in COUNTS.values()) for k in (0, 1))
    for left in found.without:
        out = COUNTS[left.study]
        a, b = 1 + x - out[0], 1 + (n - x) - (out[1] - out[0])
        assert left.mixture is not None
        assert left.mixture.parts == ((0.75, a, b), (0.25, 1, 1))
        assert left.summary is not None
        mean = Fraction(3, 4) * Fraction(a, a + b) + Fraction(1, 8)
        assert left.summary.mean == pytest.approx(float(mean), rel=ROUNDING)
    assert inspect(disease(), "robust", "up to date", leave_out=False).without == ()


def test_a_prior_without_a_study_that_cannot_be_computed_has_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """One study without which nothing can be computed does not end the command."""

    def never(*_: object) -> BetaMixture:
        raise ComputationError("no closed form")

    whole = integrated(disease(), "pooled").value()
    monkeypatch.setattr(Pooled, "mixture", never)
    assert [(left.mixture, left.why_not) for left in left_out(disease(), "pooled", whole)] == [
        (None, "no closed form")
    ] * 3
    monkeypatch.undo()
    usual = Map.mixture
    monkeypatch.setattr(Map, "mixture", lambda self, c: never() if len(c) < 3 else usual(self, c))
    assert "- Old 2001: no closed form" in said("map", leave_out=True)


def test_a_disease_that_is_borrowed_from() -> None:
    """Each basket has its chance to be like the others before and after, and what the prior is without it."""
    found = inspect(two_diseases(), "baskets", "up to date", leave_out=False)
    assert [(b.name, b.chance_before) for b in found.borrowed] == [("made-up", 0.6), ("other", 0.5)]
    assert found.synthesis is not None
    for borrowed, source in zip(found.borrowed, found.synthesis.sources, strict=True):
        assert (borrowed.chance_after, borrowed.mean_without) == (source.exchangeable, source.mean_without)
    text = show_text(found)
    assert "like the others, before" in text
    assert f"{found.borrowed[1].mean_without:.4f}" in text


def test_no_study_and_no_model() -> None:
    """A belief rests on nothing: no study, no model, no leave-one-out, and where ELIR does not exist the reason."""
    found = inspect(disease(more=BELIEF), "belief", "up to date")
    assert (found.studies, found.without, found.borrowed, found.assumptions) == ((), (), (), ())
    assert (found.synthesis, found.fit, found.sampled, found.samples) == (None, None, None, False)
    assert "- no ELIR, all of it: a shape below 1 (0.2): the density is infinite at rate 0" in said("belief")


def test_a_sampled_prior_shows_its_record() -> None:
    """Of a fresh copy the record of sampling is shown; without one, the command that makes it."""
    kept = integrated(disease(), "map").derived.model_copy(update={"sampled": record()})
    text = said("map", kept=kept)
    assert "R-hat 1.002" in text
    assert "worth 2,087 independent draws in the middle and 2,290 in the tails" in text
    assert "no divergences" in text
    assert "BFMI 0.65" in text
    assert "predicted_rate: mean 0.2612 by sampling, 0.2604 by integration, 1.6 standard errors apart" in text
    assert "anatrial prior derive made-up map" in said("map")
    assert "PyMC" not in said("pooled")


def test_a_warning_where_the_prior_outweighs_the_arm() -> None:
    """96 patients' worth beside 24 planned is warned of, beside 200 it is not."""
    assert "WARNING the prior is worth more patients than the arm has: moment 4.00" in said("pooled", planned=(24,))
    assert "WARNING" not in said("pooled", planned=(200,))
    assert "WARNING" not in said("pooled")


def test_the_text_says_what_the_numbers_are() -> None:
    """Strength by every measure, surprises, weights of history and the robust part's alternatives are all there."""
    found = inspect(disease(), "robust", "up to date", planned=(24,))
    text = show_text(found)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 100
    for word in ("moment", "Morita", "ELIR", "ELIR (log odds)", "surprising", "weight of history", "Schmidli"):
        assert word in text
    advice = found.beside[0].robust
    assert advice is not None
    rows = {row.what: row for row in advice.rows}
    kept, half = rows["this recipe"].history_surprising, rows["half the size"].history_surprising
    assert kept is not None
    assert half is not None
    more = "more" if half > kept else "less"
    assert f"leaves history {more} weight ({half:.3f} instead of {kept:.3f})" in " ".join(text.split())
    assert found.predicted[0].surprising_low is not None
    assert f"at most {found.predicted[0].surprising_low}, or at least" in text


@pytest.mark.parametrize("name", ["pooled", "robust", "map", "common", "tiers", "belief"])
def test_words_are_those_of_planners(name: str) -> None:
    """Nothing that is printed speaks of laws or mixtures, and nothing is wider than the page."""
    text = show_text(inspect(disease(more=BELIEF), name, "up to date", planned=(24, 40), leave_out=name != "common"))
    assert re.search(r"\b(law|laws|mixture|nan|None|inf)\b", text) is None
    assert max(map(len, text.splitlines())) <= 100


def test_everything_is_json() -> None:
    """The inspection of every kind of prior is plain JSON at full precision."""
    for indication, name in ((disease(), "robust"), (disease(), "map"), (two_diseases(), "baskets")):
        found = inspect(indication, name, "up to date", planned=(12,), leave_out=name == "robust")
        content = plain(found)
        assert json_bytes(content)
        assert content["summary"]["mean"] == found.summary.mean
        assert content["beside"][0]["n"] == 12
        assert content["predicted"][0]["probabilities"] == list(found.predicted[0].probabilities)


def test_quantities_of_a_model_are_printed() -> None:
    """The spread between studies is shown with its median and 95 % interval, words of models explained."""
    found = inspect(disease(), "common", "up to date", leave_out=False)
    assert found.synthesis is not None
    quantiles = found.synthesis.heterogeneity[0].posterior.quantiles
    text = " ".join(show_text(found).split())
    assert f"{quantiles[0]:.1f} to {quantiles[-1]:.1f}" in text
    assert "precision: how many patients one study tells us about another" in text
    assert "tau:" not in text
    assert "tau: standard deviation of log odds between studies" in said("map")


def test_unknown_names_and_sizes() -> None:
    """A mistyped prior has the nearest name; a size must be possible."""
    with pytest.raises(InputError, match="did you mean 'pooled'"):
        inspect(disease(), "poled", "up to date")
    with pytest.raises(InputError, match="1 to 2,000"):
        inspect(disease(), "pooled", "up to date", planned=(24, 0))


def test_the_curve_is_the_density() -> None:
    """Heights are those of the closed form, Beta(26, 70)."""
    found = inspect(disease(), "pooled", "up to date")
    for rate, height in found.density[::40]:
        assert height == pytest.approx(_beta_density(26, 70, rate), rel=1e-10)


def _beta_density(a: int, b: int, rate: float) -> float:
    return (a + b - 1) * comb(a + b - 2, a - 1) * rate ** (a - 1) * (1 - rate) ** (b - 1)
