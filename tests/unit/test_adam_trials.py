"""Files of virtual patients of every further kind of trial: analysed on their own, they give the same tallies."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.special import gammaincc
from tests.adam_files import HOW, counts, per_trial, succeeds, tallied, written
from tests.trials_building import resolved_trial

from anatrial.documents.trials import COUNTS, KINDS
from anatrial.domain import tally
from anatrial.domain.tally import SimulationSettings
from anatrial.files import read_scenario
from anatrial.plan import virtual
from anatrial.plan.trials import engine
from anatrial.report import adam_rows
from anatrial.report.adam_several_endpoints import codes
from anatrial.report.adam_trials import ROWS

ROOT = Path(__file__).parents[2] / "scenarios"
SHIPPED = {
    "basket": "il1-basket-alone",
    "response_adaptive": "ra-adaptive-doses",
    "several_arms": "sjia-two-doses",
    "several_endpoints": "sjia-composite",
    "time_to_event": "sjia-flare-time",
    "visits": "sjia-valencia",
    "withdrawal": "sjia-withdrawal",
}
"""One scenario of each kind."""

VISITS = """
[design]
kind = "visits"
n = {{ treatment = 12, control = 10 }}
visits = [4, 12, 24, 36]
unit = "weeks"
analysis = {analysis}

[rule]
kind = "fisher"
alpha = 0.1

[truths.expected]
kind = "markov"
treatment = {{ first = 0.6, gain = [0.4], loss = [0.1], dropout = [0.1] }}
control = {{ first = 0.3, gain = [0.2], loss = [0.3], dropout = [0.2] }}

[[targets]]
metric = "power"
truth = "expected"
at_least = 0.1
"""


def test_every_kind_of_trial_has_rows() -> None:
    """A kind of trial that has no file of patients is a gap."""
    assert set(ROWS) == {*KINDS, *COUNTS}
    assert set(SHIPPED) == set(KINDS)


@pytest.mark.parametrize("kind", SHIPPED)
def test_names_are_those_of_transport_files_and_no_row_is_told_twice(kind: str, tmp_path: Path) -> None:
    """Names of at most eight capitals; one row per patient, parameter and visit; so many patients; same file again."""
    used = read_scenario(ROOT / f"{SHIPPED[kind]}.toml")
    truth, few = next(iter(used.resolved.truths)), SimulationSettings(20, 5)
    table = written(used, truth, tmp_path / "a.parquet", few)
    assert all(len(name) <= 8 and name.isalnum() and name.isupper() for name in table)
    assert all(len(code) <= 8 and code.isalnum() and code.isupper() for code in table["PARAMCD"])
    assert table["AVISITN"].dtype == np.int64
    keys = list(zip(table["USUBJID"], table["PARAMCD"], table["AVISITN"], strict=True))
    assert len(set(keys)) == len(keys)
    if kind != "response_adaptive":
        assert len(set(table["USUBJID"])) == 20 * engine(used).size(used.resolved, truth)
    assert set(table["SIMTRIAL"]) == set(range(1, 21))
    written(used, truth, tmp_path / "b.parquet", few)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


@pytest.mark.parametrize("kind", SHIPPED)
def test_blocks_and_batches_change_no_patient(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every trial has its number once, and all of its patients, in small blocks and small batches of rows as well."""
    used = read_scenario(ROOT / f"{SHIPPED[kind]}.toml")
    truth, few = next(iter(used.resolved.truths)), SimulationSettings(20, 5)
    whole = written(used, truth, tmp_path / "a.parquet", few)
    for module in (adam_rows, virtual):
        monkeypatch.setattr(module, "CHUNK", 3 * engine(used).size(used.resolved, truth))
    parts = written(used, truth, tmp_path / "b.parquet", few)
    key = {name: np.lexsort((t["AVISITN"], t["PARAMCD"], t["USUBJID"])) for name, t in (("a", whole), ("b", parts))}
    for column in whole:
        np.testing.assert_array_equal(whole[column][key["a"]], parts[column][key["b"]])
    monkeypatch.setattr(tally, "LARGEST_BLOCK", 8)
    blocks = written(used, truth, tmp_path / "c.parquet", few)
    assert set(blocks["SIMTRIAL"]) == set(range(1, 21))
    first = np.isin(blocks["SIMTRIAL"], range(9, 17))
    assert not np.array_equal(blocks["AVAL"][blocks["SIMTRIAL"] <= 8], blocks["AVAL"][first], equal_nan=True)


