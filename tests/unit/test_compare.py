"""Priors beside each other: every row is what deriving that prior alone gives."""

from __future__ import annotations

from fractions import Fraction

import pytest
from tests.prior_building import BELIEF, COUNTS, beta_binomial, disease, two_diseases
from tests.tolerances import ROUNDING

from anatrial.documents.indication import Indication
from anatrial.domain.mixture import BetaMixture
from anatrial.errors import ComputationError, InputError
from anatrial.methods.map import Map
from anatrial.plan.compare import Comparison, Row, compare
from anatrial.plan.derive import integrated
from anatrial.report.machine import json_bytes, plain
from anatrial.report.prior_compare_text import compare_text

USUAL = ["pooled", "power_prior by design tier", "map", "map + 20 % Beta(1, 1)", "beta_binomial"]


def labels(found: Comparison, group: str) -> list[str]:
    """The labels of a group of rows, in order."""
    return [row.label for row in found.rows if row.group == group]


def row(found: Comparison, label: str) -> Row:
    """The first row with this label that is not a named prior."""
    return next(r for r in found.rows if r.label == label and r.group != "named")


def mixture(indication: Indication, name: str) -> BetaMixture:
    """The prior derived alone."""
    return integrated(indication, name).value().mixture


def test_one_prior_stands_beside_the_usual_methods_and_without_each_study() -> None:
    """One name gives the usual methods on its outcomes and each study left out, in a fixed order."""
    found = compare(disease(), ("map",), 24)
    assert labels(found, "named") == ["map"]
    assert labels(found, "usual") == USUAL
    assert labels(found, "without") == ["Old 2001", "Mid 2001", "New 2001"]


def test_every_row_equals_its_direct_derivation() -> None:
    """The usual methods are those of recipes with the same outcomes and no settings; the named ones are themselves."""
    found, there = compare(disease(), ("pooled",), 24), disease()
    assert found.rows[0].mixture == mixture(there, "pooled") == row(found, "pooled").mixture
    assert row(found, "map").mixture == mixture(there, "map")
    assert row(found, "beta_binomial").mixture == mixture(there, "common")
    plain_map, robust = mixture(there, "map"), row(found, "map + 20 % Beta(1, 1)").mixture
    assert robust is not None
    assert [p.weight for p in robust.parts] == pytest.approx([0.8 * p.weight for p in plain_map.parts] + [0.2])
    assert [p[1:] for p in robust.parts] == [*(p[1:] for p in plain_map.parts), (1, 1)]


def test_tiers_and_counts_against_fractions() -> None:
    """By design tier, double-blind trials count 0.5 and the open one 0.4; pooled, each in full."""
    found = compare(disease(), ("pooled",), 24)
    tiers = row(found, "power_prior by design tier").mixture
    weights = {"old": Fraction(1, 2), "mid": Fraction(2, 5), "new": Fraction(1, 2)}
    a = 1 + sum(w * COUNTS[s][0] for s, w in weights.items())
    b = 1 + sum(w * (COUNTS[s][1] - COUNTS[s][0]) for s, w in weights.items())
    assert tiers is not None
    assert list(tiers.parts[0]) == pytest.approx([1.0, float(a), float(b)], rel=ROUNDING)
    pooled, chances = row(found, "pooled"), beta_binomial(26, 70, 24)
    sums = [sum(chances[: x + 1]) for x in range(25)]
    assert pooled.low == next(x for x, p in enumerate(sums) if p >= Fraction(25, 1000))
    assert pooled.high == next(x for x, p in enumerate(sums) if p >= Fraction(975, 1000))
    assert pooled.summary is not None
    assert pooled.summary.mean == pytest.approx(26 / 96, rel=ROUNDING)
    assert pooled.elir is not None
    assert pooled.elir.value == pytest.approx(96, rel=ROUNDING)


def test_weights_of_studies_are_kept() -> None:
    """A study that the named recipe weighs at 0.2 counts so under the other methods too."""
    pooled = row(compare(disease(), ("tiers",), 24), "pooled").mixture
    assert pooled is not None
    assert pooled.parts[0][1:] == pytest.approx((1 + 0.2 * 10 + 6 + 9, 1 + 0.2 * 30 + 24 + 15), rel=ROUNDING)


