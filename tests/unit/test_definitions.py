"""Definitions of response as an axis: the counts that a study gives, and what they mean for the power of a design."""

from __future__ import annotations

from fractions import Fraction
from math import comb
from pathlib import Path

import pytest
from tests.building import HEAD, indication
from tests.tolerances import ROUNDING, printed

from anatrial.documents.definitions import Seen, seen, unknown_names
from anatrial.documents.indication import Indication
from anatrial.documents.scenario import ResolvedScenario, Scenario, parse_scenario, resolve
from anatrial.domain.prior import Prior, PriorRef
from anatrial.domain.trial import Section, Table
from anatrial.errors import InputError
from anatrial.files import read_scenario
from anatrial.plan.definitions import section
from anatrial.plan.evaluate import evaluate
from anatrial.plan.looks import planned

STUDIES = """
version = 1
indication = "made-up"
title = "A disease for tests"

[endpoints.response]
definition = "Response"
visit = "week 12"

[endpoints.flare]
definition = "Flare"
better = "fewer"
visit = "week 12"

[endpoints.remission]
definition = "Remission"
visit = "week 12"

[[studies]]
id = "old"
title = "Old 2001"
citation = "Old 2001"
tier = "rct_double_blind"
arms = [{ id = "drug", role = "anakinra", drug = "anakinra" }, { id = "placebo", role = "placebo", drug = "placebo" }]
"""
COUNTS = (
    ("drug", "response", "week 12", 4, 3),
    ("placebo", "response", "week 12", 4, 1),
    ("placebo", "response", "week 12", 4, 1),  # the same number, read again elsewhere
    ("drug", "flare", "week 12", 4, 1),
    ("placebo", "flare", "week 12", 4, 4),
    ("drug", "remission", "week 12", 4, 2),
    ("drug", "remission", "week 24", 4, 3),
    ("placebo", "remission", "week 12", 4, 0),
)
OUTCOME = """
[[studies.outcomes]]
id = "o{k}"
source_id = "O{k}"
arm = "{arm}"
endpoint = "{endpoint}"
visit = "{visit}"
analysis_set = "itt"
n = {n}
responders = {x}
locator = "Table 1"
"""
TRIAL = """
[design]
kind = "fixed"
n = { treatment = 3, control = 2 }

[rule]
kind = "fisher"
alpha = 0.20

[truths.expected]
kind = "points"
rates = { treatment = 0.75, control = 0.25 }

[[targets]]
metric = "power"
truth = "expected"
at_least = 0.1
"""
FROM_STUDY = """
[[definitions]]
endpoint = "response"
study = "old"
arms = { treatment = "drug", control = "placebo" }
"""


def studies() -> Indication:
    """A disease with one study that counts three endpoints."""
    rows = [
        OUTCOME.format(k=k, arm=arm, endpoint=endpoint, visit=visit, n=n, x=x)
        for k, (arm, endpoint, visit, n, x) in enumerate(COUNTS)
    ]
    return indication(STUDIES + "".join(rows))


def scenario(definitions: str) -> Scenario:
    """A trial of 3 v 2 with these definitions; it succeeds with 3 v 0 alone (p = 1/10; 3 v 1 and 2 v 0 have more)."""
    return parse_scenario(HEAD + TRIAL + definitions, "f.toml")


def told(definitions: str) -> Section:
    """What a run tells of the definitions."""

    def no_names(use: str, ref: PriorRef) -> Prior:
        raise AssertionError(use, ref)

    plan, priors = resolve(scenario(definitions), no_names)
    used = ResolvedScenario("f", scenario(definitions), plan, priors, studies(), "nowhere")
    return section(used, planned(used))


def numbers(table: Table, key: str) -> list[float]:
    """The numbers of a column."""
    return [cell for cell in table.column(key) if isinstance(cell, float)]


def test_power_and_assurance_of_a_definition_by_hand() -> None:
    """3 v 0 needs 3 of 3 and 0 of 2: powers of the rates, and means of those powers over Beta(4, 2) and Beta(2, 4)."""
    (table,) = told(FROM_STUDY).tables
    assert table.column("definition") == ("response (this trial's)",)
    assert table.column("observed_treatment") == ("3/4",)
    assert table.column("observed_control") == ("1/4",)
    assert table.column("rate_treatment") == (0.75,)
    power = Fraction(3, 4) ** 3 * Fraction(3, 4) ** 2
    assert numbers(table, "power") == pytest.approx([float(power)], rel=ROUNDING)
    assurance = Fraction(4 * 5 * 6, 6 * 7 * 8) * Fraction(4 * 5, 6 * 7)
    assert numbers(table, "assurance") == pytest.approx([float(assurance)], rel=ROUNDING)


def test_an_event_where_fewer_is_better_counts_those_without_it() -> None:
    """1 flare of 4 is 3 without a flare; 4 of 4 is none."""
    text = FROM_STUDY.replace('"response"', '"flare"')
    assert seen(scenario(text).definitions[0], studies()) == (Seen(3, 4), Seen(0, 4))


def test_rows_of_one_endpoint_can_be_told_apart() -> None:
    """Definitions of the same endpoint are named with their visit, and with their study where that differs."""
    one_arm = FROM_STUDY.replace('"response"', '"remission"').replace(', control = "placebo"', "")
    visits = [f'{one_arm}visit = "week {week}"\n' for week in (12, 24)]
    rates = '[[definitions]]\nendpoint = "remission"\nrates = { treatment = 0.5 }\n'
    single = TRIAL.replace(", control = 2", "").replace(", control = 0.25", "")
    single = single.replace('kind = "fisher"\nalpha = 0.20', 'kind = "exact_binomial"\nnull_rate = 0.2\nalpha = 0.2')
    plan = parse_scenario(HEAD + single + "".join(visits) + rates, "f.toml")
    used = ResolvedScenario("f", plan, plan, (), studies(), "nowhere")
    (table,) = section(used, planned(used)).tables
    assert table.column("definition") == ("remission, week 12, old", "remission, week 24, old", "remission, rates")


