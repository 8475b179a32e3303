"""The group-sequential rule: regions against hand arithmetic, families, factors, and what does not fit a trial."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError
from scipy.stats import norm
from tests.tolerances import ROUNDING

from anatrial.domain.counts import Look, Region
from anatrial.rules.group_sequential import NAMES, GroupSequential
from anatrial.rules.z_bounds import AnyEfficacy, AnyFutility, FutilityZ, OBrienFleming
from anatrial.spec import specs_in, tags_of

LOOKS = (Look(4, 3), Look(8, 8))
OBF = {"family": "spending_obrien_fleming"}


def rule(
    efficacy: dict[str, Any] | None = None, futility: dict[str, Any] | None = None, **more: Any
) -> GroupSequential:
    """A rule as a file would write it."""
    content = {"kind": "group_sequential", "alpha": 0.025, "efficacy": efficacy or OBF, "futility": futility, **more}
    return TypeAdapter(GroupSequential).validate_python(content, strict=False)


def squared(look: Look, x_t: int, x_c: int) -> Fraction:
    """Pooled z times its own size, as a fraction."""
    n, k = look.n_t + look.n_c, x_t + x_c
    if k in (0, n):
        return Fraction(0)
    difference = Fraction(x_t, look.n_t) - Fraction(x_c, look.n_c)
    pooled = Fraction(k, n)
    variance = pooled * (1 - pooled) * (Fraction(1, look.n_t) + Fraction(1, look.n_c))
    return difference * abs(difference) / variance


def tables(region: Region) -> set[tuple[int, int]]:
    """The tables of a region."""
    return {(run.x_c, x_t) for run in region.runs for x_t in range(run.first, run.last + 1)}


@pytest.mark.parametrize("bounds", [((2.0, 1.5), (0.0,)), ((1.3, 2.0), (-0.5,)), ((1.75, 1.0), (0.75,))])
def test_regions_are_the_tables_beyond_the_bounds(bounds: tuple[tuple[float, ...], tuple[float, ...]]) -> None:
    """Success and futility hold the tables whose z, counted in fractions, is at or beyond the bound; ties included."""
    upper, lower = bounds
    found = rule({"family": "z", "bounds": upper}, {"family": "z", "bounds": lower}).regions(LOOKS)
    for look, regions, high, low in zip(LOOKS, found, upper, (*lower, None), strict=True):
        every = [(x_c, x_t) for x_c in range(look.n_c + 1) for x_t in range(look.n_t + 1)]
        success = {(c, t) for c, t in every if squared(look, t, c) >= Fraction(high) ** 2}
        assert tables(regions.success) == success
        assert regions.harm.runs == ()
        if low is None:
            assert regions.futility is None
            continue
        assert regions.futility is not None
        edge = Fraction(low) * abs(Fraction(low))
        assert tables(regions.futility) == {(c, t) for c, t in every if squared(look, t, c) <= edge}


def test_a_z_at_the_bound_succeeds_and_one_just_below_does_not() -> None:
    """6/8 v 2/8 has z = 2 exactly: it reaches 2, not 2.0000000001, and both are told as ties."""
    for bound, reaches in ((2.0, True), (2.0000000001, False), (1.9999999999, True)):
        region = rule({"family": "z", "bounds": (3.0, bound)}).regions(LOOKS)[1]
        assert ((6, 2) in region.success) is reaches
        assert [(tie.x_t, tie.x_c) for tie in region.ties] == [(6, 2)]
    plain = rule({"family": "z", "bounds": (3.0, 2.1)}, {"family": "z", "bounds": (0.0,)}).regions(LOOKS)
    assert plain[0].ties == ()  # a z of 0 is exact in floats


def test_without_or_with_only_responders_there_is_no_success() -> None:
    """0/n v 0/n and n/n v n/n have z = 0: never a success, and futility where the bound is 0."""
    found = rule({"family": "z", "bounds": (0.1, 0.1)}, {"family": "z", "bounds": (0.0,)}).regions(LOOKS)
    for look, regions in zip(LOOKS, found, strict=True):
        assert (0, 0) not in regions.success
        assert look not in regions.success
    assert found[0].futility is not None
    assert (0, 0) in found[0].futility


def test_information_counts_the_smaller_arm() -> None:
    """The fraction of a look is n_t n_c / (n_t + n_c) over that of the last: here 2/5, not 5/11 of the patients."""
    looks = (Look(30, 20), Look(50, 60))
    fraction = Fraction(30 * 20, 50) / Fraction(50 * 60, 110)
    spent = 2 * norm.sf(norm.isf(0.0125) / float(fraction) ** 0.5)
    assert rule().bounds(looks).spent == pytest.approx((spent, 0.025), abs=1e-10)


def test_levels_of_every_look_follow_the_factor() -> None:
    """A factor multiplies the one-sided level of each look; without it the error used up is alpha."""
    looks = (Look(20, 20), Look(40, 40), Look(60, 60))
    plain, half = rule().bounds(looks), rule(alpha_factor=0.5).bounds(looks)
    assert [2 * level for level in half.levels if level] == pytest.approx(list(plain.levels), rel=1e-9)
    assert plain.spent[-1] == pytest.approx(0.025, abs=1e-10)
    assert half.spent[0] == pytest.approx(plain.spent[0] / 2, rel=1e-9)
    assert 0.0125 < half.spent[-1] < 0.0135
    assert (half.inflation, half.power) == (plain.inflation, 0.8)


def test_looks_that_do_not_stop_have_no_bound_and_no_region() -> None:
    """Efficacy at the end only is the test with one look; futility stops only where it is asked for."""
    looks = (Look(20, 20), Look(40, 40), Look(60, 60))
    spends = {"family": "spending_pocock", "beta": 0.1}
    found = rule(OBF, spends, efficacy_at=(3,), futility_at=(2,))
    bounds = found.bounds(looks)
    assert bounds.efficacy[:2] == (None, None)
    assert bounds.efficacy[2] == pytest.approx(norm.isf(0.025), abs=1e-9)
    assert bounds.futility[0] is None
    assert bounds.futility[1] is not None
    assert bounds.power == 0.9
    first, second, _ = found.regions(looks)
    assert first.success.runs == ()
    assert first.futility is None
    assert second.futility is not None


def test_the_pipeline_is_judged_by_the_bound_that_stopped_the_trial() -> None:
    """With more patients than the look saw, a success is one that reaches that look's bound; other bounds stay."""
    looks = (Look(20, 20), Look(40, 40))
    found = rule()
    z = found.bounds(looks).efficacy[0]
    assert z is not None
    over = Look(25, 24)
    again = found.again(looks, 0, over)
    expected = {
        (c, t) for c in range(25) for t in range(26) if t * 24 > c * 25 and squared(over, t, c) >= Fraction(z) ** 2
    }
    assert tables(again.success) == expected
    assert found.again(looks, 0, looks[1]).success.runs  # all patients in the pipeline: no bound is sought anew


