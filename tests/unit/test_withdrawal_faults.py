"""What a file of a randomised withdrawal may not say."""

from __future__ import annotations

import pytest
from tests.building import HEAD
from tests.unit.test_withdrawal import BODY, run, scenario, value

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


def test_a_truth_may_be_called_like_a_column() -> None:
    """Every column of a table has a key of its own, whatever the truths are called: JSON and pictures go by keys."""
    for name in ("enrolled", "randomised", "at-most", "type-i-error"):
        for table in run(BODY.replace("[truths.expected", f"[truths.{name}").replace('"expected"', f'"{name}"')).tables:
            keys = [column.key for column in table.columns]
            assert len(set(keys)) == len(keys)


HUMPS = """
[truths.humps]
kind = "design_prior"
run_in = { parts = [{ weight = 0.5, a = 0.001, b = 1e5 }, { weight = 0.5, a = 1e5, b = 0.001 }] }

[truths.humps.no_flare]
treatment = { a = 3, b = 1 }
control = { a = 2, b = 3 }

[[targets]]
metric = "assurance"
truth = "humps"
at_least = 0.1
"""


def test_a_run_in_that_nearly_all_or_nearly_nobody_responds_to() -> None:
    """The numbers of the table may all occur, also where a quantile falls between two humps of the prior."""
    body = BODY[: BODY.index("[truths")].replace("enrolled = 9", "enrolled = 12") + HUMPS
    table = next(table for table in run(body).tables if table.name == "by_randomised")
    numbers = [cell for cell in table.column("randomised") if isinstance(cell, int)]
    assert (min(numbers), max(numbers)) == (0, 12)


def test_what_is_certain_has_probability_one() -> None:
    """Where too few respond for certain the chance of it is 1, not the rounding of a sum above it."""
    body = BODY.replace("enrolled = 9", "enrolled = 3").replace("least_responders = 4", "least_responders = 3")
    found = run(body.replace("run_in = 0.7", "run_in = 0.2"))
    table = next(table for table in found.tables if table.name == "by_randomised")
    assert all(isinstance(cell, float) and cell <= 1 for cell in table.column("at_most"))
    assert 0 < value(found, "expected", "too_few") <= 1
