"""The arithmetic check of the evidence: clean, with a discrepancy, one acknowledged, an idle excuse."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest

from anatrial.documents.indication import parse_indication
from anatrial.domain.findings import Finding
from anatrial.plan.evidence import check, fitting

HEAD = """
version = 1
indication = "made-up"
title = "A disease for tests"

[endpoints.weak]
definition = "Some response"
visit = "week 4"

[endpoints.middle]
definition = "More response"
visit = "week 4"
nested_in = "weak"

[endpoints.strong]
definition = "Full response"
visit = "week 4"
nested_in = "middle"

[endpoints.flare]
definition = "A flare"
better = "fewer"
visit = "week 4"

[endpoints.flare-or-rash]
definition = "A flare or a rash: whoever has neither also has no flare"
better = "fewer"
visit = "week 4"
nested_in = "flare"

[[studies]]
id = "one"
title = "One"
citation = "A journal"
tier = "rct_double_blind"

[[studies.arms]]
id = "anakinra"
role = "anakinra"
drug = "anakinra"

[[studies.arms]]
id = "placebo"
role = "placebo"
drug = "placebo"
"""
EXCUSE = '\nacknowledged = [{ check = "%s", why = "the paper says so" }]'


def outcome(
    name: str = "out", body: str = "", endpoint: str = "strong", arm: str = "anakinra", visit: str = "week 4"
) -> str:
    where = f'arm = "{arm}"\nendpoint = "{endpoint}"\nvisit = "{visit}"\nanalysis_set = "itt"\nlocator = "abstract"'
    return f'\n[[studies.outcomes]]\nid = "{name}"\nsource_id = "src.{name}"\n{where}\n{body}\n'


def fact(body: str, kind: str = "follow_up") -> str:
    head = 'id = "fact"\nsource_id = "src.fact"\nwhat = "Something"\nlocator = "abstract"'
    return f'\n[[studies.facts]]\n{head}\nkind = "{kind}"\n{body}\n'


def found(text: str) -> list[Finding]:
    return list(check(parse_indication(HEAD + text, "made-up.toml")))


def only(text: str, kind: str) -> Finding:
    (finding,) = [f for f in found(text) if f.check == kind]
    return finding


PERCENT = outcome(body='n = 22\nresponders = 16\nprinted_percent = "%s"')
OPEN = outcome(body='n = 115\ncompatible = %s\nprinted_percent = "43"')
COUNT = fact("n = %d\ncount = 7\nvalues = { completers = 13 }", "dropouts")
STOPS = fact("count = 6\nvalues = { adverse_event = 2, lack_of_efficacy = %d, flare = 2 }", "discontinuation")
MEAN = fact("n = 4\nmean = %s\nrange = [2, 50]")
TABLE = outcome("t", "n = 12\nresponders = 8") + outcome("c", "n = 12\nresponders = 1", arm="placebo")
P_VALUE = TABLE + fact('compares = ["t", "c"]\np_value = "%s"', "p_value")
NESTED = outcome("w", "n = 20\nresponders = %d", "weak") + outcome("s", "n = 20\nresponders = 4")

RULES = {
    "percent": (PERCENT % "73", PERCENT % "70"),
    "percent of open counts": (OPEN % "[49, 50]", OPEN % "[49]"),
    "percent of a fact": (fact('n = 22\nprinted_percent = "14"'), fact('n = 22\nprinted_percent = "22"')),
    "count of drop-outs": (COUNT % 20, COUNT % 21),
    "count of reasons": (STOPS % 2, STOPS % 3),
    "mean": (MEAN % "14.0", MEAN % "13.5"),
    "p_value": (P_VALUE % "0.009", P_VALUE % "0.02"),
    "nested": (NESTED % 4, NESTED % 3),
}


def kind_of(rule: str) -> str:
    return rule.partition(" ")[0]


@pytest.mark.parametrize("rule", RULES)
def test_numbers_that_agree_are_no_finding(rule: str) -> None:
    """A record whose numbers agree passes its check."""
    assert {f.status for f in found(RULES[rule][0])} == {"ok"}


@pytest.mark.parametrize("rule", RULES)
def test_a_discrepancy_nobody_acknowledged_is_a_fault(rule: str) -> None:
    """A record whose numbers contradict each other is a fault, under the name of its check."""
    faults = [f for f in found(RULES[rule][1]) if f.status == "fault"]
    assert [f.check for f in faults] == [kind_of(rule)]
    assert faults[0].why == ""


@pytest.mark.parametrize("rule", RULES)
def test_an_acknowledged_discrepancy_is_a_note_with_its_reason(rule: str) -> None:
    """What the record admits is shown with the reason and its arithmetic, and does not fail the check."""
    kind = kind_of(rule)
    findings = found(RULES[rule][1].rstrip() + EXCUSE % kind)
    assert not [f for f in findings if f.status == "fault"]
    (note,) = [f for f in findings if f.status == "note"]
    assert (note.check, note.why) == (kind, "the paper says so")


@pytest.mark.parametrize("rule", RULES)
def test_an_excuse_for_nothing_is_a_fault(rule: str) -> None:
    """An acknowledgement without a discrepancy is a fault: numbers were mended and the excuse stayed."""
    kind = kind_of(rule)
    (fault,) = [f for f in found(RULES[rule][0].rstrip() + EXCUSE % kind) if f.status == "fault"]
    assert fault.check == kind
    assert fault.arithmetic.startswith("acknowledges a discrepancy that is not there")


def test_an_excuse_for_a_check_that_cannot_be_done_is_a_fault() -> None:
    """Without a printed percentage there is nothing that a percent excuse could admit."""
    fault = only(outcome(body="n = 4\nresponders = 2" + EXCUSE % "percent"), "percent")
    assert fault.status == "fault"
    assert "nothing to check" in fault.arithmetic


# ---- percentages ----


def rounded_ways(x: int, n: int, decimals: int) -> set[Fraction]:
    """The percentage of x of n rounded half up and half to even, in exact fractions."""
    scale = 10**decimals
    value = Fraction(100 * x * scale, n)
    half_up = (2 * value + 1) // 2
    return {Fraction(half_up, scale), Fraction(round(value), scale)}


@pytest.mark.parametrize(("n", "decimals"), list(itertools.product([1, 3, 7, 8, 16, 22, 40, 200], [0, 1])))
def test_the_counts_that_fit_are_those_that_print_like_it(n: int, decimals: int) -> None:
    """A count fits a printed percentage when rounding half up or half to even prints it: tried for every percentage."""
    for unit in range(100 * 10**decimals + 1):
        printed = f"{unit / 10**decimals:.{decimals}f}"
        expected = [x for x in range(n + 1) if Fraction(printed) in rounded_ways(x, n, decimals)]
        assert list(fitting(printed, n)) == expected, printed


@pytest.mark.parametrize(
    ("printed", "n", "first", "last"),
    [
        (">95", 46, 44, 46),
        ("<5", 46, 0, 2),
        (">50", 10, 6, 10),
        ("<50", 10, 0, 4),
        ("<100", 3, 0, 2),
        (">99.9", 10, 10, 10),
    ],
)
def test_inequalities_allow_the_counts_on_their_side(printed: str, n: int, first: int, last: int) -> None:
    """A percentage printed as an inequality fits the counts strictly beyond it."""
    assert list(fitting(printed, n)) == list(range(first, last + 1))


def test_nothing_is_above_everybody() -> None:
    """More than 100 % fits no count."""
    assert not fitting(">100", 10)


def test_the_percent_finding_shows_its_arithmetic() -> None:
    """The numbers stand in the finding: the printed one, the right one, and what would fit."""
    assert only(PERCENT % "70", "percent").arithmetic == "printed 70 %, but 16/22 = 72.7 %; 70 % fits none of 22"


def test_open_counts_that_nobody_listed_are_said() -> None:
    """A percentage with n and neither a count nor compatible counts is a note with the counts that would fit."""
    finding = only(outcome(body='n = 46\nprinted_percent = ">95"'), "percent")
    assert finding.status == "note"
    assert ">95 % fits 44, 45, 46 of 46" in finding.arithmetic


def test_a_percentage_without_n_is_not_checked() -> None:
    """Without n there is no arithmetic."""
    assert found(outcome(body='printed_percent = "47"')) == []


# ---- counts ----


def test_a_fact_counts_no_more_than_its_patients() -> None:
    """A count above n is a fault."""
    assert only(fact("n = 4\ncount = 5"), "count").status == "fault"


@pytest.mark.parametrize(("responders", "status"), [(13, "ok"), (14, "fault")])
def test_drop_outs_as_non_responders_leave_room_for_the_responders(responders: int, status: str) -> None:
    """Responders and drop-outs that count as failures together are no more than n."""
    body = f'n = 20\nresponders = {responders}\ndropouts = 7\ndropouts_counted = "as_non_responders"'
    assert only(outcome(body=body), "count").status == status


@pytest.mark.parametrize(("events", "status"), [(7, "ok"), (6, "fault")])
def test_drop_outs_of_an_endpoint_where_fewer_is_better_are_among_the_events(events: int, status: str) -> None:
    """Where the count is of events, drop-outs that count as failures are among them."""
    body = f'n = 20\nresponders = {events}\ndropouts = 7\ndropouts_counted = "as_non_responders"'
    assert only(outcome(body=body, endpoint="flare"), "count").status == status


@pytest.mark.parametrize(("randomised", "status"), [(10, "ok"), (11, "fault")])
def test_completers_and_drop_outs_make_up_the_arm(randomised: int, status: str) -> None:
    """Nine completers and one drop-out are the ten of the arm."""
    body = 'n = 9\nresponders = 7\ndropouts = 1\ndropouts_counted = "excluded"'
    text = outcome(body=body).replace('"itt"', '"completers"') + fact(
        f'arm = "anakinra"\nn = {randomised}', "sample_size"
    )
    assert only(text, "count").status == status


@pytest.mark.parametrize(
    ("values", "kind", "status"),
    [
        ("n = 24\nvalues = { anakinra = 12, placebo = 12 }", "sample_size", "ok"),
        ("n = 24\nvalues = { anakinra = 12, placebo = 13 }", "sample_size", "fault"),
        ("values = { episodes = 10, episodes_at_diagnosis = 8, episodes_on_anakinra = 2 }", "mas_event", "ok"),
        ("values = { episodes = 11, episodes_at_diagnosis = 8, episodes_on_anakinra = 2 }", "mas_event", "fault"),
        ("count = 10\nvalues = { at_diagnosis = 8, on_anakinra = 2 }", "mas_event", "ok"),
        ("count = 10\nvalues = { at_diagnosis = 8, on_anakinra = 3 }", "mas_event", "fault"),
        ("values = { stopped = 6, adverse_event = 2, flare = 4 }", "discontinuation", "ok"),
        ("values = { stopped = 6, adverse_event = 2, flare = 3 }", "discontinuation", "fault"),
        ("n = 10\nvalues = { good = 6, partial = 3, none = 2 }", "sample_size", "fault"),
    ],
)
def test_parts_add_up_to_their_whole(values: str, kind: str, status: str) -> None:
    """Values that can only be parts of one whole add up to it."""
    assert only(fact(values, kind), "count").status == status


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ("n = 48\nvalues = { all_arms_at_24_weeks = 317, all_arms_randomised = 419 }", "sample_size"),
        ("values = { dose_mg = 100, duration_weeks = 24 }", "dose"),
        ("n = 84\nvalues = { evaluated = 55 }", "sample_size"),
    ],
)
def test_values_that_are_no_parts_are_left_alone(values: str, kind: str) -> None:
    """Totals of other groups, doses and single numbers are never added up."""
    assert found(fact(values, kind)) == []


# ---- means ----


@pytest.mark.parametrize(
    ("mean", "status"),
    [("7.2", "fault"), ("7.3", "ok"), ("44.7", "ok"), ("44.8", "fault"), ("7.33", "ok"), ("7.32", "fault")],
)
def test_a_mean_lies_where_its_range_lets_it(mean: str, status: str) -> None:
    """Nine values from 2 to 50 have a mean from 66/9 = 7.333 to 402/9 = 44.667, up to the rounding of the mean."""
    assert only(fact(f"n = 9\nmean = {mean}\nrange = [2, 50]"), "mean").status == status


def test_the_mean_finding_tells_what_rounded_ends_would_allow() -> None:
    """An impossible mean that rounded ends of the range could just explain says so, and stays a fault."""
    finding = only(MEAN % "13.5", "mean")
    assert "mean of 14 to 38" in finding.arithmetic
    assert "rounded by 0.5" in finding.arithmetic


def test_without_n_a_mean_lies_within_its_range() -> None:
    """With n unknown, only a mean outside the range is impossible."""
    assert only(fact("mean = 1.5\nrange = [2, 50]"), "mean").status == "fault"
    assert only(fact("mean = 2.5\nrange = [2, 50]"), "mean").status == "ok"


# ---- p-values ----


def test_a_p_value_of_another_test_is_a_note_beside_fisher() -> None:
    """0.003 for 8/12 v 1/12 is the uncorrected chi-square, and Fisher's exact test stands beside it."""
    finding = only(P_VALUE % "0.003", "p_value")
    assert finding.status == "note"
    assert finding.arithmetic == "8/12 v 1/12: printed 0.003 = chi-square uncorrected 0.0032; Fisher two-sided 0.0094"


