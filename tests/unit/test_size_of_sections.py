"""Sizes searched by numbers that further sections of a file tell."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from anatrial import read_scenario, size
from anatrial.documents.scenario import ResolvedScenario, counts_trial
from anatrial.plan.evaluate import evaluate

CASES = [
    ("as-completers-only", "power_random_n"),
    ("as-safety", "safe_success"),
    ("sjia-anajis-switch", "enough_switched"),
    ("sjia-anastills-recruitment", "reached"),
]


def asked(name: str, metric: str, n: int) -> ResolvedScenario:
    """A shipped scenario with one target, on a number of one of its sections, and two sizes to search."""
    used = counts_trial(read_scenario(name), "size")
    plan = used.resolved
    truth = next(each for each, found in plan.truths.items() if found.kind == "points")
    target = plan.targets[0].model_copy(update={"metric": metric, "truth": truth, "at_least": 0.5, "at_most": None})
    sizes = type(plan).model_fields["size"].annotation
    assert sizes is not None
    span = sizes.__args__[0].model_validate({"per_arm": {"from": n, "to": n + 4}})
    return replace(used, resolved=plan.model_copy(update={"targets": (target,), "size": span}))


@pytest.mark.parametrize(("name", "metric"), CASES)
def test_a_size_tells_what_a_run_of_that_size_tells(name: str, metric: str) -> None:
    """Every point of the search is the number of a run whose design has that size."""
    used = asked(name, metric, 8)
    for point in size(used).points[::2]:
        design = used.resolved.design.resized(point.n, Fraction(1))
        run = evaluate(replace(used, resolved=used.resolved.model_copy(update={"design": design})))
        assert run.of(used.resolved.targets[0].truth).metric(metric).estimate == point.estimates[0]
