"""Example trials of visits, times, several endpoints and withdrawal: as the file of virtual patients tells them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq
from tests.adam_files import HOW, counts, fisher, per_trial, written
from tests.tolerances import QUADRATURE, ROUNDING

from anatrial.documents.trial_scenario import ResolvedTrial, Simulation
from anatrial.domain.told_trials import ToldTrial, ToldTrials
from anatrial.errors import InputError
from anatrial.files import read_scenario
from anatrial.numerics.time_to_event import Gamma
from anatrial.numerics.weibull import Times, exponential_posterior
from anatrial.plan.examples import examples
from anatrial.plan.told_time_to_event import ratio_below
from anatrial.plan.told_trials import told_trials

NAMES = ("sjia-valencia", "as-visits", "sjia-hedrich", "sjia-flare-time", "as-haibel", "sjia-withdrawal")
ALPHA = {"sjia-withdrawal": 0.025, "as-visits": 0.025}


@cache
def used(name: str) -> ResolvedTrial[Any]:
    """A shipped scenario with the trials and the seed of ``HOW``."""
    found = read_scenario(name)
    few = {"simulation": Simulation(trials=HOW.trials), "seed": HOW.seed}
    return replace(found, resolved=found.resolved.model_copy(update=few))


@cache
def told(name: str) -> ToldTrials:
    return told_trials(used(name))


def table_of(name: str, truth: str, path: Path) -> Any:
    return written(used(name), truth, path / "patients.parquet")


def chosen(name: str, truth: str) -> list[ToldTrial]:
    return [trial for trial in told(name).trials if trial.truth == truth]


@pytest.mark.parametrize("name", NAMES)
def test_three_to_six_with_a_failure_and_a_conflict_and_none_twice(name: str) -> None:
    """Three to six trials, a failure and a conflict among them; no number is told twice."""
    trials = told(name).trials
    assert 3 <= len(trials) <= 6
    assert {"failure", "conflict"} <= {trial.kind for trial in trials}
    assert len({trial.number for trial in trials}) == len(trials)
    assert all(0 < trial.share.trials <= trial.share.of == HOW.trials for trial in trials)
    assert all(trial.told.data or trial.told.judged for trial in trials)


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_alone_decides(name: str) -> None:
    """The same scenario gives the same trials; another seed gives other patients."""
    assert told_trials(used(name)) == told(name)
    other = replace(used(name), resolved=used(name).resolved.model_copy(update={"seed": 4}))
    assert told_trials(other).trials != told(name).trials


@pytest.mark.parametrize("name", NAMES)
def test_the_decision_is_what_the_kind_says(name: str) -> None:
    """Successes end with success, failures without, stops for safety with a stop."""
    for trial in told(name).trials:
        decision = trial.told.decision
        match trial.kind:
            case "typical success":
                assert decision.startswith("success")
            case "failure":
                assert decision.startswith("no success")
            case "false success" if name != "as-haibel":
                assert decision.startswith("success")
            case "false success":
                assert "claimed: asas" in decision
            case "safety stop":
                assert decision == "stop for safety"


def test_visits_are_those_of_the_file(tmp_path: Path) -> None:
    """Responders, drop-outs, p-value and share of one arm with safety follow from the file of virtual patients."""
    table = table_of("sjia-valencia", "as-observed", tmp_path)
    n = used("sjia-valencia").resolved.design.n.treatment
    x = per_trial(table, np.nan_to_num(table["AVAL"]), (table["ANL01FL"] == "Y") & (table["PARAMCD"] == "RESP"))
    lost = per_trial(table, 1, (table["AVISITN"] == 12) & (table["DCSREAS"] == "DROP-OUT"))
    p_values = stats.binom.sf(x - 1, n, 0.5)
    for trial in chosen("sjia-valencia", "as-observed"):
        row = trial.number - 1
        if trial.kind == "safety stop":
            assert trial.told.judged == ()
            continue
        look = trial.told.judged[0].look
        assert (look.treatment.x, look.treatment.n) == (x[row], n)
        assert look.asked[0].value == pytest.approx(p_values[row], **_close(QUADRATURE))
        assert trial.told.decision == ("success" if p_values[row] <= 0.05 else "no success")
        assert sum(one.seen[-1].what == "lost" for one in trial.told.patients) == lost[row]
        if trial.kind == "conflict":
            assert min((x <= x[row]).mean(), (x >= x[row]).mean()) < 0.025
        if trial.kind == "many drop-outs":
            assert (lost >= lost[row]).mean() < 0.025
            assert trial.share.trials == sum((lost >= one).mean() < 0.025 for one in lost)


def test_a_stop_for_safety_is_one(tmp_path: Path) -> None:
    """The first trial whose adverse events reach a boundary, with the events until then."""
    infections = {10: 4, 20: 6, 40: 9}
    trial = next(one for one in told("sjia-valencia").trials if one.kind == "safety stop")
    table = table_of("sjia-valencia", trial.truth, tmp_path)
    size = used("sjia-valencia").resolved.design.n.treatment
    seen = np.cumsum(table["AVAL"][table["PARAMCD"] == "AE2"].reshape(HOW.trials, size), axis=1)
    stopped = len(trial.told.patients)
    assert f"after {stopped} patients on anakinra" in trial.why
    found = trial.told.data[0]
    assert f"{seen[trial.number - 1, stopped - 1]:.0f} with infection" in found
    assert stopped < size
    assert all(seen[trial.number - 1, at - 1] < least for at, least in infections.items() if at < stopped)


@pytest.mark.parametrize("name", ["sjia-withdrawal", "as-visits"])
def test_two_arms_are_those_of_the_file(name: str, tmp_path: Path) -> None:
    """Counts of both arms, Fisher's p-value and the share of successes follow from the file of virtual patients."""
    truth = told(name).trials[0].truth
    table = table_of(name, truth, tmp_path)
    arm = "TRT02P" if name == "sjia-withdrawal" else "TRT01P"
    (n_t, x_t), (n_c, x_c) = (counts(table, table["ANL01FL"] == "Y", who, arm) for who in ("anakinra", "placebo"))
    p_values = np.array([fisher(*row) for row in zip(x_t, n_t, x_c, n_c, strict=True)])
    wins = p_values <= ALPHA[name]
    for trial in chosen(name, truth):
        row = trial.number - 1
        (end,) = trial.told.judged
        assert end.look.control is not None
        found = (end.look.treatment.x, end.look.treatment.n, end.look.control.x, end.look.control.n)
        assert found == (x_t[row], n_t[row], x_c[row], n_c[row])
        assert end.look.asked[0].value == pytest.approx(p_values[row], **_close(QUADRATURE))
        assert trial.told.decision == ("success" if wins[row] else "no success")
        if trial.kind in {"typical success", "failure"}:
            hits = wins if trial.kind == "typical success" else ~wins
            assert trial.share.trials == hits.sum()
        if trial.kind == "typical success":
            effect = np.sort((x_t / n_t - x_c / n_c)[wins])
            assert x_t[row] / n_t[row] - x_c[row] / n_c[row] == pytest.approx(effect[(len(effect) - 1) // 2])
        if trial.kind == "conflict":
            share = x_c / n_c
            assert min((share <= share[row]).mean(), (share >= share[row]).mean()) < 0.025


def test_holm_is_followed(tmp_path: Path) -> None:
    """Responders of each level, its binomial p-value, and what Holm's procedure claims, from the file."""
    truth = told("as-haibel").trials[0].truth
    table = table_of("as-haibel", truth, tmp_path)
    nulls = {"ASAS20": 0.25, "ASAS40": 0.12, "ASAS70": 0.05}
    p = np.array(
        [
            stats.binom.sf(per_trial(table, np.nan_to_num(table["AVAL"]), table["PARAMCD"] == code) - 1, 20, null)
            for code, null in nulls.items()
        ]
    ).T
    claims = np.array([_holm(row) for row in p])
    for trial in chosen("as-haibel", truth):
        row = trial.number - 1
        assert [end.look.asked[0].value for end in trial.told.judged] == pytest.approx(p[row], **_close(QUADRATURE))
        names = [code.lower() for code, claimed in zip(nulls, claims[row], strict=True) if claimed]
        assert trial.told.decision.endswith(f"claimed: {', '.join(names) or 'nothing'}")
        if trial.kind == "typical success":
            assert trial.share.trials == claims.any(axis=1).sum()


def _holm(p: Any) -> list[bool]:
    """Holm (1979) at 0.05, step by step."""
    found = [False] * len(p)
    for step, k in enumerate(np.argsort(p)):
        if p[k] > 0.05 / (len(p) - step):
            break
        found[k] = True
    return found


def test_the_median_is_that_of_a_gamma_posterior(tmp_path: Path) -> None:
    """Times of the file; the hazard's posterior is Gamma(1 + 4, 10.1 + total time), the median ln 2 over it."""
    truth = told("sjia-hedrich").trials[0].truth
    table = table_of("sjia-hedrich", truth, tmp_path)
    times = table["AVAL"].reshape(HOW.trials, 4)
    sure = stats.gamma.sf(np.log(2) / 7, 5, scale=1 / (10.1 + times.sum(axis=1)))
    for trial in chosen("sjia-hedrich", truth):
        row = trial.number - 1
        assert [one.seen[0].at for one in trial.told.patients] == times[row].tolist()
        assert trial.told.asked[0].value == pytest.approx(sure[row], **_close(QUADRATURE))
        posterior = stats.gamma(5, scale=1 / (10.1 + times[row].sum()))
        (believed,) = trial.told.believed
        wanted = [np.log(2) / posterior.ppf(q) for q in (0.5, 0.975, 0.025)]
        assert believed[1:] == pytest.approx(wanted, rel=1e-9)
        if trial.kind == "typical success":
            assert trial.share.trials == (sure > 0.95).sum()
        if trial.kind == "conflict":
            total = times.sum(axis=1)
            assert min((total <= total[row]).mean(), (total >= total[row]).mean()) < 0.025


def test_the_log_rank_test_is_that_of_the_file(tmp_path: Path) -> None:
    """Events, drop-outs, Mantel's statistic and Cox's ratio by hand from the times of the file."""
    truth = told("sjia-flare-time").trials[0].truth
    table = table_of("sjia-flare-time", truth, tmp_path)
    assert chosen("sjia-flare-time", truth)
    for trial in chosen("sjia-flare-time", truth):
        here = table["SIMTRIAL"] == trial.number
        time, happened, treated = (
            table["AVAL"][here],
            table["CNSR"][here] == 0,
            table["TRT01P"][here] == "anakinra",
        )
        surplus = variance = 0.0
        for at in time[happened]:
            share = treated[time >= at].mean()
            surplus += treated[time == at][0] - share
            variance += share * (1 - share)
        p = stats.norm.cdf(surplus / np.sqrt(variance))
        assert trial.told.asked[0].value == pytest.approx(p, **_close(QUADRATURE))
        ratio = np.exp(brentq(_score, -8, 8, args=(time, happened, treated)))
        assert f"Hazard ratio (Cox): {ratio:.2f}." in trial.told.data
        assert f" {happened[treated].sum()} of {treated.sum()} in " in trial.told.data[0]
        if trial.kind == "many drop-outs":
            assert trial.why.startswith(f"{(table['DCSREAS'][here] != '').sum()} of {len(time)} patients leave")


def _score(log_ratio: float, time: Any, happened: Any, treated: Any) -> float:
    """Derivative of Cox's partial likelihood."""
    total = 0.0
    for at in time[happened]:
        risk = np.exp(log_ratio * treated[time >= at])
        total += float(treated[time == at][0] - (risk * treated[time >= at]).sum() / risk.sum())
    return total


def test_the_posterior_ratio_of_hazards_is_an_f_distribution() -> None:
    """With Gamma(a_t, b_t) and Gamma(a_c, b_c) hazards, ratio (b_t / a_t) / (b_c / a_c) is F with 2 a_t and 2 a_c."""
    arms = tuple(
        Times(np.array([time]), np.array([seen]))
        for time, seen in (([3.0, 9.0], [True, False]), ([1.0, 2.0], [True, True]))
    )
    posterior = exponential_posterior(arms, (Gamma(0.5, 2.0), Gamma(1.5, 4.0)))
    (a_t, b_t), (a_c, b_c) = (1.5, 14.0), (3.5, 7.0)
    for ratio in (0.05, 0.3, 1.0, 4.0):
        wanted = stats.f.cdf(ratio * (b_t / a_t) / (b_c / a_c), 2 * a_t, 2 * a_c)
        assert ratio_below(posterior, np.log(ratio)) == pytest.approx(wanted, **_close(QUADRATURE))


def test_a_posterior_interval_holds_the_decision() -> None:
    """Weibull times: the chance of a ratio below 1 is above 0.975 just where the 95 % interval is below 1."""
    few = used("sjia-flare-posterior")
    for trial in told_trials(few).trials:
        (believed,), (asked,) = trial.told.believed, trial.told.asked
        assert believed.lower < believed.median < believed.upper
        assert (asked.value > 0.975) == (believed.upper < 1) == (trial.told.decision == "success")


def test_other_kinds_are_refused() -> None:
    """A basket cannot be told yet, and the error says which kinds can."""
    with pytest.raises(InputError, match="fixed, sequential, several_endpoints, time_to_event, visits or withdrawal"):
        examples(read_scenario("il1-basket"))


def _close(tolerance: float) -> dict[str, Any]:
    return {"rel": tolerance, "abs": max(tolerance, ROUNDING)}
