"""Simulation-based calibration: what is stored holds, and a small live one tells a right model from a wrong one."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from scipy.special import expit
from tests.calibration.sbc import BINS, MODELS, RESULT, Simulated, p_values, ranked, records, settings_of

from anatrial.methods.heterogeneity import HalfNormal
from anatrial.methods.hierarchical import NormalPrior, Sampling
from anatrial.methods.sampling import LogitNormalModel

LEAST_P = 1e-3 / 16  # sixteen tests of sound models fail together once in a thousand seeds
LIVE = Sampling(seed=7, chains=2, draws=200, tune=200, target_accept=0.95)
STRATA = 6


@pytest.fixture(scope="module")
def stored() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RESULT.read_text(encoding="utf-8"))
    return found


def test_the_stored_run_had_the_settings_of_the_runner(stored: dict[str, Any]) -> None:
    """Whoever changes a model's simulation or its sampling runs it again; only the seed is free."""
    assert stored["settings"] == settings_of(stored["settings"]["sampling"]["seed"])
    assert set(stored["models"]) == set(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_stored_ranks_are_uniform(stored: dict[str, Any], name: str) -> None:
    """Both tests of every quantity pass at the level that sixteen tests share, and the stored p-values are theirs."""
    model, sampling = stored["models"][name], stored["settings"]["sampling"]
    possible = sampling["chains"] * sampling["draws"] // stored["settings"]["thin"] + 1
    assert len(model["ranks"]) == 4
    for quantity, text in model["ranks"].items():
        ranks = [int(rank) for rank in text.split()]
        assert len(ranks) == stored["settings"]["simulations"] >= 10 * BINS
        found = p_values(ranks, possible)
        told = (model["p_chi_square"][quantity], model["p_largest_deviation"][quantity])
        assert found == pytest.approx(told, abs=1e-6)
        assert min(found) > LEAST_P, quantity


def test_ranks_that_lean_or_crowd_are_found() -> None:
    """Both tests are strict enough for 160 ranks of a posterior that is too wide, or off by half of its width."""
    random, possible = np.random.default_rng(3), 100
    normal = random.normal(size=160)
    uniform, leaning, crowded = (
        (possible * np.vectorize(lambda z: 0.5 * math.erfc(-z / math.sqrt(2)))(values)).astype(int).tolist()
        for values in (normal, normal + 0.5, 0.5 * normal)
    )
    assert min(p_values(uniform, possible)) > LEAST_P
    assert min(p_values(leaning, possible)) < LEAST_P
    assert min(p_values(crowded, possible)) < LEAST_P


def strata(stated: float) -> Any:
    """Six strata of one small study each: so little is known of each tau that a wrong prior of it shows at once."""

    def simulate(random: np.random.Generator) -> Simulated:
        mean, taus = random.normal(0.0, 1.5), np.abs(random.normal(size=STRATA))
        model = LogitNormalModel(
            records=records(random, [10] * STRATA, expit(random.normal(mean, taus))),
            mean=NormalPrior(mean=0.0, sd=1.5),
            heterogeneity=(HalfNormal(family="half_normal", scale=stated),) * STRATA,
            stratum=np.arange(STRATA),
        )
        return Simulated(model, {f"tau[{i}]": tau for i, tau in enumerate(taus)})

    return simulate


def lean(stated: float, simulations: int) -> float:
    """Mean rank of the true taus in standard errors from the middle."""
    ranks = np.array(list(ranked(strata(stated), simulations, LIVE).ranks.values()))
    possible = LIVE.chains * LIVE.draws // 10 + 1
    sd = math.sqrt((possible**2 - 1) / 12)
    return float((ranks.mean() - (possible - 1) / 2) / (sd / math.sqrt(ranks.size)))


def test_live_ranks_of_the_right_model_do_not_lean() -> None:
    """Thirty true taus rank in the middle of their posteriors on average, but for one seed in 16,000."""
    assert abs(lean(1.0, 5)) < 4


def test_live_ranks_of_a_wrong_model_lean() -> None:
    """A prior of tau misstated three times too wide leaves the same test that the right one passes."""
    assert lean(3.0, 5) < -4