def log_rank(time: Any, event: Any, treated: Any) -> tuple[float, float]:
    """Events on treatment less those expected, and the hypergeometric variance, summed over the times of events."""
    surplus = variance = 0.0
    for at in np.unique(time[event]):
        risk, now = time >= at, event & (time == at)
        n, n_t, d = risk.sum(), (risk & treated).sum(), now.sum()
        surplus += (now & treated).sum() - d * n_t / n
        variance += d * (n_t / n) * (1 - n_t / n) * (n - d) / max(n - 1, 1)
    return surplus, variance


def test_time_to_flare_from_the_file(tmp_path: Path) -> None:
    """The log-rank test, the events and the duration of the file's trials are those tallied."""
    used = read_scenario(ROOT / "sjia-flare-time.toml")
    table, told = written(used, "expected", tmp_path / "a.parquet"), tallied(used, "expected")
    event, treated = table["CNSR"] == 0, table["TRT01P"] == "anakinra"
    found = []
    for trial in range(1, HOW.trials + 1):
        here = table["SIMTRIAL"] == trial
        surplus, variance = log_rank(table["AVAL"][here], event[here], treated[here])
        found.append(stats.norm.cdf(surplus / math.sqrt(variance)) <= 0.025)
    assert sum(found) == told["power"]
    assert event.sum() == told["expected_events"]
    last = np.zeros(HOW.trials)
    np.maximum.at(last, table["SIMTRIAL"] - 1, table["ENTRYTIM"] + table["AVAL"])
    assert last.sum() == pytest.approx(told["expected_duration"], rel=1e-13)
    lost = table["DCSREAS"] != ""
    assert 0 < lost.sum() < (~event).sum()
    over = ~event & ~lost
    np.testing.assert_allclose((table["ENTRYTIM"] + table["AVAL"])[over], 24, rtol=1e-13)
    assert set(table["EVNTDESC"][event]) == {"FLARE"}
    assert set(table["CNSDTDSC"][lost]) == {"LAST CONTACT"}


@pytest.mark.parametrize(("truth", "name"), [("as-published", "power"), ("published", "assurance")])
def test_time_to_response_from_the_file(truth: str, name: str, tmp_path: Path) -> None:
    """One arm followed to the response: the Gamma posterior of the file's total times succeeds as tallied."""
    used = read_scenario(ROOT / "sjia-hedrich.toml")
    table = written(used, truth, tmp_path / "a.parquet")
    assert set(table["CNSR"]) == {0}
    total = np.bincount(table["SIMTRIAL"] - 1, table["AVAL"])
    early = gammaincc(1 + 4, (10.1 + total) * math.log(2) / 7) > 0.95
    assert early.sum() == tallied(used, truth)[name]


