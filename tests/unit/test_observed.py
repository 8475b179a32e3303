"""Reading one observed result, and the published p-values beside those of each test."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tolerances import ROUNDING, printed

from anatrial.documents.indication import parse_indication
from anatrial.domain.mixture import BetaMixture
from anatrial.errors import InputError
from anatrial.numerics.binomial_tests import binomial_p_values
from anatrial.plan.evidence_tests import PrintedP, StudyTests, evidence_tests
from anatrial.plan.observed import Count, Measure, Observed, compared, posterior_interval, read_count, single
from anatrial.report.printed_p_text import printed_p_text
from anatrial.report.table_picture import table_picture
from anatrial.report.table_text import table_text

ROOT = Path(__file__).parents[2]
ANAJIS = compared(Count(8, 12), Count(1, 12), margin=0.1)
EMPTY = compared(Count(0, 12), Count(0, 12))


def measure(found: Observed, of: str) -> Measure:
    return next(one for one in found.measures if one.of == of)


def test_anajis_under_every_test() -> None:
    """8/12 v 1/12 has the p-values that Fisher, chi-square, Boschloo and Barnard are known to give."""
    p = {one.test: one.p for one in ANAJIS.tests}
    known = {
        "Fisher two-sided": 0.0094,
        "chi-square uncorrected": 0.0032,
        "Boschloo two-sided": 0.0033,
        "Barnard pooled two-sided": 0.0033,
        "Barnard unpooled two-sided": 0.0033,
    }
    assert {name: p[name] for name in known} == pytest.approx(known, abs=printed(4), rel=0)


def test_only_exact_tests_and_intervals_are_said_to_keep_their_promise() -> None:
    """Fisher, Boschloo and Barnard keep their size, Chan-Zhang and Clopper-Pearson their coverage, nothing else."""
    kept = {one.test.split()[0] for one in ANAJIS.tests if one.keeps_alpha}
    assert kept == {"Fisher", "Boschloo", "Barnard"}
    assert not any(one.keeps_alpha for one in ANAJIS.tests if "mid-p" in one.test)
    covering = {one.method for each in ANAJIS.measures for one in each.intervals if one.covers}
    assert covering == {"Chan-Zhang (exact)", "Clopper-Pearson (exact)"}


def test_a_margin_that_treatment_passes_lies_below_the_exact_limit() -> None:
    """The exact one-sided p at a margin is below 2.5 % where, and only where, the exact lower limit is above it."""
    lower = measure(ANAJIS, "difference p_t - p_c").intervals[0].lower
    assert lower is not None
    for margin in (lower - 1e-3, lower + 1e-3):
        exact = compared(Count(8, 12), Count(1, 12), margin=margin).margin_tests[0]
        assert exact.keeps_alpha
        assert (exact.p < 0.025) == (margin < lower)


def test_the_score_test_at_a_margin_is_gsdesigns() -> None:
    """30/40 v 18/40 against a margin of 0.05 has the normal p that gsDesign prints, 0.011075780677."""
    normal = compared(Count(30, 40), Count(18, 40), margin=0.05).margin_tests[1]
    assert normal.p == pytest.approx(0.011075780677246643, abs=1e-6, rel=0)


def test_posterior_of_the_difference() -> None:
    """Each limit leaves its tail, and equal results give even odds."""
    lower, upper = posterior_interval(Count(8, 12), Count(1, 12), level=0.9)
    one, other = BetaMixture.beta(9, 5), BetaMixture.beta(2, 12)
    assert one.probability_above(other, lower) == pytest.approx(0.95, abs=ROUNDING)
    assert one.probability_above(other, upper) == pytest.approx(0.05, abs=ROUNDING)
    assert EMPTY.posterior_above == pytest.approx(0.5, abs=ROUNDING)


def test_a_prior_moves_the_posterior_interval() -> None:
    """Mixtures are taken as priors: a history of the control arm makes its part of the interval shorter."""
    plain = posterior_interval(Count(8, 12), Count(1, 12))
    informed = posterior_interval(Count(8, 12), Count(1, 12), priors=(BetaMixture.beta(1, 1), BetaMixture.beta(10, 90)))
    assert informed[1] - informed[0] < plain[1] - plain[0]


def test_nobody_responds_in_either_arm() -> None:
    """0/12 v 0/12 has a difference with limits; ratios say that they do not exist, or have no upper limit."""
    difference, ratio, odds = (measure(EMPTY, of) for of in ("difference p_t - p_c", "ratio p_t / p_c", "odds ratio"))
    assert all(one.lower is not None for one in difference.intervals)
    assert (ratio.value, odds.value) == (None, None)
    assert (ratio.intervals[0].lower, ratio.intervals[0].upper) == (0.0, None)
    assert "no upper limit" in table_text(EMPTY)
    assert "does not exist: a cell of the table is empty" in table_text(EMPTY)


def test_an_exact_interval_that_would_take_too_long_is_said() -> None:
    """Above 41,000 possible tables the exact interval is left out, and the text says so."""
    found = measure(compared(Count(30, 2000), Count(2, 20)), "difference p_t - p_c").intervals[0]
    assert found.lower is None
    assert found.note == "not computed: 42,021 possible tables, more than 41,000"


@pytest.mark.parametrize(
    ("x", "n", "rate", "name", "value"),
    [
        (3, 4, 0.5, "binomial one-sided, rate higher", 5 / 16),
        (3, 4, 0.5, "binomial one-sided, rate lower", 15 / 16),
        (3, 4, 0.5, "binomial two-sided", 10 / 16),
        (3, 4, 0.5, "binomial doubled", 10 / 16),
        (2, 4, 0.5, "binomial doubled", 1.0),
        (0, 2, 0.1, "binomial two-sided", 1.0),
        (2, 2, 0.1, "binomial two-sided", 0.01),
    ],
)
def test_binomial_p_values_by_hand(x: int, n: int, rate: float, name: str, value: float) -> None:
    """One arm's exact p-values are the sums over coin tosses that one can write down."""
    assert binomial_p_values(x, n, rate)[name] == pytest.approx(value, abs=ROUNDING)


