"""What a file of a randomised withdrawal may not say."""

from __future__ import annotations

import pytest
from tests.building import HEAD
from tests.unit.test_withdrawal import BODY, scenario

from anatrial.documents.trials import parse_any
from anatrial.errors import InputError

UNCERTAIN = 'metric = "power"\ntruth = "expected"\nat_least = 0.1'
PRIORS = "analysis_prior = { treatment = { a = 1, b = 1 }, control = { a = 1, b = 1 } }"
MARGIN = f'kind = "posterior"\ncertainty = 0.9\nmargin = -0.1\n{PRIORS}'
EQUIVALENCE = f'kind = "equivalence"\ncertainty = 0.5\nlower = -0.2\nupper = 0.2\n{PRIORS}'
CASES = {
    "a minimum nobody reaches": (
        "least_responders = 4",
        "least_responders = 12",
        ("design.least_responders", "12", "at most the 9 patients enrolled", "enrol more, or ask for less"),
    ),
    "a rule for one arm": (
        'kind = "fisher"\nalpha = 0.2',
        'kind = "exact_binomial"\nnull_rate = 0.2\nalpha = 0.2',
        ("rule.kind", "'exact_binomial'", "a rule for two arms", "those who go on against those who stop"),
    ),
    "a margin": (
        'kind = "fisher"\nalpha = 0.2',
        MARGIN,
        (
            "truths.no-effect",
            "another edge, or none",
            "a rule whose edge of no effect is equal rates in both arms",
            "margin 0, or no such truth",
        ),
    ),
    "power of no effect": (
        'truth = "expected"',
        'truth = "no-effect"',
        ("targets 1, metric", "power of a no_effect truth", "a truth of kind points", ""),
    ),
    "an unknown truth": (
        'truth = "expected"',
        'truth = "expectd"',
        ("targets 1, truth", "'expectd'", "a truth of this file", "did you mean 'expected'?"),
    ),
    "a run-in beyond certainty": (
        "run_in = 0.7\nno_flare = { treatment",
        "run_in = 1.7\nno_flare = { treatment",
        ("truths.expected.run_in", "1.7", "less than or equal to 1", ""),
    ),
    "too many enrolled": (
        "enrolled = 9",
        "enrolled = 900",
        ("design.enrolled", "900", "less than or equal to 500", ""),
    ),
    "true successes that nothing tells": (
        UNCERTAIN,
        'metric = "true_success"\ntruth = "uncertain"\nat_least = 0.1',
        (
            "targets 1, metric",
            "true_success",
            "a rule that asks for greater only, and true_effect where it has no edge",
            "ask for assurance",
        ),
    ),
}


@pytest.mark.parametrize(("old", "new", "expected"), CASES.values(), ids=CASES)
def test_faults_are_told(old: str, new: str, expected: tuple[str, str, str, str]) -> None:
    """Each fault is told at its place, with what is expected and how to mend it."""
    body = BODY.replace(old, new)
    if expected[1] == "true_success":
        body = body.replace('kind = "fisher"\nalpha = 0.2', EQUIVALENCE)
    with pytest.raises(InputError) as caught:
        parse_any(HEAD + body, "x.toml")
    told = {fault.where: tuple(fault[1:]) for fault in caught.value.faults}
    assert told[f"x.toml: {expected[0]}"] == expected[1:]


def test_a_prior_of_the_run_in_may_be_on_another_endpoint() -> None:
    """Responders of the run-in are counted on an endpoint of their own; patients without a flare on the trial's."""
    plan = scenario()
    assert plan.endpoint_of("truths.uncertain.run_in") is None
    assert plan.endpoint_of("truths.uncertain.no_flare.control") == "response"