def test_a_visit_chooses_among_several() -> None:
    """Remission was counted at weeks 12 and 24; the file says which."""
    text = FROM_STUDY.replace('"response"', '"remission"') + 'visit = "week 12"\n'
    assert seen(scenario(text).definitions[0], studies()) == (Seen(2, 4), Seen(0, 4))


def test_rates_that_are_written_out_have_a_power_and_no_assurance() -> None:
    """Without counts nothing says how uncertain the rates are."""
    (table,) = told('\n[[definitions]]\nendpoint = "flare"\nrates = { treatment = 0.5, control = 0.5 }\n').tables
    assert numbers(table, "power") == pytest.approx([1 / 32], rel=ROUNDING)
    assert table.column("assurance") == (None,)
    assert table.column("observed_control") == (None,)


def test_the_definitions_of_anajis_give_one_three_six_or_seven_on_placebo() -> None:
    """The shipped scenario shows the counts of Table 2, with powers by summing every table of 12 v 12."""
    used = read_scenario(Path(__file__).parents[2] / "scenarios" / "sjia-anajis-switch.toml")
    result = evaluate(used)
    table = next(table for table in result.tables if table.name == "definitions")
    assert table.column("observed_treatment") == ("8/12", "7/12", "10/12", "11/12", "11/12")
    assert table.column("observed_control") == ("1/12", "0/12", "3/12", "6/12", "7/12")
    counts = [(8, 1), (7, 0), (10, 3), (11, 6), (11, 7)]
    powers = [
        float(sum(_both(a, i) * _both(b, j) for i in range(13) for j in range(13) if _wins(i, j))) for a, b in counts
    ]
    assert numbers(table, "power") == pytest.approx(powers, rel=ROUNDING)
    assert numbers(table, "power")[0] == pytest.approx(0.909, abs=printed(3))


def _both(x: int, k: int) -> Fraction:
    """P(k of 12) at the rate x / 12."""
    return comb(12, k) * Fraction(x, 12) ** k * Fraction(12 - x, 12) ** (12 - k)


def _wins(i: int, j: int) -> bool:
    """The uncorrected chi-square of i v j of 12 is at least 3.841459, the 5 % point, and treatment does better."""
    total = i + j
    return i > j and Fraction((i - j) ** 2 * 24, total * (24 - total)) >= Fraction("3.8414588207")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            '"response"',
            '"respnse"',
            (
                "definitions 1, endpoint\n  got       'respnse'\n  expected  an endpoint of made-up\n"
                "  fix       did you mean 'response'?"
            ),
        ),
        (
            'study = "old"',
            'study = "odl"',
            "definitions 1, study\n  got       'odl'\n  expected  a study of made-up\n  fix       did you mean 'old'?",
        ),
        (
            'control = "placebo"',
            'control = "plcebo"',
            (
                "definitions 1, arms.control\n  got       'plcebo'\n  expected  an arm of old\n"
                "  fix       did you mean 'placebo'?"
            ),
        ),
        (
            '"response"',
            '"remission"',
            (
                "definitions 1\n  got       several counts of remission of arm drug of old: 2/4, 3/4\n  expected  one\n"
                "  fix       say visit, one of: week 12, week 24; or write rates"
            ),
        ),
        (
            '"placebo" }',
            '"placebo" }\nvisit = "week 2"',
            (
                "definitions 1\n  got       no count of response of arm drug of old at week 2\n"
                "  expected  responders and patients of this arm\n  fix       another visit"
            ),
        ),
    ],
)
def test_names_that_the_indication_does_not_have(old: str, new: str, said: str) -> None:
    """A wrong endpoint, study, arm or visit is told with the nearest valid name."""
    assert old in FROM_STUDY
    found = [str(fault) for fault in unknown_names(scenario(FROM_STUDY.replace(old, new)), studies())]
    assert said in found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (FROM_STUDY.replace('study = "old"\n', ""), "definitions 1\n  got       neither\n"),
        (FROM_STUDY + "rates = { treatment = 0.5, control = 0.5 }\n", "definitions 1\n  got       both\n"),
        (
            FROM_STUDY.replace(', control = "placebo"', ""),
            "definitions 1, arms\n  got       no control\n  expected  treatment and control",
        ),
        (
            '\n[[definitions]]\nendpoint = "flare"\nrates = { treatment = 0.5, control = 0.5 }\nvisit = "week 12"\n',
            "definitions 1\n  got       a visit with rates\n",
        ),
    ],
)
def test_definitions_that_do_not_stand(text: str, said: str) -> None:
    """A definition needs a study with its arms, or rates, for every arm of the trial."""
    with pytest.raises(InputError) as error:
        scenario(text)
    assert said in str(error.value)


def test_two_primary_endpoints_need_a_rule() -> None:
    """A second primary endpoint without a rule for several is refused with the kind of trial that has one."""
    body = HEAD.replace('endpoint = "response"', 'endpoint = "response"\nalso_primary = ["basdai50"]') + TRIAL
    with pytest.raises(InputError) as error:
        parse_scenario(body, "haibel.toml")
    assert str(error.value) == (
        "haibel.toml: also_primary\n"
        "  got       basdai50 beside response: 2 primary endpoints and no rule\n"
        "  expected  one primary endpoint, or a rule that says how several count together\n"
        '  fix       design.kind = "several_endpoints" with rule.kind co_primary, hierarchical, bonferroni or holm'
    )
