"""Which numbers are said to be simulated: those with a Monte Carlo error, and no others."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.domain.trial import TrialEvaluation
from anatrial.files import read_scenario
from anatrial.plan.trials import evaluate_trial
from anatrial.report.trial_text import engine_said, trial_text

ROOT = Path(__file__).parents[2] / "scenarios"


@cache
def run() -> tuple[TrialEvaluation, ResolvedTrial[Any]]:
    """A trial one of whose truths is simulated; every number that its targets ask for is exact."""
    used = read_scenario(ROOT / "sjia-hedrich.toml")
    return evaluate_trial(used), used


def protocol(result: TrialEvaluation) -> str:
    """The protocol text in one line, and what comes after it."""
    return " ".join(trial_text(result, run()[1]).split("Protocol text:")[1].split())


def test_numbers_that_are_exact_are_not_said_to_be_simulated() -> None:
    """The head tells the numbers with ± from the others; a protocol that quotes exact numbers alone says so."""
    result, used = run()
    assert engine_said(result) == (
        "Numbers with ± are simulated: 20,000 trials per truth, seed 0; ± is one Monte Carlo standard error; "
        "the others are exact."
    )
    assert "All these probabilities are exact (anatrial" in protocol(result)
    assert "Simulated" not in protocol(result)
    notes = " ".join(trial_text(result, used).split())
    assert notes.count("a standard error of 0.001 takes p (1 - p) / 0.000001 trials: 250,000") == 1


def test_a_protocol_that_quotes_a_simulated_number_says_which() -> None:
    """Of two verdicts, one on a simulated number: that one has the ±. Where all are simulated nothing is exact."""
    result, _ = run()
    drawn = result.of("as-published-rising").metric("power").estimate
    assert drawn.mcse is not None
    one = replace(result.verdicts[0], estimate=drawn)
    said = protocol(replace(result, verdicts=(one, *result.verdicts[1:])))
    assert "Numbers with ± are simulated in 20,000 trials, seed 0, the others exact (anatrial" in said
    assert "Simulated in 20,000 trials, seed 0 (anatrial" in protocol(replace(result, verdicts=(one,)))
    assert engine_said(replace(result, exact=True)) == "Exact."