@pytest.mark.parametrize("kind", ["at_visit", "sustained"])
@pytest.mark.parametrize("missing", ["non_responder", "last_observation", "observed_only"])
def test_visits_from_the_file(kind: str, missing: str, tmp_path: Path) -> None:
    """One flagged record per analysed patient; Fisher's test of who responds gives the tallied power, by every rule."""
    at = 'kind = "at_visit", visit = 12' if kind == "at_visit" else 'kind = "sustained", from = 12'
    used = resolved_trial(VISITS.format(analysis=f'{{ {at}, missing = "{missing}" }}'))
    table = written(used, "expected", tmp_path / "a.parquet")
    assert len(table["AVAL"]) == HOW.trials * 22 * (4 if kind == "at_visit" else 5)
    left, derived = table["DCSREAS"] == "DROP-OUT", table["PARAMCD"] == "SUSTRESP"
    how = {"non_responder": {"NRI"}, "last_observation": {"LOCF", "NRI"}, "observed_only": {""}}[missing]
    assert set(table["DTYPE"][left & ~derived]) == how
    assert set(table["DTYPE"][~left | derived]) == {""}
    assert np.array_equal(np.isnan(table["AVAL"]), left if missing == "observed_only" else np.zeros_like(left))
    flagged = table["ANL01FL"] == "Y"
    window = {12} if kind == "at_visit" else {12, 24, 36}
    visits = table["PARAMCD"] == "RESP"
    assert table["AVISITN"].dtype == np.int64
    subject, which = np.unique(table["USUBJID"], return_inverse=True)
    asked = visits & np.isin(table["AVISITN"], list(window))
    bad = np.bincount(which, asked & (table["AVAL"] != 1)) > 0
    seen = np.bincount(which, asked & ~np.isnan(table["AVAL"])) == len(window)
    np.testing.assert_array_equal(np.bincount(which, flagged), seen)
    assert set(table["AVISITN"][flagged]) == {max(window)}
    assert set(table["PARAMCD"][flagged]) == {"RESP" if kind == "at_visit" else "SUSTRESP"}
    np.testing.assert_array_equal(table["AVAL"][flagged] == 1, ~bad[which[flagged]])
    first = table["AVISITN"] == 4  # one row per patient
    patients = {name: table[name][first] for name in ("SIMTRIAL", "TRT01P")}
    order = which[first]
    patients["AVAL"] = ~bad[order]
    treatment, control = (counts(patients, seen[order], arm) for arm in ("anakinra", "placebo"))
    assert len(subject) == HOW.trials * 22
    assert succeeds(treatment, control, 0.1).sum() == tallied(used, "expected")["power"]


def test_a_visit_after_leaving_is_never_followed_by_one_that_was_kept(tmp_path: Path) -> None:
    """Who leaves does not come back, also after the visit of the analysis, whose later visits no tally needs."""
    used = resolved_trial(VISITS.format(analysis='{ kind = "at_visit", visit = 12, missing = "last_observation" }'))
    table = written(used, "expected", tmp_path / "a.parquet")
    order = np.lexsort((table["AVISITN"], table["USUBJID"]))
    left = (table["DCSREAS"] != "")[order].reshape(-1, 4)
    assert (np.diff(left.astype(int), axis=1) >= 0).all()
    assert (left.sum(axis=0)[1:] > left.sum(axis=0)[:-1]).all()
    seen = np.cumsum(table["AVAL"][order].reshape(-1, 4), axis=1)
    assert (table["DTYPE"][order].reshape(-1, 4)[left & (seen == 0)] != "").all()


def test_visits_and_safety_from_the_file(tmp_path: Path) -> None:
    """One arm: the exact binomial test and the stated boundary for infections, from the rows of the file."""
    used = read_scenario(ROOT / "sjia-valencia.toml")
    table, told = written(used, "as-observed", tmp_path / "a.parquet"), tallied(used, "as-observed")
    x = per_trial(table, table["AVAL"], (table["ANL01FL"] == "Y") & (table["AVISITN"] == 12))
    won = stats.binom.sf(x - 1, 58, 0.5) <= 0.05
    assert won.sum() == told["power"]
    stops = np.zeros(HOW.trials, dtype=bool)
    for code, event in (("AE1", used.resolved.safety.events[0]), ("AE2", used.resolved.safety.events[1])):
        seen = np.cumsum(table["AVAL"][table["PARAMCD"] == code].reshape(HOW.trials, 58), axis=1)
        for bound in event.bounds((used.resolved.design.look,)):
            stops |= seen[:, bound.patients - 1] >= bound.events
    assert stops.sum() == told["safety_stop"]
    assert (won & ~stops).sum() == told["safe_success"]


def test_an_uncertain_response_from_the_file(tmp_path: Path) -> None:
    """Where the first response is drawn from a prior, the file has the trials of the assurance."""
    used = read_scenario(ROOT / "sjia-valencia.toml")
    table = written(used, "uncertain", tmp_path / "a.parquet")
    assert set(table["PARAMCD"]) == {"RESP"}
    x = per_trial(table, table["AVAL"], table["ANL01FL"] == "Y")
    assert (stats.binom.sf(x - 1, 58, 0.5) <= 0.05).sum() == tallied(used, "uncertain")["assurance"]