def test_one_arm_has_tests_only_against_a_rate() -> None:
    """Without a rate to test against there is no p-value, and every interval of the rate is there."""
    assert single(Count(8, 12)).tests == ()
    found = single(Count(8, 12), null=0.3)
    assert len(found.tests) == 4
    assert len(found.measures[0].intervals) == 7
    assert "Tests of a rate of 0.30" in table_text(found)


def test_counts_are_read() -> None:
    """Spaces around the slash are no matter."""
    assert read_count(" 8 / 12 ", "treatment") == Count(8, 12)


@pytest.mark.parametrize("text", ["13/12", "-1/12", "8", "8/", "a/b", "8.5/12", "0/0", "1/2001", "\u0664/12x"])
def test_what_is_no_count_is_refused(text: str) -> None:
    """More responders than patients, negative counts, fractions, words and trials too large are bad input."""
    with pytest.raises(InputError) as error:
        read_count(text, "control")
    assert error.value.faults[0].where == "control"
    assert error.value.faults[0].fix


def test_levels_and_margins_out_of_range_are_refused() -> None:
    """A level of 95 is told to be 0.95; margins and rates must be possible."""
    with pytest.raises(InputError, match=r"--level 0\.95"):
        single(Count(8, 12), level=95)
    with pytest.raises(InputError, match="--margin"):
        compared(Count(8, 12), Count(1, 12), margin=1.0)
    with pytest.raises(InputError, match="--null"):
        single(Count(8, 12), null=0.0)


@pytest.mark.parametrize("found", [ANAJIS, EMPTY])
def test_the_picture_is_the_same_every_time(found: Observed) -> None:
    """The same result gives the same bytes, an empty table included."""
    assert table_picture(found, "svg") == table_picture(found, "svg")


# ---- published p-values ----


def study(indication: str, name: str) -> StudyTests:
    (found,) = evidence_tests(
        parse_indication((ROOT / "priors" / f"{indication}.toml").read_text(encoding="utf-8"), indication), name
    )
    return found