def test_the_robust_part_of_the_recipe_is_used() -> None:
    """Where the recipe has a robust part, it is the one that the meta-analysis gets."""
    assert "map + 25 % Beta(1, 1)" in labels(compare(disease(), ("robust",), 24), "usual")


def test_several_priors_need_no_usual_methods() -> None:
    """Several names are set beside each other; the first alone is taken apart."""
    found = compare(disease(more=BELIEF), ("robust", "belief"), 24)
    assert labels(found, "named") == ["robust", "belief"]
    assert labels(found, "usual") == []
    assert labels(found, "without") == ["Old 2001", "Mid 2001", "New 2001"]


def test_a_belief_rests_on_no_study() -> None:
    """An elicited prior has no outcomes for another method: its row alone, and a note."""
    found = compare(disease(more=BELIEF), ("belief",), 24)
    assert [r.label for r in found.rows] == ["belief"]
    assert "rests on no study" in compare_text(found)
    assert "- belief: no ELIR: a shape below 1" in compare_text(found)


def test_baskets_are_compared_on_the_target() -> None:
    """Of several diseases the other methods see the target's own studies, and that is said."""
    found = compare(two_diseases(), ("baskets",), 24)
    pooled = row(found, "pooled").mixture
    assert pooled is not None
    assert pooled.parts == ((1.0, 1 + 10 + 9, 1 + 30 + 15),)
    assert "see the studies of made-up alone" in compare_text(found)
    assert len(labels(found, "without")) == 4


def test_what_cannot_be_computed_has_its_reason_in_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """A method that fails for these outcomes leaves the others standing, its own row included where it is named."""

    def never(*_: object) -> BetaMixture:
        raise ComputationError("no closed form fits")

    monkeypatch.setattr(Map, "closed_form", never)
    found = compare(disease(), ("pooled",), 24)
    assert labels(found, "usual") == ["pooled", "power_prior by design tier", "map", "beta_binomial"]
    assert row(found, "map").why_not == "no closed form fits"
    assert row(found, "map").mixture is None
    assert "- map: no closed form fits" in compare_text(found)
    named = compare(disease(), ("map", "pooled"), 24)
    assert [(r.label, r.why_not) for r in named.rows] == [("map", "no closed form fits"), ("pooled", "")]
    assert json_bytes(plain(named))


def test_endpoints_that_differ_are_said() -> None:
    """Priors of two endpoints are compared, and the difference is said."""
    text = '\n[priors.two]\ntitle = "t"\nendpoint = "remission"\nmethod = "elicited"\nwhy = "w"\nmean = 0.2\n'
    more = f'{text}effective_n = 5\n[endpoints.remission]\ndefinition = "Remission"\nvisit = "week 12"\n'
    found = compare(disease(more=more), ("pooled", "two"), 24)
    assert found.notes == ("endpoints differ: pooled counts response, two counts remission",)


def test_unknown_names_and_sizes() -> None:
    """A mistyped name has the nearest one; a size must be possible; a name twice is one row."""
    with pytest.raises(InputError, match="did you mean 'pooled'"):
        compare(disease(), ("map", "poled"), 24)
    with pytest.raises(InputError, match="1 to 2,000"):
        compare(disease(), ("pooled",), 0)
    assert labels(compare(disease(), ("pooled", "pooled"), 24), "named") == ["pooled"]


def test_a_study_that_counts_nothing() -> None:
    """Where the only study has weight 0 the named prior is its base, and no other method has anything to go by."""
    text = '[priors.none]\ntitle = "t"\nendpoint = "response"\nmethod = "pooled"\noutcomes = ["old-1"]\n'
    more = f'{text}[priors.none.weights.old]\nweight = 0.0\nwhy = "w"\n'
    found = compare(disease(more=more), ("none",), 24)
    assert found.rows[0].mixture == BetaMixture.beta(1, 1)
    assert {r.why_not for r in found.rows if r.group == "usual"} == {"no study counts: each has weight 0"}
    assert labels(found, "without") == []


def test_the_text_is_a_table() -> None:
    """One line per row, groups above them, nothing wider than the page."""
    found = compare(disease(), ("robust",), 24)
    text = compare_text(found)
    assert max(map(len, text.splitlines())) <= 100
    assert "default settings, no robust part unless said" in text
    assert "robust without one study" in text
    for r in found.rows:
        assert r.summary is not None
        assert f"{r.summary.mean:.3f}" in text
    assert "law" not in text
