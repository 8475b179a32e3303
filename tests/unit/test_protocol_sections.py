"""The protocol text speaks of the trial that will happen: a sentence per section of the file, no false promise."""

from __future__ import annotations

from pathlib import Path

import pytest

from anatrial.documents.scenario import counts_trial
from anatrial.domain.results import Evaluation
from anatrial.files import read_scenario
from anatrial.plan.evaluate import evaluate
from anatrial.report.numbers import percent
from anatrial.report.protocol import protocol_text
from anatrial.report.protocol_sections import share
from anatrial.report.run_text import run_text

SCENARIOS = Path(__file__).parents[2] / "scenarios"


def told(name: str) -> tuple[Evaluation, str, str]:
    """The run of a shipped scenario, its protocol text, and all that is printed."""
    used = counts_trial(read_scenario(SCENARIOS / f"{name}.toml"), "run")
    found = evaluate(used)
    return found, protocol_text(found, used), run_text(found, used)


def value(found: Evaluation, truth: str, metric: str) -> str:
    """A number of the run as the protocol says it."""
    return percent(round(found.of(truth).metric(metric).estimate.value, 3))


def test_drop_outs_that_leave() -> None:
    """Power with random numbers stands beside the power at exactly the plan."""
    found, text, _ = told("as-completers-only")
    assert f"summed over them the power is {value(found, 'hoped', 'power_random_n')} under hoped." in text


def test_stops_for_safety() -> None:
    """Success without a safety stop, and the chance of one, under every truth whose event rates are stated."""
    found, text, _ = told("sjia-safety")
    assert "The trial may stop for macrophage activation or bacterial infection: the chance of success without" in text
    for truth in ("expected", "harmful"):
        assert f"{value(found, truth, 'safe_success')} under {truth}" in text
        assert f"{value(found, truth, 'safety_stop')} under {truth}" in text


def test_recruitment() -> None:
    """81 planned and 12 seen: the protocol does not promise the power of the 81 alone."""
    found, text, _ = told("sjia-anastills-recruitment")
    assert "All patients are recruited in time with probability less than 0.1 %; with those who come, the power" in text
    assert f"the power is {value(found, 'expected', 'power_recruited')} under expected" in text
    assert f"the assurance is {value(found, 'uncertain', 'assurance_recruited')} under uncertain" in text


def test_switch_and_estimand() -> None:
    """Who may switch, how surely enough do, and what is estimated."""
    found, text, _ = told("sjia-anajis-switch")
    assert "After month 1 everyone on placebo may switch to anakinra" in text
    assert f"At least 8 patients switch with probability {value(found, 'expected', 'enough_switched')} under" in text
    assert text.count("The estimand: modified ACRpedi30 response at month 1") == 1


def test_no_section_no_sentence() -> None:
    """A plain trial says what it said before."""
    _, text, _ = told("anajis")
    assert not any(word in text for word in ("estimand", "recruited", "switch", "may stop for", "random"))


def test_a_prior_that_no_study_supports_is_not_what_is_known() -> None:
    """The single case that counts for nothing: the average over a flat prior is called what it is."""
    _, text, _ = told("ra-rau")
    assert "Averaged over what is known" not in text
    assert (
        "Averaged over a design prior that rests on no study (ra/erosion-healing), the chance of success is 82.9 %: "
        in text
    )
    assert "Averaged over what is known of the rates, the chance" in told("as-single-arm")[1]


def test_the_reason_of_each_truth_is_printed() -> None:
    """What a file says why it assumes something is in the output."""
    _, _, printed = told("ra-rau")
    assert "Why each truth\n  no-effect  up to the benchmark nothing is gained\n" in printed


@pytest.mark.parametrize(
    ("chance", "said"), [(0.0, "0 %"), (1e-9, "less than 0.1 %"), (0.8561, "85.6 %"), (1.0, "100 %")]
)
def test_chances_as_percentages(chance: float, said: str) -> None:
    """One decimal; what is possible is never printed as nothing."""
    assert share(chance) == said