ROWS = {row.fact: row for row in study("sjia", "quartier-2011").rows}
CHI_SQUARE, FISHER = "chi-square uncorrected", "Fisher two-sided"


@pytest.mark.parametrize(
    ("fact", "counts", "said", "test", "p"),
    [
        ("anajis-t2-modacr30-p", "8/12 v 1/12", "0.003", CHI_SQUARE, 0.0032),
        ("anajis-t2-systemic-p", "8/12 v 1/12", "0.003", CHI_SQUARE, 0.0032),
        ("anajis-t2-acr30-p", "11/12 v 7/12", "0.059", CHI_SQUARE, 0.0593),
        ("anajis-t2-acr30nofever-p", "11/12 v 6/12", "0.025", CHI_SQUARE, 0.0247),
        ("anajis-t2-acr30nofevercrp-p", "10/12 v 3/12", "0.004", CHI_SQUARE, 0.0041),
        ("anajis-t2-modacr50-p", "7/12 v 0/12", "0.005", FISHER, 0.0046),
        ("anajis-t2-modacr100-p", "0/12 v 0/12", "1", FISHER, 1.0),
    ],
)
def test_each_row_of_anajis_table_2_is_given_by_its_test(
    fact: str, counts: str, said: str, test: str, p: float
) -> None:
    """Rows without an empty cell are the uncorrected chi-square, rows with one are Fisher, as the notes in it say."""
    row = ROWS[fact]
    assert (f"{row.treatment} v {row.control}", row.printed) == (counts, said)
    assert row.tests[test] == pytest.approx(p, abs=printed(4), rel=0)
    assert test in row.gives
    other = FISHER if test == CHI_SQUARE else CHI_SQUARE
    assert other not in row.gives or p == 1.0


def test_the_row_of_anajis_table_2_whose_last_digit_is_off() -> None:
    """5/12 v 0/12 is printed as 0.038: no test gives that, and Fisher's 0.0373 comes nearest."""
    row = ROWS["anajis-t2-modacr70-p"]
    assert (str(row.treatment), str(row.control), row.printed) == ("5/12", "0/12", "0.038")
    assert row.tests[FISHER] == pytest.approx(0.0373, abs=printed(4), rel=0)
    assert row.tests[CHI_SQUARE] == pytest.approx(0.0120, abs=printed(4), rel=0)
    assert (row.gives, row.nearest) == ((), FISHER)


def test_two_tests_explain_table_2() -> None:
    """The chi-square gives most rows and Fisher the rest; every row of the table is among the nine facts."""
    found = study("sjia", "quartier-2011")
    assert [one.test for one in found.explained] == [CHI_SQUARE, FISHER]
    assert [len(one.facts) for one in found.explained] == [7, 1]
    assert len([name for name in ROWS if name.startswith("anajis-t2")]) == 8


def test_anastills_is_fisher() -> None:
    """6/6 v 0/5 is printed as 0.0022: Fisher's 1/462."""
    (row,) = study("sjia", "anastills").rows
    assert row.tests[FISHER] == pytest.approx(1 / 462, abs=ROUNDING)
    assert FISHER in row.gives
    assert CHI_SQUARE not in row.gives


def test_inequalities_and_unread_counts() -> None:
    """A row without counts says that nothing was recomputed, and a printed 1 is not given by a p of one half."""
    unread = PrintedP("a", "b", None, Count(1, 12), "0.04", {}, (), "")
    text = printed_p_text([StudyTests("s", "S", (unread,), ())])
    assert "not recomputed" in text
    assert printed_p_text([]) == "no printed p-value compares two counts"
    assert "Fisher mid-p two-sided" not in ROWS["anajis-t2-modacr100-p"].gives


def test_an_unknown_study_is_refused() -> None:
    """A mistyped study gets the nearest name."""
    with pytest.raises(InputError, match="did you mean 'quartier-2011'"):
        study("sjia", "quartier-2012")
