"""Paths into recipes of priors: a changed hyperprior or weight, and a study left out."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from tests.tolerances import QUADRATURE, ROUNDING

from anatrial.documents.base import Base
from anatrial.documents.indication import Indication, parse_indication
from anatrial.documents.recipe_paths import recipe_faults, recipe_paths, with_recipe
from anatrial.domain.mixture import BetaMixture
from anatrial.errors import ComputationError, InputError
from anatrial.files.indications import read_indication, shelf
from anatrial.files.scenarios import read_base
from anatrial.methods.exnex import Exnex
from anatrial.plan import special_settings
from anatrial.plan.derive import contributions_of, integrated, without_each_study
from anatrial.plan.special_settings import apply, faults_of_axes, rederived
from anatrial.plan.variants import variant


@cache
def base_of(name: str) -> Base:
    return read_base(name)[0]


@cache
def disease(name: str) -> Indication:
    return read_indication(name)


def edited(indication: str, prior: str, old: str, new: str) -> Indication:
    """An indication from its file, with a piece of text of one recipe replaced."""
    head, mark, rest = (shelf().path / f"{indication}.toml").read_text().partition(f"[priors.{prior}]\n")
    assert mark
    assert old in rest
    return parse_indication(head + mark + rest.replace(old, new, 1), "edited.toml")


def numbers(mixture: BetaMixture) -> list[float]:
    return [number for part in mixture.parts for number in part]


@pytest.mark.parametrize(
    ("name", "field", "value", "old", "new"),
    [
        ("as/placebo-asas20-map", "heterogeneity.scale", 0.3, '_normal", scale = 1.0', '_normal", scale = 0.3'),
        ("as/placebo-asas20-map", "heterogeneity", {"family": "uniform", "upper": 1.0},
         '{ family = "half_normal", scale = 1.0 }', '{ family = "uniform", upper = 1.0 }'),
        ("as/placebo-asas20-map", "mean.sd", 1.0, "{ mean = 0, sd = 2 }", "{ mean = 0, sd = 1.0 }"),
        ("as/placebo-asas20", "discount.weight", 0.5, "weight = 0.08", "weight = 0.5"),
        ("as/anakinra-asas20", "robust.weight", 0.6, "weight = 0.3", "weight = 0.6"),
        ("as/placebo-asas20-elicited", "interval.upper", 0.6, "upper = 0.47", "upper = 0.6"),
    ],
)  # fmt: skip
def test_a_changed_field_is_the_prior_of_the_edited_file(name: str, field: str, value: Any, old: str, new: str) -> None:
    """A path into a recipe gives, bit for bit, the prior that the same change of the file's text gives."""
    indication, _, prior = name.partition("/")
    by_text = integrated(edited(indication, prior, old, new), prior).derived
    changed, by_path = rederived(disease(indication), prior, ((field, value),))
    assert by_path.value().mixture == by_text.value().mixture
    assert by_path.settings == by_text.settings
    assert by_path.origin.input_digest == by_text.origin.input_digest == changed.input_digest(prior)
    assert by_path.value().mixture != integrated(disease(indication), prior).derived.value().mixture


def test_the_weight_of_a_study_that_no_file_writes() -> None:
    """De Benedetti (0 of 5) at weight 0.75 instead of 0.25: 28 of 128 at 0.25 and half of its 5 more, by hand."""
    base = base_of("sjia-next-trial")
    found = integrated(base.indication, "placebo-discounted").derived.contributions
    x, n = next((c.responders, c.n) for c in found if c.study == "debenedetti-2012")
    _, derived = rederived(base.indication, "placebo-discounted", (("weights.debenedetti-2012.weight", 0.75),))
    total_x, total_n = sum(c.responders for c in found), sum(c.n for c in found)
    (part,) = derived.informative
    assert part.a == pytest.approx(1 + 0.25 * total_x + 0.5 * x, rel=ROUNDING)
    assert part.b == pytest.approx(1 + 0.25 * (total_n - total_x) + 0.5 * (n - x), rel=ROUNDING)


@pytest.mark.parametrize(
    ("name", "study"),
    [
        ("sjia/placebo-discounted", "ilowite-2014"),
        ("sjia/placebo-discounted", "quartier-2011"),
        ("sjia/placebo-map", "quartier-2011"),
    ],
)
def test_a_study_left_out_is_the_prior_without_its_counts(name: str, study: str) -> None:
    """``without`` a study equals ``without_each_study``, which drops the counts."""
    indication, _, prior = name.partition("/")
    whole = disease(indication)
    value = rederived(whole, prior, (("without", study),))[1].value()
    assert numbers(value.informative) == pytest.approx(
        numbers(dict(without_each_study(whole, prior))[study]), rel=QUADRATURE
    )
    assert study not in value.studies


@pytest.mark.parametrize("nobody", ["", "none"])
def test_nobody_left_out_is_the_prior_itself(nobody: str) -> None:
    """An axis over studies may hold the file as it is."""
    whole = disease("sjia")
    found = rederived(whole, "placebo-discounted", (("without", nobody),))[1]
    assert found == integrated(whole, "placebo-discounted").derived


def test_a_study_of_another_disease_left_out_is_as_if_its_counts_were_not_there() -> None:
    """Borrowing between diseases: the law of a new trial equals that of a recipe which is given no counts of it."""
    whole = disease("il1-basket")
    recipe = whole.priors["aosd"]
    assert isinstance(recipe, Exnex)
    everything = contributions_of(whole, recipe)
    study = everything[-1].study
    new = with_recipe(whole, "aosd", (("without", study),))
    found = recipe.predicted(contributions_of(new, new.priors["aosd"]))
    expected = recipe.predicted(tuple(c for c in everything if c.study != study))
    assert found.grid == pytest.approx(expected.grid, rel=QUADRATURE, abs=QUADRATURE)
    assert found.values == pytest.approx(expected.values, rel=QUADRATURE, abs=QUADRATURE)


