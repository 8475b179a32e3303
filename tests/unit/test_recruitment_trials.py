"""A counts trial that recruitment may cut short: splits, power and assurance against sums by hand; what is refused."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from tests.building import resolved
from tests.tolerances import QUADRATURE, ROUNDING

from anatrial.designs.fixed import ArmSizes
from anatrial.domain.counts import Look
from anatrial.engine.recruitment import enrolment, milestones, splits
from anatrial.errors import InputError
from anatrial.plan.evaluate import evaluate

HEAD = """
[design]
kind = "fixed"
n = { treatment = 3, control = 3 }

[rule]
kind = "fisher"
alpha = 0.05

[truths.hoped]
kind = "points"
rates = { treatment = 0.9, control = 0.2 }

[truths.unsure]
kind = "design_prior"
treatment = { a = 2, b = 1 }
control = { a = 1, b = 2 }
"""
TARGETS = """
[[targets]]
metric = "power_recruited"
truth = "hoped"
at_most = 0.5

[[targets]]
metric = "assurance_recruited"
truth = "unsure"
at_most = 0.5

[[targets]]
metric = "duration"
truth = "hoped"
at_most = 100

[[targets]]
metric = "reached"
truth = "hoped"
at_least = 0.1
"""
KNOWN = """
[recruitment]
rate = { per_month = 1 }
stop_at = 5
lag = 2
"""


def faults(body: str) -> list[str]:
    """What is wrong with a scenario."""
    with pytest.raises(InputError) as raised:
        resolved(body)
    return [str(fault).removeprefix("made-up.toml: ") for fault in raised.value.faults]


def test_power_with_what_is_recruited_is_a_sum_by_hand() -> None:
    """Only 3 + 3 patients can give p <= 0.05 (all against none: 1 / 20), so power is P(six come) times 0.9^3 0.8^3."""
    result = evaluate(resolved(HEAD + KNOWN + TARGETS))
    six = 1 - sum(math.exp(-5) * 5**k / math.factorial(k) for k in range(6))
    hoped = result.of("hoped")
    assert hoped.metric("reached").estimate.value == pytest.approx(six, rel=ROUNDING)
    assert hoped.metric("power_recruited").estimate.value == pytest.approx(six * 0.9**3 * 0.8**3, rel=1e-11)
    # A gamma time of six patients, cut at 5 months: 6 P(7 or more come by 5) + 5 P(at most 5 come), then the lag.
    seven = six - math.exp(-5) * 5**6 / math.factorial(6)
    months = 6 * seven + 5 * (1 - six) + 2
    assert hoped.metric("duration").estimate.value == pytest.approx(months, abs=QUADRATURE)
    # All of three respond with probability E[p^3] = 3/5 under Beta(2, 1), none under Beta(1, 2) likewise: 2/5.
    sure = float(Fraction(2, 5) * Fraction(2, 5))
    assert result.of("unsure").metric("assurance").estimate.value == pytest.approx(sure, rel=ROUNDING)
    found = result.of("unsure").metric("assurance_recruited").estimate.value
    assert found == pytest.approx(six * sure, rel=1e-11)


def test_giving_up_costs_the_power_of_small_trials_only() -> None:
    """Without a minimum, P(n) power(n) is summed over every n; with one, over the larger n alone."""
    head = HEAD.replace("treatment = 3, control = 3", "treatment = 6, control = 6")
    plan = resolved(head + KNOWN.replace("stop_at = 5", "stop_at = 9") + TARGETS).resolved
    assert plan.recruitment is not None
    law = plan.truths["hoped"].law  # type: ignore[union-attr]
    whole = enrolment(plan.recruitment, plan.design.looks(), plan.rule)
    fewest = plan.recruitment.model_copy(update={"analyse_from": 9})
    kept = enrolment(fewest, plan.design.looks(), plan.rule)
    poisson = [math.exp(-9) * 9**k / math.factorial(k) for k in range(12)]
    chances = [*poisson, 1 - sum(poisson)]
    by_n = [chance * whole.power_at(n, law) for n, chance in enumerate(chances)]
    assert whole.power(law) == pytest.approx(sum(by_n), rel=1e-10)
    assert kept.power(law) == pytest.approx(sum(by_n[9:]), rel=1e-10)
    assert by_n[6] > 0


def test_single_arm_is_judged_at_every_number() -> None:
    """One arm against 0.5 at alpha 0.05 needs 5 of 5 or 6 of 6; its power as recruited is the sum of both by hand."""
    body = """