@pytest.mark.parametrize(
    ("printed", "status"), [("<0.01", "ok"), ("<0.0001", "fault"), (">0.05", "fault"), ("0.0094", "ok")]
)
def test_p_values_as_inequalities_and_with_more_digits(printed: str, status: str) -> None:
    """Inequalities are read as such, and more digits must all be right."""
    assert only(P_VALUE % printed, "p_value").status == status


def test_significant_only_without_fisher_is_said() -> None:
    """A printed p of at most 0.05 beside a Fisher p above it says so."""
    table = outcome("t", "n = 9\nresponders = 7") + outcome("c", "n = 10\nresponders = 3", arm="placebo")
    finding = only(table + fact('compares = ["t", "c"]\np_value = "0.04"', "p_value"), "p_value")
    assert "Fisher two-sided 0.0698, above 0.05" in finding.arithmetic


def test_a_p_value_of_counts_that_were_not_read_is_said() -> None:
    """Where a count is missing, the note says that nothing was recomputed."""
    text = outcome("t", "n = 9\nresponders = 7") + outcome("c", "n = 10", arm="placebo")
    finding = only(text + fact('compares = ["t", "c"]\np_value = "0.04"', "p_value"), "p_value")
    assert finding.status == "note"
    assert "the count of c was not read" in finding.arithmetic


