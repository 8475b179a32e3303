"""Three outcomes: what holds where go and no-go both do, where type I error is taken, and what is refused."""

from __future__ import annotations

import re
from fractions import Fraction
from math import comb
from typing import Any

import numpy as np
import pytest
from tests.building import HEAD, decided, ref, resolved
from tests.tolerances import ROUNDING

from anatrial.documents.scenario import parse_scenario
from anatrial.domain.counts import Look
from anatrial.errors import InputError
from anatrial.plan.evaluate import evaluate
from anatrial.rules.criteria import Criteria, SidedCriterion
from anatrial.rules.go_no_go import GoNoGo
from anatrial.rules.posterior import AnalysisPrior

Told = tuple[str, str, float, float]
"""Direction, scale, threshold, certainty."""
UNIFORM = [(1.0, 1.0, 1.0)]
BETTER: Told = ("greater", "difference", 0.0, 0.9)
SHORT: Told = ("less", "difference", 0.25, 0.7)


def criterion(told: Told) -> SidedCriterion:
    """A criterion from direction, scale, threshold and certainty."""
    return SidedCriterion.model_validate(dict(zip(("direction", "scale", "threshold", "certainty"), told, strict=True)))


def rule(go: list[Told], no_go: list[Told], overlap: Any = "no_go", *, single: bool = False, **more: Any) -> GoNoGo:
    """The rule with uniform priors."""
    priors = AnalysisPrior(treatment=ref(UNIFORM), control=None if single else ref(UNIFORM))
    given = {"kind": "go_no_go", "overlap": overlap, "analysis_prior": priors, **more}
    return GoNoGo.model_validate({**given, "go": tuple(map(criterion, go)), "no_go": tuple(map(criterion, no_go))})


def criteria(*told: Told) -> Criteria:
    """The same criteria as a rule of their own."""
    priors = AnalysisPrior(treatment=ref(UNIFORM), control=ref(UNIFORM))
    return Criteria(kind="criteria", criteria=tuple(map(criterion, told)), null=0.0, analysis_prior=priors)


@pytest.mark.parametrize("overlap", ["no_go", "consider"])
def test_both_lists_are_met_and_settled_as_said(overlap: str) -> None:
    """Go is lost where both hold; no-go keeps those tables or gives them to consider; the overlap names them."""
    found = decided(rule([BETTER], [SHORT], overlap), 60, 40)
    go, no_go = (decided(criteria(told), 60, 40).success.grid for told in (BETTER, SHORT))
    both = go & no_go
    assert found.futility is not None
    assert found.overlap is not None
    assert both.any()
    assert (found.overlap.grid == both).all()
    assert (found.success.grid == (go & ~both)).all()
    assert (found.futility.grid == (no_go if overlap == "no_go" else no_go & ~both)).all()
    assert not (found.success.grid & found.futility.grid).any()
    assert not found.harm.runs


def test_every_criterion_of_a_list_must_hold() -> None:
    """Go with two criteria is where both do, and so is no-go."""
    go: list[Told] = [BETTER, ("greater", "log_odds", 0.5, 0.6)]
    no_go: list[Told] = [SHORT, ("less", "difference", 0.1, 0.6)]
    found = decided(rule(go, no_go, "consider"), 30, 20)
    wins, stops = (decided(criteria(*told), 30, 20).success.grid for told in (go, no_go))
    assert found.futility is not None
    assert (found.success.grid == (wins & ~stops)).all()
    assert (found.futility.grid == (stops & ~wins)).all()


def test_an_overlap_that_must_not_be_is_refused_with_its_first_table() -> None:
    """With ``error`` no table may meet both lists: the first is named, in the order of treatment counts."""
    look = Look(60, 40)
    go, no_go = (decided(criteria(told), *look).success.grid for told in (BETTER, SHORT))
    (x_t, x_c), tables = np.argwhere(go & no_go)[0], int((go & no_go).sum())
    with pytest.raises(InputError) as caught:
        rule([BETTER], [SHORT], "error").regions((look,))
    (fault,) = caught.value.faults
    assert fault.where == "rule.overlap"
    assert fault.got == f"{x_t} of 60 v {x_c} of 40 is go and no-go, as are {tables - 1} more"
    apart: Told = ("less", "difference", 0.0, 0.5)
    found = decided(rule([BETTER], [apart], "error"), *look)
    assert found.overlap is not None
    assert not found.overlap.runs
    with pytest.raises(InputError, match="12 of 20 is go and no-go\n"):
        rule([("greater", "rate", 0.5, 0.8)], [("less", "rate", 0.75, 0.9)], "error", single=True).regions(
            (Look(20, 0),)
        )


def test_a_single_arm_by_counting() -> None:
    """Of 20 patients each count is go, no-go or neither by a binomial tail in fractions; the chances sum to 1."""
    go: list[Told] = [("greater", "rate", 0.3, 0.9)]
    no_go: list[Told] = [("less", "rate", 0.5, 0.8)]
    wins, stops, rate = set(), set(), Fraction(2, 5)
    for x in range(21):
        above = {
            level: sum(comb(21, k) * level**k * (1 - level) ** (21 - k) for k in range(x + 1))
            for level in (Fraction(3, 10), Fraction(1, 2))
        }
        wins |= {x} if above[Fraction(3, 10)] > Fraction(9, 10) else set()
        stops |= {x} if 1 - above[Fraction(1, 2)] > Fraction(4, 5) else set()
    law = [comb(20, x) * rate**x * (1 - rate) ** (20 - x) for x in range(21)]
    result = evaluate(resolved(body(go, no_go, "consider", single=True)))
    found = {name: result.of("a").metric(name).estimate.value for name in ("power", "no_go", "consider", "overlap")}
    sums = {
        "power": sum(law[x] for x in wins - stops),
        "no_go": sum(law[x] for x in stops - wins),
        "consider": sum(law[x] for x in set(range(21)) - (wins ^ stops)),
        "overlap": sum(law[x] for x in wins & stops),
    }
    assert found == pytest.approx({name: float(value) for name, value in sums.items()}, rel=1e-11, abs=ROUNDING)
    assert found["power"] + found["no_go"] + found["consider"] == pytest.approx(1, abs=ROUNDING)