[design]
kind = "fixed"
n = { treatment = 6 }
[rule]
kind = "exact_binomial"
alpha = 0.05
null_rate = 0.5
[recruitment]
rate = { per_month = 1 }
stop_at = 6
[truths.hoped]
kind = "points"
rates = { treatment = 0.9 }
[[targets]]
metric = "power_recruited"
truth = "hoped"
at_most = 0.5
"""
    five = math.exp(-6) * 6**5 / math.factorial(5)
    six = 1 - five - sum(math.exp(-6) * 6**k / math.factorial(k) for k in range(5))
    found = evaluate(resolved(body)).of("hoped").metric("power_recruited").estimate.value
    assert found == pytest.approx(five * 0.9**5 + six * 0.9**6, rel=1e-11)


def test_blocks_cut_in_the_middle_split_by_hand() -> None:
    """Of a block of 2 + 2, two patients are one of each arm with probability 4/6; three are 2 + 1 half of the time."""
    blocks, planned = ArmSizes(treatment=2, control=2), Look(6, 6)
    two = splits(blocks, planned, 6)
    assert [split.look for split in two] == [Look(2, 4), Look(3, 3), Look(4, 2)]
    assert [split.chance for split in two] == pytest.approx([1 / 6, 4 / 6, 1 / 6], rel=ROUNDING)
    assert splits(blocks, planned, 7) == ((Look(3, 4), 0.5), (Look(4, 3), 0.5))
    assert splits(blocks, planned, 8) == ((Look(4, 4), 1.0),)
    assert splits(blocks, planned, 12) == ((Look(6, 6), 1.0),)
    assert splits(None, Look(8, 4), 7) == ((Look(5, 2), 1.0),)  # 4.67 of 7


def test_a_trial_with_looks_ends_with_its_last_completed_look() -> None:
    """Power is success at the first look times its chance to be recruited, plus that of the second; so is the time."""
    body = """