def test_a_left_out_study_stays_out_whatever_its_weight() -> None:
    """A weight and ``without`` of the same study: it is left out, in either order."""
    whole, changes = disease("sjia"), (("without", "ilowite-2014"), ("weights.ilowite-2014.weight", 1.0))
    first = rederived(whole, "placebo-discounted", changes)[1].value()
    second = rederived(whole, "placebo-discounted", changes[::-1])[1].value()
    assert first.mixture == second.mixture
    assert "ilowite-2014" not in first.studies


def test_a_variant_uses_the_changed_recipe() -> None:
    """Every place of the scenario that names the prior gets the changed one, and so does what borrows look at."""
    used = variant(base_of("sjia-next-trial"), (("priors.placebo-discounted.discount.weight", 0.5),))
    priors = dict(used.priors)
    for place in ("rule.analysis_prior.control", "truths.uncertain.control"):
        (part,) = priors[place].informative.parts
        assert (part.a, part.b) == (1 + 0.5 * 28, 1 + 0.5 * 100)
    assert used.indication.input_digest("placebo-discounted") == priors[place].origin.input_digest  # type: ignore[union-attr]


def test_cells_of_one_recipe_share_its_derivation(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand cells of one changed recipe integrate it once."""
    asked: list[str] = []

    def counting(indication: Indication, name: str) -> Any:
        asked.append(name)
        return integrated(indication, name)

    monkeypatch.setattr(special_settings, "integrated", counting)
    base = base_of("sjia-next-trial-map")
    for n in range(10, 30):
        apply(base, (("design.n", n), ("priors.placebo-map.heterogeneity.scale", 0.4321)))
    assert asked == ["placebo-map"]


@pytest.mark.parametrize(
    ("field", "value", "got"),
    [
        ("discount.weight", 2, "2"),
        ("discount.wieght", 0.5, "'priors.placebo-discounted.discount.wieght'"),
        ("weights.nobody-1999.weight", 0.5, "'priors.placebo-discounted.weights.nobody-1999.weight'"),
        ("without", "ilowite", "'ilowite'"),
        ("without", 3, "3"),
        ("outcomes", ["nothing"], "'nothing'"),
        ("outcomes", [], "[]"),
        ("endpoint", "asas20", "'asas20'"),
    ],
)
def test_a_recipe_that_does_not_stand_names_its_setting(field: str, value: Any, got: str) -> None:
    """The fault says the path and the value, and what is wrong with the recipe."""
    with pytest.raises(InputError) as error:
        apply(base_of("sjia-next-trial"), ((f"priors.placebo-discounted.{field}", value),))
    found = error.value.faults[0]
    assert found.where.startswith(f"sjia-next-trial: priors.placebo-discounted.{field} = ")
    assert got in {one.got for one in error.value.faults}


@pytest.mark.parametrize(
    ("path", "fix"),
    [
        ("priors.placebo-discounte.discount.weight", "did you mean 'placebo-discounted'?"),
        ("priors.placebo-discounted.discont.weight", "did you mean 'priors.placebo-discounted.discount.weight'?"),
        ("priors.placebo-discounted", "name one, as in priors.NAME.robust.weight"),
        ("priors", "name one, as in priors.NAME.robust.weight"),
        ("priors.placebo-map.heterogeneity.scale", "those it names are placebo-discounted"),
        ("priors.placebo-map.engine", "PyMC checks a prior when it is derived, and does not change it"),
        ("priors.placebo-map.sampling.seed", "PyMC checks a prior when it is derived, and does not change it"),
    ],
)
def test_paths_into_recipes_that_do_nothing_or_lead_nowhere(path: str, fix: str) -> None:
    """Told before any cell is computed, with what would be right."""
    base = base_of("sjia-next-trial")
    (fault,) = faults_of_axes(base, variant(base, ()).scenario, [path])
    assert fault.fix == fix


def test_a_prior_that_another_axis_names_may_be_changed() -> None:
    """A hyperprior of a prior that only some cells name is no fault where an axis sets that name."""
    base = base_of("sjia-next-trial")
    paths = ["priors.placebo-map.heterogeneity.scale", "rule.analysis_prior.control.prior"]
    assert not faults_of_axes(base, variant(base, ()).scenario, paths)


def test_a_belief_and_a_single_study_leave_nobody_out() -> None:
    """A recipe without studies, or hierarchical with one, has no ``without``."""
    with pytest.raises(InputError, match=r"rests on studies|study that the recipe uses"):
        rederived(disease("as"), "placebo-asas20-elicited", (("without", "tan-2004"),))
    assert "priors.placebo-asas20-elicited.without" not in recipe_paths(disease("as"))


@pytest.mark.parametrize("indication", ["as", "sjia", "il1-basket"])
def test_every_path_into_a_recipe_is_valid(indication: str) -> None:
    """What hints offer stands: no path into a recipe of a shipped indication is refused as unknown."""

    whole = disease(indication)
    found = recipe_paths(whole)
    assert len(found) > 20
    assert not [p for p in found if recipe_faults(p, tuple(p.split(".")), whole) and not p.endswith(".without")]


def test_a_prior_heavier_than_files_can_hold_is_told() -> None:
    """100,000 responders believed in and those counted are more than a shape may be: told, with the limit."""
    base, _ = read_base("sjia-next-trial")
    with pytest.raises(ComputationError, match="more than 100,000 patients"):
        variant(base, (("priors.placebo-discounted.base.a", 1e5),))