WITHDRAWN = [("as-tocilizumab", "power"), ("uncertain", "assurance"), ("no-effect", "type_i_error")]


@pytest.mark.parametrize(("truth", "name"), WITHDRAWN)
def test_a_withdrawal_from_the_file(truth: str, name: str, tmp_path: Path) -> None:
    """Responders of the run-in are randomised, where they are enough; Fisher's test of them gives the tally."""
    used = read_scenario(ROOT / "sjia-withdrawal.toml")
    table, told = written(used, truth, tmp_path / "a.parquet"), tallied(used, truth)
    run_in, after = table["APERIOD"] == 1, table["APERIOD"] == 2
    responders = per_trial(table, table["AVAL"], run_in)
    assert (responders < 12).sum() == told["too_few"]
    arms = [counts(table, after, arm, "TRT02P") for arm in ("anakinra", "placebo")]
    np.testing.assert_array_equal(arms[0][0] + arms[1][0], np.where(responders < 12, 0, responders))
    assert (arms[0][0] + arms[1][0]).sum() == told["expected_randomised"]
    assert (succeeds(arms[0], arms[1], 0.025) & (responders >= 12)).sum() == told[name]
    randomised = table["RANDFL"] == "Y"
    assert set(table["USUBJID"][after]) == set(table["USUBJID"][randomised])
    assert set(table["AVAL"][run_in & randomised]) == {1.0}
    assert set(table["TRT02P"][~randomised]) == {""}
    assert set(table["TRT01P"]) == {"anakinra"}


def test_several_endpoints_from_the_file(tmp_path: Path) -> None:
    """Co-primary endpoints, one a composite of the components in the file: both tests give the tallied power."""
    used = read_scenario(ROOT / "sjia-composite.toml")
    table, told = written(used, "related", tmp_path / "a.parquet"), tallied(used, "related")
    names = dict(zip(table["PARAM"], table["PARAMCD"], strict=True))
    assert names == {
        "acr30": "ACR30",
        "no-fever": "NOFEVER",
        "markers-halved": "MARKER03",
        "modified-acr30": "MODIFI04",
    }
    value = {code: table["AVAL"][table["PARAMCD"] == code] == 1 for code in names.values()}
    np.testing.assert_array_equal(value["MODIFI04"], value["ACR30"] & value["NOFEVER"] & value["MARKER03"])
    assert set(table["PARAMCD"][table["ANL01FL"] == "Y"]) == {"ACR30", "MODIFI04"}
    won = []
    for code in ("ACR30", "MODIFI04"):
        here = table["PARAMCD"] == code
        won.append(succeeds(counts(table, here, "anakinra"), counts(table, here, "placebo"), 0.025))
    assert (won[0] & won[1]).sum() == told["power"]


@pytest.mark.parametrize(("truth", "name"), [("uncertain", "assurance"), ("no-effect", "familywise_error")])
def test_bonferroni_from_the_file(truth: str, name: str, tmp_path: Path) -> None:
    """Two primary endpoints at half the level each, under Dirichlet shares and without effect."""
    used = read_scenario(ROOT / "sjia-two-primaries.toml")
    table, told = written(used, truth, tmp_path / "a.parquet"), tallied(used, truth)
    won = []
    for endpoint in used.resolved.design.endpoints:
        here = table["PARAM"] == endpoint
        won.append(succeeds(counts(table, here, "anakinra"), counts(table, here, "placebo"), 0.0125))
    assert (won[0] | won[1]).sum() == told[name]


def test_a_parameter_code_is_short_and_like_no_other() -> None:
    """Names that begin alike, or with a digit, keep apart within eight characters."""
    assert codes(("asas20", "asas20-strict", "asas-20", "6mwd", "asas20-02")) == (
        "ASAS20",
        "ASAS2002",
        "ASAS2003",
        "P6MWD",
        "ASAS2005",
    )
