"""Scenarios, rules and truths built in code, for tests that need no files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from anatrial.designs.fixed import ArmSizes
from anatrial.designs.sequential import Sequential
from anatrial.documents.indication import Indication, parse_indication
from anatrial.documents.scenario import ResolvedScenario, parse_scenario, resolve
from anatrial.domain.counts import Look, Regions
from anatrial.domain.mixture import BetaMixture, BetaPart
from anatrial.domain.prior import Prior, PriorRef, written_out
from anatrial.engine.course import Course, trial
from anatrial.rules import AnyRule
from anatrial.rules.base import Rule
from anatrial.rules.boschloo import Boschloo
from anatrial.rules.chi_square import ChiSquare
from anatrial.rules.fisher import Fisher
from anatrial.rules.fisher_midp import FisherMidp
from anatrial.rules.posterior import AnalysisPrior, Criterion, Posterior
from anatrial.rules.z_pooled import ZPooled
from anatrial.rules.z_unpooled import ZUnpooled
from anatrial.truths.base import ArmRates
from anatrial.truths.design_prior import DesignPrior
from anatrial.truths.no_effect import NoEffect
from anatrial.truths.points import Points

INDICATION = """
version = 1
indication = "made-up"
title = "A disease for tests"
studies = []

[endpoints.response]
definition = "Response"
visit = "week 12"
"""

HEAD = """
version = 1
title = "A trial for tests"
question = "Does it hold?"
indication = "made-up"
endpoint = "response"
"""


def cases(file: str, function: str) -> list[Any]:
    """The cases of one function in a file of ``tests/reference``, each a dictionary."""
    content = json.loads((Path(__file__).parent / "reference" / file).read_text())
    return [case for case in content["cases"] if case["function"] == function]


def named(case: dict[str, Any]) -> str:
    """The name of a case, as a test id."""
    return str(case["name"]).replace(" ", "-")


def indication(text: str = INDICATION) -> Indication:
    """An indication from its text."""
    return parse_indication(text, "made-up.toml")


def resolved(body: str) -> ResolvedScenario:
    """A scenario from the part of its file that follows the head; it may name no prior."""
    scenario = parse_scenario(HEAD + body, "made-up.toml")

    def no_names(use: str, ref: PriorRef) -> Prior:
        raise AssertionError(use, ref)

    plan, priors = resolve(scenario, no_names)
    return ResolvedScenario("made-up", scenario, plan, priors, indication(), "nowhere")


def mixture(parts: Sequence[Sequence[float]]) -> BetaMixture:
    """A mixture from rows of weight, a, b."""
    return BetaMixture(tuple(BetaPart(float(w), float(a), float(b)) for w, a, b in parts))


def ref(parts: Sequence[Sequence[float]]) -> PriorRef:
    """A prior that is written out, from rows of weight, a, b."""
    return written_out(mixture(parts))


def posterior(
    treatment: Sequence[Sequence[float]],
    control: Sequence[Sequence[float]] | None,
    certainty: float,
    margin: float = 0.0,
    *,
    relevance: tuple[float, float] | None = None,
    benchmark: float | None = None,
) -> Posterior:
    """The posterior rule; ``relevance`` is (certainty, margin) of its second criterion."""
    return Posterior(
        kind="posterior",
        certainty=certainty,
        margin=margin,
        relevance=None if relevance is None else Criterion(certainty=relevance[0], margin=relevance[1]),
        benchmark=benchmark,
        analysis_prior=AnalysisPrior(treatment=ref(treatment), control=None if control is None else ref(control)),
    )


AnySided = Boschloo | ChiSquare | Fisher | FisherMidp | ZPooled | ZUnpooled
TESTS: dict[str, tuple[type[AnySided], dict[str, Any]]] = {
    "fisher": (Fisher, {"kind": "fisher"}),
    "fisher_doubled": (Fisher, {"kind": "fisher", "two_sided_by": "doubled"}),
    "fisher_midp": (FisherMidp, {"kind": "fisher_midp", "two_sided_by": "doubled"}),
    "fisher_midp_no_more_likely": (FisherMidp, {"kind": "fisher_midp"}),
    "boschloo": (Boschloo, {"kind": "boschloo", "two_sided_by": "no_more_likely"}),
    "boschloo_doubled": (Boschloo, {"kind": "boschloo"}),
    "barnard_z_pooled": (ZPooled, {"kind": "z_pooled"}),
    "barnard_z_pooled_doubled": (ZPooled, {"kind": "z_pooled", "two_sided_by": "doubled"}),
    "barnard_z_unpooled": (ZUnpooled, {"kind": "z_unpooled"}),
    "chi2_uncorrected": (ChiSquare, {"kind": "chi_square"}),
    "chi2_yates": (ChiSquare, {"kind": "chi_square", "continuity": True}),
}
"""Tests of two arms by the names of the reference files."""


def sided(test: str, alpha: float, *, two_sided: bool) -> AnySided:
    """One of ``TESTS`` at a one- or two-sided level."""
    model, given = TESTS[test]
    return model.model_validate({**given, "alpha_two_sided" if two_sided else "alpha": alpha})


def decided(rule: Rule, n_t: int, n_c: int) -> Regions:
    """What a rule decides in a trial with one look."""
    return rule.regions((Look(n_t, n_c),))[0]


def course(rule: AnyRule, *totals: int) -> Course:
    """What a rule decides in a single arm with several looks."""
    looks = tuple(ArmSizes(treatment=n) for n in totals)
    run = trial(rule, Sequential.model_validate({"kind": "sequential", "looks": looks}))
    assert isinstance(run, Course)
    return run


def points(treatment: float, control: float | None = None) -> Points:
    """Known rates."""
    return Points(kind="points", rates=ArmRates(treatment=treatment, control=control))


def drawn(treatment: Sequence[Sequence[float]], control: Sequence[Sequence[float]] | None = None) -> DesignPrior:
    """Rates drawn from priors."""
    return DesignPrior(kind="design_prior", treatment=ref(treatment), control=None if control is None else ref(control))


def null(lowest: float, highest: float) -> NoEffect:
    """No effect, with the control rate in a range."""
    return NoEffect.model_validate({"kind": "no_effect", "control": {"from": lowest, "to": highest}, "why": "a test"})