@pytest.mark.parametrize(
    ("go", "null", "edge", "one_way"),
    [
        ([BETTER], None, 0.0, True),
        ([BETTER, ("greater", "difference", 0.1, 0.5)], None, None, True),
        ([BETTER, ("greater", "difference", 0.1, 0.5)], 0.0, 0.0, True),
        ([("less", "difference", 0.0, 0.9)], None, 0.0, False),
    ],
)
def test_type_one_error_is_that_of_go(go: list[Told], null: float | None, edge: float | None, one_way: bool) -> None:
    """The edge of no effect is stated, or the only one of the go criteria; those of no-go do not count."""
    found = rule(go, [SHORT], null=null)
    assert (found.edge, found.one_way, found.null_margin) == (edge, one_way, edge or 0.0)
    assert found.null_margins == (edge or 0.0,)
    assert found.fixed_benchmark is None
    assert found.three_way
    assert rule([("greater", "rate", 0.3, 0.9)], [SHORT], single=True).fixed_benchmark == 0.3


def body(go: list[Told], no_go: list[Told], overlap: str = "no_go", *, single: bool = False, control: str = "") -> str:
    """A scenario of 20 v 20, or of 20, with these lists."""
    rows = [
        ", ".join(f'{{ direction = "{d}", scale = "{s}", threshold = {t!r}, certainty = {c} }}' for d, s, t, c in told)
        for told in (go, no_go)
    ]
    prior = control or ("" if single else ", control = { a = 1, b = 1 }")
    return f"""
    design = {{ kind = "fixed", n = {{ treatment = 20{"" if single else ", control = 20"} }} }}
    targets = [{{ metric = "no_go", truth = "a", at_least = 0.0 }}]
    [rule]
    kind = "go_no_go"
    go = [{rows[0]}]
    no_go = [{rows[1]}]
    overlap = "{overlap}"
    analysis_prior = {{ treatment = {{ a = 1, b = 1 }}{prior} }}
    [truths]
    a = {{ kind = "points", rates = {{ treatment = 0.4{"" if single else ", control = 0.4"} }} }}
    """


RATE: Told = ("greater", "rate", 0.3, 0.9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (body([RATE], [SHORT]), r"rule\.go 1, scale.*'rate'.*one of difference"),
        (body([BETTER], [SHORT, RATE]), r"rule\.no_go 2, scale.*'rate'.*one of difference"),
        (body([RATE], [SHORT], single=True), r"rule\.no_go 1, scale.*'difference'.*'rate'"),
        (body([RATE], [RATE], single=True, control=", control = { a = 1, b = 1 }"), "no control prior in a single-arm"),
        (body([BETTER], [SHORT]).replace(", control = { a = 1, b = 1 }", ""), "a prior for the control rate"),
        (body([BETTER], [SHORT]).replace('overlap = "no_go"', "null = 0.3\noverlap = 'no_go'"), r"rule\.null.*may all"),
        (body([BETTER], [SHORT], "both"), r"rule\.overlap.*'both'.*one of no_go, consider, error"),
        (body([BETTER], [SHORT]).replace('overlap = "no_go"', ""), r"rule\.overlap.*nothing"),
    ],
)
def test_what_does_not_fit_is_refused(text: str, message: str) -> None:
    """Scales and priors of another number of arms, a null where go is right, and an overlap left open."""
    with pytest.raises(InputError) as caught:
        parse_scenario(HEAD + text, "made-up.toml")
    assert re.search(message, " ".join(str(caught.value).split()))


@pytest.mark.parametrize(
    ("overlap", "last"),
    [
        ("no_go", "Where both hold, it is a no-go; elsewhere consider."),
        ("consider", "Elsewhere, and where both hold, consider."),
        ("error", "Elsewhere consider."),
    ],
)
def test_the_rule_in_words(overlap: str, last: str) -> None:
    """Go, no-go, and what holds elsewhere."""
    assert rule([BETTER], [SHORT], overlap).said("drug", "placebo") == (
        "Success if P(drug rate > placebo rate | data) > 0.9 (go). "
        f"No-go if P(drug rate <= placebo rate + 0.25 | data) > 0.7. {last}"
    )


def test_ties_of_both_lists_are_reported() -> None:
    """Equal counts are sure to exactly one half, in go and in no-go alike: neither holds, and both are told."""
    found = decided(rule([("greater", "difference", 0.0, 0.5)], [("less", "difference", 0.0, 0.5)], "error"), 3, 3)
    assert [(tie.x_t, tie.x_c) for tie in found.ties] == [(x, x) for x in range(4)] * 2
    assert found.futility is not None
    assert not any((x, x) in region for x in range(4) for region in (found.success, found.futility))