@pytest.mark.parametrize(
    ("content", "place", "text"),
    [
        ({"efficacy": {"family": "z", "bounds": (3.0,)}}, "rule.efficacy.bounds", "2, one for each look"),
        ({"futility": {"family": "z", "bounds": (0.0, 1.0)}}, "rule.futility.bounds", "1, one for each interim look"),
        ({"efficacy": {"family": "z", "bounds": (2.0, 2.0)}}, "rule.efficacy.bounds", "use up 0.03"),
        ({"efficacy": {"family": "z", "bounds": (3.0, 3.0)}}, "rule.efficacy.bounds", "use up 0.002"),
        ({"efficacy_at": (1,)}, "rule.efficacy_at", "end with 2"),
        ({"efficacy_at": (2, 5)}, "rule.efficacy_at", "end with 2"),
        ({"futility": {"family": "z", "bounds": (0.0,)}, "futility_at": (2,)}, "rule.futility_at", "from 1 to 1"),
        ({"futility": {"family": "z", "bounds": (3.5,)}}, "rule", "cross at look 1"),
        ({"efficacy": {"family": "haybittle_peto", "z": 1.5}}, "rule", "use up a type I error"),
        ({"alpha_factor": 30.0}, "rule.alpha_factor", "alpha_factor 30 makes the level"),
        ({"alpha_factor": 19.0, "futility": {"family": "z", "bounds": (2.0,)}}, "rule", "cross at look 1"),
    ],
)
def test_what_does_not_fit_is_told(content: dict[str, Any], place: str, text: str) -> None:
    """Each misfit names its place and what was reached."""
    (fault,) = rule(**content).misfits((Look(20, 20), Look(40, 40)))
    assert fault.where == place
    assert text in str(fault)


@pytest.mark.parametrize(
    "content",
    [
        {"efficacy_at": (2, 1)},
        {"futility_at": (1,)},
        {"alpha_factor": 0.0},
        {"efficacy": {"family": "z", "bounds": ()}},
        {"futility": {"family": "spending_pocock"}},
        {"futility": {"family": "spending_pocock", "beta": 0.5}},
        {"efficacy": {"family": "spending_power", "exponent": 0.0}},
    ],
)
def test_what_no_trial_can_mean_is_refused(content: dict[str, Any]) -> None:
    """Looks out of order, bounds without looks, errors out of range."""
    with pytest.raises(ValidationError):
        rule(**content)


EXTRA: dict[str, dict[str, Any]] = {
    "wang_tsiatis": {"delta": 0.25},
    "hwang_shih_decani": {"gamma": -4.0},
    "spending_power": {"exponent": 2.0},
}


def families(union: Any) -> list[str]:
    """The names of a union's members."""
    return [tags_of(member)[0] for member in specs_in(union)]


