"""What a file may not say of safety: boundaries of no use, checks out of order, rates that do not fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from anatrial.documents.trials import parse_any
from anatrial.errors import InputError

ROOT = Path(__file__).parents[2] / "scenarios"


def told(name: str, old: str, new: str) -> list[str]:
    """Every fault of a shipped scenario after one change."""
    text = (ROOT / f"{name}.toml").read_text()
    assert old in text
    with pytest.raises(InputError) as found:
        parse_any(text.replace(old, new), "f")
    return [str(fault) for fault in found.value.faults]


POSTERIOR = 'stop = { kind = "posterior", limit = 0.15, certainty = 0.90, prior = { mean = 0.10, effective_n = 2 } }'
STEPS = "{ events = 3, patients = 10 }, { events = 4, patients = 20 }, { events = 5, patients = 30 }"


def test_a_boundary_that_no_count_meets_is_refused() -> None:
    """Checked once, after one child, not even 1 of 1 makes the rate probably above 90 %."""
    new = 'checks = "stated"\nat = [1]\n' + POSTERIOR.replace("limit = 0.15", "limit = 0.9").replace("0.90,", "0.99,")
    assert told("sjia-safety", POSTERIOR, new) == [
        (
            "f: safety.events 1, stop\n"
            "  got       no number of events stops the trial (P(rate > 0.9 | data) > 0.99)\n"
            "  expected  a boundary that can be met\n"
            "  fix       ask for fewer events, a lower certainty or limit, or check later"
        )
    ]


def test_a_boundary_that_every_count_meets_is_refused() -> None:
    """Where the prior is sure already, one child without an event would stop the trial."""
    new = POSTERIOR.replace("mean = 0.10, effective_n = 2", "mean = 0.50, effective_n = 40")
    assert told("sjia-safety", POSTERIOR, new) == [
        (
            "f: safety.events 1, stop\n"
            "  got       0 of 1 stops the trial (P(rate > 0.15 | data) > 0.9)\n"
            "  expected  a boundary that asks for events\n"
            "  fix       a higher certainty or limit, or another prior"
        )
    ]


def test_counts_that_cannot_be_reached_are_refused() -> None:
    """Four events cannot be among the first three patients."""
    assert told("sjia-safety", STEPS, "{ events = 4, patients = 3 }") == [
        (
            "f: safety.events 2, stop\n"
            "  got       no number of events stops the trial (4 of the first 3 treatment patients have it)\n"
            "  expected  a boundary that can be met\n"
            "  fix       ask for fewer events, a lower certainty or limit, or check later"
        )
    ]


def test_steps_must_rise() -> None:
    """A later step with as many events would never matter."""
    assert told("sjia-safety", STEPS, "{ events = 4, patients = 10 }, { events = 4, patients = 20 }") == [
        (
            "f: safety.events 2, stop\n"
            "  got       4 of 10, 4 of 20\n"
            "  expected  steps that rise, in events and in patients\n"
            "  fix       of two steps the one with fewer events comes first"
        )
    ]


@pytest.mark.parametrize(
    ("new", "message"),
    [
        (
            'checks = "stated"',
            (
                "f: safety.events 2\n"
                "  got       checks = 'stated' without at\n"
                '  expected  checks = "stated" with at = [patients, ...], or neither'
            ),
        ),
        (
            'checks = "stated"\nat = [10, 10]',
            "f: safety.events 2, at\n  got       10, 10\n  expected  numbers of patients that rise",
        ),
        (
            'checks = "stated"\nat = [10, 31]',
            "f: safety.events 2, at\n  got       31\n  expected  at most the 30 treatment patients of the trial",
        ),
        (
            'checks = "stated"\nat = [0, 10]',
            "f: safety.events 2, at 1\n  got       0\n  expected  greater than or equal to 1",
        ),
    ],
)
def test_checks_must_fit_the_trial(new: str, message: str) -> None:
    """Stated numbers of patients that rise and that the trial reaches."""
    assert told(
        "sjia-safety", '[[safety.events]]\nname = "bacterial', f'[[safety.events]]\n{new}\nname = "bacterial'
    ) == [message]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "[safety.rates.uncertain]",
            "[safety.rates.uncertian]",
            (
                "f: safety.rates.uncertian\n"
                "  got       'uncertian'\n"
                "  expected  a truth of this file\n"
                "  fix       did you mean 'uncertain'?"
            ),
        ),
        (
            "bacterial-infection = { treatment = 0.043 }\n\n[safety.rates.harmful]",
            "\n[safety.rates.harmful]",
            (
                "f: safety.rates.expected\n"
                "  got       no rates of 'bacterial-infection'\n"
                "  expected  rates of every event\n"
                "  fix       bacterial-infection = { treatment = ... }"
            ),
        ),
        (
            "macrophage-activation = { treatment = 0.33 }",
            "macrophage-activation = { treatment = 0.33, control = 0.1 }",
            (
                "f: safety.rates.harmful.macrophage-activation\n"
                "  got       a control rate\n"
                "  expected  no control rate in a single-arm trial"
            ),
        ),
        (
            "macrophage-activation = { treatment = 0.33 }",
            "macrophage-activation = { treatment = 1.33 }",
            (
                "f: safety.rates.harmful.macrophage-activation.treatment\n"
                "  got       1.33\n"
                "  expected  less than or equal to 1"
            ),
        ),
        (
            "macrophage-activation = { treatment = 0.33 }",
            "macrophage-activation = { treatment = 0.33 }\nfever = { treatment = 0.1 }",
            (
                "f: safety.rates.harmful.fever\n"
                "  got       'fever'\n"
                "  expected  an event of this file\n"
                "  fix       valid: bacterial-infection, macrophage-activation"
            ),
        ),
    ],
)
def test_rates_must_fit_the_truths_and_the_events(old: str, new: str, message: str) -> None:
    """Rates of every event, under truths of the file, for the arms of the trial, each a rate."""
    assert message in told("sjia-safety", old, new)


def test_two_events_need_two_names() -> None:
    """The rates are given by name."""
    found = told("sjia-safety", 'name = "bacterial-infection"', 'name = "macrophage-activation"')
    assert "f: safety.events 2, name\n  got       'macrophage-activation'\n  expected  a name of its own" in found


def test_a_two_arm_trial_needs_control_rates() -> None:
    """The events expected on control need their rate."""
    old = "serious-infection = { treatment = 0.02, control = 0.01 }"
    place = "f: safety.rates.expected.serious-infection"
    message = f"{place}\n  got       no control rate\n  expected  a control rate"
    assert told("as-safety", old, "serious-infection = { treatment = 0.02 }") == [message]


def test_a_target_on_safety_needs_rates_under_its_truth() -> None:
    """Without rates of the events nothing can be said of the truth."""
    rates = "macrophage-activation = { treatment = 0.09 }\nbacterial-infection = { treatment = 0.043 }"
    old = f"[safety.rates.uncertain]\n{rates}\n"
    text = (ROOT / "sjia-safety.toml").read_text().replace(old, "")
    with pytest.raises(InputError) as found:
        parse_any(text.replace('truth = "harmful"', 'truth = "uncertain"'), "f")
    assert [str(fault) for fault in found.value.faults] == [
        (
            "f: targets 3, truth\n"
            "  got       'uncertain'\n"
            "  expected  rates of the events under it: [safety.rates.uncertain]\n"
            "  fix       valid: expected, harmful"
        )
    ]


def test_a_target_on_safety_needs_the_section() -> None:
    """A file that names no events cannot promise anything of them."""
    found = told("as-group-sequential", 'metric = "power"', 'metric = "safe_success"')
    assert (
        "f: targets 1, metric\n"
        "  got       safe_success\n"
        "  expected  a file with [safety]\n"
        "  fix       say which events stop the trial"
    ) in found


def test_truths_without_counts_have_no_safety() -> None:
    """Only under known or uncertain rates is it told where the trial ends."""
    new = "[safety.rates.no-effect]\nserious-infection = { treatment = 0.1, control = 0.1 }\n\n[[secondary]]"
    text = (ROOT / "as-safety.toml").read_text().replace("[[secondary]]", new, 1)
    null = '[truths.no-effect]\nkind = "no_effect"\ncontrol = { from = 0.2, to = 0.3 }\nwhy = "x"\n\n[truths.expected]'
    with pytest.raises(InputError) as found:
        parse_any(text.replace("[truths.expected]", null), "f")
    assert [str(fault) for fault in found.value.faults] == [
        "f: safety.rates.no-effect\n  got       a no_effect truth\n  expected  a truth of kind points or design_prior"
    ]