[design]
kind = "sequential"
looks = [{ treatment = 10, control = 10 }, { treatment = 20, control = 20 }]
[rule]
kind = "group_sequential"
alpha = 0.025
efficacy = { family = "pocock" }
[recruitment]
rate = { mean = 3, sd = 1 }
stop_at = 12
lag = 1.5
[truths.hoped]
kind = "points"
rates = { treatment = 0.8, control = 0.3 }
[[targets]]
metric = "duration"
truth = "hoped"
at_most = 20
[[targets]]
metric = "power_recruited"
truth = "hoped"
at_least = 0.1
"""
    used = resolved(body)
    result = evaluate(used)
    hoped, plan = result.of("hoped"), used.resolved.recruitment
    assert plan is not None
    first, second = milestones(plan, used.resolved.design.looks())
    by_hand = hoped.stops[0].success * first.reached + hoped.stops[1].success * second.reached
    assert hoped.metric("power_recruited").estimate.value == pytest.approx(by_hand, rel=ROUNDING)
    early = hoped.stops[0].success  # no futility: the first look ends the trial with success only
    months = early * first.mean + (1 - early) * second.mean + 1.5
    assert hoped.metric("duration").estimate.value == pytest.approx(months, rel=1e-10)


def test_every_table_has_its_rows_and_the_last_is_the_plan() -> None:
    """Months end at the limit, numbers at the planned one, where power is that of the whole trial."""
    used = resolved(HEAD + KNOWN + TARGETS)
    tables = {table.name: table for table in evaluate(used).tables}
    assert set(tables) == {"recruitment", "recruited_by_month", "recruited_worth", "by_number_recruited"}
    assert tables["recruited_by_month"].column("month")[-1] == 5.0
    for month, *_, there in tables["recruited_by_month"].rows:
        assert isinstance(month, float)
        fewer = sum(math.exp(-month) * month**k / math.factorial(k) for k in range(6))
        assert there == pytest.approx(1 - fewer, abs=ROUNDING)
    last = tables["by_number_recruited"].rows[-1]
    assert last[:2] == (6, "3 + 3")
    assert [last[2], last[3]] == pytest.approx([1.0, 0.9**3 * 0.8**3], rel=ROUNDING)


FORMS = "per_month, or patients and months (sites, weight), or mean and sd"
REFUSED = [
    (
        "rate = { per_month = 0 }\nstop_at = 9",
        (
            "recruitment.rate.per_month\n  got       0\n  expected  a rate above 0: else accrual never ends\n"
            "  fix       give the patients that come per month"
        ),
    ),
    (
        "rate = { per_month = 0.001 }\nstop_at = 9",
        (
            "recruitment.rate\n  got       a median of 473 years until 6 patients are recruited\n"
            "  expected  100 years at most: this accrual never ends\n"
            "  fix       more sites, a higher rate or fewer patients"
        ),
    ),
    (
        "rate = { per_month = 1 }\nstop_at = 9\nsites = { number = 4, open_over = 12 }",
        (
            "recruitment.sites.open_over\n  got       12 months\n"
            "  expected  at most 9, the month at which recruitment ends"
        ),
    ),
    (
        "rate = { per_month = 1 }\nstop_at = 9\nsites = { opens = [0, 3, 10] }",
        "recruitment.sites.opens\n  got       10 months\n  expected  at most 9, the month at which recruitment ends",
    ),
    (
        "rate = { mean = 0.001, sd = 0.1 }\nstop_at = 9",
        (
            "recruitment.rate\n  got       a median of more than a million years until 6 patients are recruited\n"
            "  expected  100 years at most: this accrual never ends\n"
            "  fix       more sites, a higher rate or fewer patients"
        ),
    ),
    (
        "rate = { per_month = 1 }\nstop_at = 9\nlag = -1",
        "recruitment.lag\n  got       -1\n  expected  greater than or equal to 0",
    ),
    (
        "rate = { per_month = 1 }\nstop_at = 9\nanalyse_from = 7",
        "recruitment.analyse_from\n  got       7\n  expected  at most 6, the patients planned",
    ),
    (
        "rate = { per_month = 1 }\nstop_at = 9\n[randomisation]\nblock = { treatment = 2, control = 1 }",
        (
            "randomisation.block\n  got       blocks of 2 + 1\n  expected  blocks that divide the allocation (3 + 3)\n"
            "  fix       so many whole blocks must give each total"
        ),
    ),
    (
        "rate = { patients = 12 }\nstop_at = 9",
        f"recruitment.rate\n  got       patients\n  expected  {FORMS}",
    ),
    (
        "rate = { patients = 12, months = 9, mean = 2, sd = 1 }\nstop_at = 9",
        (
            "recruitment.rate\n  got       mean, months, patients, sd\n"
            "  expected  per_month, or patients and months (sites, weight), or mean and sd"
        ),
    ),
    (
        "rate = { per_month = 1 }\nstop_at = 9\nsites = { number = 3, opens = [0, 1] }",
        "recruitment.sites\n  got       both\n  expected  number (with open_over), or opens",
    ),
]


@pytest.mark.parametrize(("section", "message"), REFUSED)
def test_what_never_ends_or_does_not_fit_is_refused(section: str, message: str) -> None:
    """Accrual that never ends, late sites, a negative lag and blocks that do not fit are told in the file's words."""
    assert faults(f"{HEAD}\n[recruitment]\n{section}\n{TARGETS}") == [message]


def test_targets_need_the_section() -> None:
    """A target on recruitment is refused without the section."""
    target = '[[targets]]\nmetric = "reached"\ntruth = "hoped"\nat_least = 0.5\n'
    (without,) = faults(HEAD + target)
    assert without == (
        "targets 1, metric\n  got       reached\n  expected  a section [recruitment] in the file\n"
        "  fix       add [recruitment] with rate and stop_at"
    )


def test_drop_outs_who_leave_the_analysis_do_not_go_with_recruitment() -> None:
    """3 + 3 analysed are not 3 + 3 recruited where some leave the analysis: the file is refused."""
    left = 'rates = { treatment = 0.9, control = 0.2 }\nrates_among = "completers"\n'
    left += 'dropout = { treatment = 0.3, control = 0.3, counted = "excluded" }'
    body = HEAD.replace("rates = { treatment = 0.9, control = 0.2 }", left) + KNOWN + TARGETS
    (found,) = faults(body)
    assert found.startswith("truths.hoped.dropout.counted")
    assert "as_non_responders: recruitment counts those who come, and all of them are analysed" in found