@pytest.mark.parametrize("efficacy", families(AnyEfficacy))
@pytest.mark.parametrize("futility", [None, *families(AnyFutility)])
@pytest.mark.parametrize("binding", [False, True])
def test_every_pair_of_families_holds_alpha_and_says_itself(efficacy: str, futility: str | None, binding: bool) -> None:
    """Every efficacy family with every futility family uses up alpha, keeps its bounds apart, and is told in words."""
    looks = (Look(20, 20), Look(30, 30), Look(60, 60))
    drops: dict[str, Any] | None = None
    if futility is not None:
        own = {"bounds": (0.0, 0.5)} if futility == "z" else {"beta": 0.2, **EXTRA.get(futility, {})}
        drops = {"family": futility, "binding": binding, **own}
    own = {"bounds": (3.3, 2.6, 2.03)} if efficacy == "z" else EXTRA.get(efficacy, {})
    asked = rule({"family": efficacy, **own}, drops)
    bounds = asked.bounds(looks)
    if efficacy != "z":
        assert bounds.spent[-1] == pytest.approx(0.025, abs=1e-9)
    for high, low in zip(bounds.efficacy[:-1], bounds.futility[:-1], strict=True):
        assert (low is None) is (futility is None)
        assert low is None or (high is not None and low < high)
    assert bounds.inflation > 1
    assert asked.binding is (binding or futility is None)
    words = asked.said("anakinra", "placebo")
    assert NAMES[efficacy] in words
    assert futility is None or NAMES[futility] in words
    assert np.diff(bounds.spent).min() > -ROUNDING


def test_a_two_sided_test_also_finds_harm() -> None:
    """Two-sided at 5 % the bounds are those that rpact has, and harm is the mirror of success, arm for arm."""
    looks = (Look(12, 12), Look(24, 24), Look(36, 36))
    found = GroupSequential(
        kind="group_sequential", alpha_two_sided=0.05, efficacy=OBrienFleming(family="obrien_fleming")
    )
    z = found.bounds(looks)
    assert z.efficacy == pytest.approx([3.47109144233831, 2.45443229699602, 2.00403557861583], abs=2e-6)
    assert z.inflation == pytest.approx(1.01740622493077, abs=2e-6)
    assert z.spent[-1] == pytest.approx(0.05, abs=1e-9)
    assert z.futility == (None, None, None)
    for regions in found.regions(looks):
        assert tables(regions.harm) == {(x_t, x_c) for x_c, x_t in tables(regions.success)}
        assert regions.futility is None
    halved = found.model_copy(update={"alpha_factor": 0.5}).bounds(looks)
    assert halved.levels == pytest.approx([level and level / 2 for level in z.levels], rel=1e-9)
    assert 0.02 < halved.spent[-1] < 0.03


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"alpha_two_sided": 0.05, "futility": FutilityZ(family="z", bounds=(0.0,))}, "no futility"),
        ({"alpha": 0.5}, "a level below 0.5"),
        ({"alpha": 0.02, "alpha_two_sided": 0.04}, "both"),
        ({}, "neither"),
    ],
)
def test_what_a_level_does_not_go_with(given: dict[str, Any], wanted: str) -> None:
    """Futility is for one-sided tests, a level lies below a half, and there is exactly one."""
    with pytest.raises(ValidationError, match=wanted):
        GroupSequential(kind="group_sequential", efficacy=OBrienFleming(family="obrien_fleming"), **given)


def test_bounds_that_cross_at_the_first_of_three_looks_are_told() -> None:
    """A look that leaves no room is named, also where the next look has no bound to stop at."""
    looks = (Look(20, 20), Look(35, 35), Look(50, 50))
    crossing = rule(efficacy={"family": "pocock"}, futility={"family": "z", "bounds": [2.5, 0.0]})
    assert "cross at look 1" in " ".join(fault.got for fault in crossing.misfits(looks))
    six = tuple(Look(2 * n, n) for n in (10, 20, 30, 40, 50, 60))
    spends = rule(
        efficacy={"family": "wang_tsiatis", "delta": 0.25},
        futility={"family": "spending_pocock", "beta": 0.2, "binding": True},
        efficacy_at=[2, 4, 6],
        futility_at=[1, 3],
    )
    assert list(spends.misfits(six)) == []
    assert spends.bounds(six).spent[-1] == pytest.approx(spends.level, abs=1e-9)


def test_the_alpha_that_written_bounds_use_up_mends_the_file() -> None:
    """High bounds use up very little: the value that the fault names is one that the rule then takes."""
    looks = (Look(20, 20), Look(35, 35), Look(50, 50))
    (fault,) = rule(efficacy={"family": "z", "bounds": [4.0, 4.0, 4.0]}).misfits(looks)
    named = float(fault.fix.removeprefix("alpha = "))
    assert list(rule(alpha=named, efficacy={"family": "z", "bounds": [4.0, 4.0, 4.0]}).misfits(looks)) == []