# ---- nested endpoints ----


def test_nesting_reaches_over_an_endpoint_between() -> None:
    """The strong endpoint is compared with the weak one although only the middle one joins them."""
    assert "weak 3 (w)" in only(NESTED % 3, "nested").arithmetic


@pytest.mark.parametrize(("visit", "n"), [("week 8", 20), ("week 4", 21)])
def test_other_patients_or_visits_are_not_compared(visit: str, n: int) -> None:
    """Another visit or another n is another question."""
    text = outcome("w", f"n = {n}\nresponders = 3", "weak", visit=visit) + outcome("s", "n = 20\nresponders = 4")
    assert [f for f in found(text) if f.check == "nested"] == []


def test_open_counts_are_faults_only_if_no_count_fits() -> None:
    """Compatible counts contradict a weaker endpoint only where even the lowest exceeds it."""
    weak = outcome("w", "n = 115\nresponders = %d", "weak")
    assert only(weak % 49 + OPEN % "[49, 50]", "nested").status == "ok"
    assert only(weak % 48 + OPEN % "[49, 50]", "nested").status == "fault"


@pytest.mark.parametrize(("events", "status"), [(5, "ok"), (4, "fault")])
def test_where_fewer_is_better_the_stronger_endpoint_has_more_events(events: int, status: str) -> None:
    """Those without flare or rash are among those without a flare: at least as many have one of the two."""
    text = outcome("f", "n = 20\nresponders = 5", "flare") + outcome(
        "r", f"n = 20\nresponders = {events}", "flare-or-rash"
    )
    assert only(text, "nested").status == status


