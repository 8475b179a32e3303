"""What a file of a trial with visits may not say, in the words of the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from anatrial.documents.trials import parse_any
from anatrial.errors import Fault, InputError

ROOT = Path(__file__).parents[2] / "scenarios"


def told(name: str, old: str, new: str) -> list[Fault]:
    """Every fault of a shipped scenario after one change."""
    text = (ROOT / f"{name}.toml").read_text()
    assert old in text
    with pytest.raises(InputError) as found:
        parse_any(text.replace(old, new), "f")
    return list(found.value.faults)


RATES = "rates = [0.78, 0.86, 0.78], persistence = [0.9], dropout = [0.048]"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "visits = [3, 6, 12]",
            "visits = [3, 12, 6, 12]",
            Fault("f: design.visits", "3, 12, 6, 12", "times that rise", "times since the start, not between visits"),
        ),
        ("visit = 12", "visit = 9", Fault("f: design.analysis.visit", "9", "one of the visits (3, 6, 12)")),
        ("treatment = 58 }", "treatment = 0 }", Fault("f: design.n.treatment", "0", "greater than or equal to 1")),
        ("visits = [3, 6, 12]", "visits = [0, 6, 12]", Fault("f: design.visits 1", "0", "greater than 0")),
        (
            RATES,
            RATES.replace("0.86", "1.86"),
            Fault("f: truths.as-observed.treatment.rates 2", "1.86", "less than or equal to 1"),
        ),
        (
            RATES,
            RATES.replace("0.86, 0.78", "0.86, 0.70"),
            Fault(
                "f: truths.as-observed.treatment.rates 3",
                "0.7",
                "0.774 to 0.914: 0.9 of the 0.86 before still respond",
                "another persistence, or another rate",
            ),
        ),
        (
            RATES,
            RATES.replace("0.86, 0.78", "0.86"),
            Fault("f: truths.as-observed.treatment.rates", "2 rates", "3: one per visit"),
        ),
        (
            RATES,
            RATES.replace("[0.048]", "[0.048, 0.048]"),
            Fault("f: truths.as-observed.treatment.dropout", "2 numbers", "1 for all, or one for each: 3"),
        ),
        (
            "gain = [0.3]",
            "gain = [0.3, 0.3, 0.3]",
            Fault("f: truths.uncertain.treatment.gain", "3 numbers", "1 for all, or one for each: 2"),
        ),
        (
            "dropout = [0.048] }\nwhy",
            "dropout = [1] }\nwhy",
            Fault("f: truths.as-observed.treatment.dropout 1", "1", "less than 1"),
        ),
        (
            'kind = "exact_binomial"\nalpha = 0.05\nnull_rate = 0.5',
            'kind = "fisher"\nalpha = 0.05',
            Fault("f: rule.kind", "'fisher'", "a rule for one arm", "or add design.n.control"),
        ),
        (
            'truth = "half"',
            'truth = "as-observed"',
            Fault(
                "f: targets 2, truth",
                "'as-observed', whose rates differ in the analysis",
                "rates without an effect",
                "ask for power",
            ),
        ),
        (
            'metric = "assurance"',
            'metric = "power"',
            Fault("f: targets 3, metric", "power of a markov_prior truth", "a truth of kind markov or visit_rates"),
        ),
        (
            'metric = "safety_stop"\ntruth = "as-observed"',
            'metric = "safety_stop"\ntruth = "uncertain"',
            Fault(
                "f: targets 4, truth",
                "'uncertain'",
                "rates of the events under it: [safety.rates.uncertain]",
                "valid: as-observed, half",
            ),
        ),
    ],
)
def test_one_arm_with_a_fault(old: str, new: str, fault: Fault) -> None:
    """Each mistake is told once, with its place and what would be right."""
    assert told("sjia-valencia", old, new)[:1] == [fault]


def test_an_arm_too_many_or_too_few() -> None:
    """Truths have the arms of the trial."""
    text = (ROOT / "as-visits.toml").read_text()
    arm = "control = { first = 0.20, gain = [0.10], loss = [0.35], dropout = [0.08, 0.12, 0.12] }\n"
    assert arm in text
    with pytest.raises(InputError) as found:
        parse_any(text.replace(arm, ""), "f")
    assert list(found.value.faults) == [Fault("f: truths.expected", "no control arm", "a control arm")]


def test_a_kind_of_truth_that_there_is_not() -> None:
    """The kinds of truth of a trial with visits are named."""
    found = told("sjia-valencia", 'kind = "markov_prior"', 'kind = "design_prior"')
    expected = "one of markov, markov_prior, visit_rates"
    assert found[:1] == [
        Fault("f: truths.uncertain", "'design_prior'", expected, f"valid: {expected.removeprefix('one of ')}")
    ]