# ---- overlap and recipes ----

RECIPE = """
[priors.p]
title = "A prior"
method = "pooled"
endpoint = "strong"
outcomes = ["a", "b"]

[[priors.p.treated_as_same]]
outcomes = ["a", "b"]
why = "the visits are close"
"""
ONE = outcome("a", 'n = 9\nresponders = 7\noverlap = ["cohort"]')
TWO = ONE + outcome("b", "n = 10\nresponders = 3", visit="week 8")


def test_a_cohort_of_several_records_is_a_note_with_the_recipes_that_use_it() -> None:
    """Overlap groups are listed with their records and with what a recipe takes from them."""
    one_study = TWO + outcome("c", 'n = 9\nresponders = 7\noverlap = ["cohort"]')
    other = HEAD.partition("[[studies]]")[2].replace('"one"', '"two"').replace('"One"', '"Two"')
    text = one_study.replace(outcome("b", "n = 10\nresponders = 3", visit="week 8"), "")
    text += "[[studies]]" + other + outcome("b", "n = 10\nresponders = 3", visit="week 8") + RECIPE
    note = only(text, "overlap")
    assert (note.record, note.status) == ("cohort", "note")
    assert note.arithmetic == "2 records of one cohort: a, c; p uses a"


def test_what_a_recipe_equates_is_a_note_with_its_reasons() -> None:
    """A recipe that treats different visits as the same is listed with the visits and the reason."""
    other = HEAD.partition("[[studies]]")[2].replace('"one"', '"two"').replace('"One"', '"Two"')
    first, second = TWO.split('\n[[studies.outcomes]]\nid = "b"')
    text = first + "\n[[studies]]" + other + '\n[[studies.outcomes]]\nid = "b"' + second + RECIPE
    note = only(text, "endpoint")
    assert (note.record, note.status, note.why) == ("p", "note", "the visits are close")
    assert note.arithmetic == "treated as the same: visit week 4 and week 8 (b)"


def test_a_cohort_of_one_record_is_no_finding() -> None:
    """A group with a single record has nothing to overlap with."""
    assert found(ONE) == []
