"""Simulation-based calibration of the PyMC models: ``python -m tests.calibration.sbc [--seed N]`` renews sbc.json.

Parameters are drawn from their prior and counts from the parameters; the rank of each true value among the draws of
its posterior is then uniform if the sampler and its model are right.

Source: Talts, Betancourt, Simpson, Vehtari & Gelman (2018), arXiv:1804.06788.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit, kolmogorov
from scipy.stats import chisquare

from anatrial.domain.sampled import Sampler
from anatrial.methods.heterogeneity import HalfNormal
from anatrial.methods.hierarchical import NormalPrior, Sampling
from anatrial.methods.sampling import BetaBinomialModel, LogitNormalModel, Records, sample
from anatrial.numerics import FloatArray
from anatrial.numerics.beta_laws import LogNormal
from anatrial.plan.ports import SILENT

RESULT = Path(__file__).with_name("sbc.json")
SEED, SIMULATIONS, BINS = 20181, 160, 10
SETTINGS = Sampling(chains=3, draws=330, tune=500, target_accept=0.95)
THIN = 10  # 3 chains of 33 draws that are nearly independent: ranks 0 to 99
PATIENTS = (20, 45, 12, 60, 30)
"""Sizes of the simulated studies."""

Truth = dict[str, float]


class Simulated(NamedTuple):
    """A model with counts that its own prior could have brought, and the parameters behind them."""

    model: LogitNormalModel | BetaBinomialModel
    truth: Truth


def logit_normal(random: np.random.Generator) -> Simulated:
    """Spread half-normal(1), log odds of the mean N(0, 1.5^2)."""
    mean, tau = random.normal(0.0, 1.5), abs(random.normal())
    rates = expit(random.normal(mean, tau, len(PATIENTS) + 1))
    model = LogitNormalModel(
        records=records(random, PATIENTS, rates[:-1]),
        mean=NormalPrior(mean=0.0, sd=1.5),
        heterogeneity=(HalfNormal(family="half_normal", scale=1.0),),
        stratum=np.zeros(len(PATIENTS), dtype=np.int64),
    )
    return Simulated(model, {"mean": mean, "tau[0]": tau, "study_rate[a]": rates[0], "predicted_rate": rates[-1]})


def beta_binomial(random: np.random.Generator) -> Simulated:
    """Mean Beta(1, 2), precision log-normal with median 20 and standard deviation 1 of the logarithm."""
    mean, precision = random.beta(1.0, 2.0), 20.0 * np.exp(random.normal())
    rates = random.beta(mean * precision, (1 - mean) * precision, len(PATIENTS) + 1)
    seen = records(random, PATIENTS, rates[:-1])
    model = BetaBinomialModel(records=seen, a=1.0, b=2.0, precision=LogNormal(20.0, 1.0))
    truth = {"mean_rate": mean, "precision": precision, "study_rate[a]": rates[0], "predicted_rate": rates[-1]}
    return Simulated(model, truth)


Simulate = Callable[[np.random.Generator], Simulated]
MODELS: dict[str, Simulate] = {"logit_normal": logit_normal, "beta_binomial": beta_binomial}


def records(random: np.random.Generator, patients: Sequence[int], rates: FloatArray) -> Records:
    """Simulated counts of studies a, b, c, ..."""
    sizes = np.array(patients)
    return Records(tuple("abcdefgh"[: len(sizes)]), random.binomial(sizes, rates), sizes, np.ones(len(sizes)))


class Ranked(NamedTuple):
    """Ranks of the true values, per quantity one for each simulation; divergences of all; what sampled."""

    ranks: dict[str, list[int]]
    divergences: int
    sampler: Sampler


def ranked(simulate: Simulate, simulations: int, settings: Sampling) -> Ranked:
    """Simulate and fit as often as asked; the seed of the settings decides everything."""
    random = np.random.default_rng(settings.seed)
    ranks: dict[str, list[int]] = {}
    divergences, sampler = 0, None
    for index in range(simulations):
        model, truth = simulate(random)
        fit = sample(model, settings, ("sbc", str(index)), SILENT)
        divergences, sampler = divergences + fit.diagnostics.divergences, fit.sampler
        drawn = fit.draws.quantities()
        for quantity, value in truth.items():
            ranks.setdefault(quantity, []).append(int((drawn[quantity][:, ::THIN] < value).sum()))
    assert sampler is not None
    return Ranked(ranks, divergences, sampler)


def p_values(ranks: list[int], possible: int) -> tuple[float, float]:
    """Two tests of uniform ranks in 0 to possible - 1: chi-square in 10 bins, and the largest deviation of the ECDF.

    The second (Kolmogorov's law) is conservative for ranks, which are discrete.
    """
    found = np.asarray(ranks)
    heights = np.bincount(found * BINS // possible, minlength=BINS)
    below = np.cumsum(np.bincount(found, minlength=possible)) / len(found)
    deviation = np.abs(below - np.arange(1, possible + 1) / possible).max()
    return float(chisquare(heights).pvalue), float(kolmogorov(np.sqrt(len(found)) * deviation))


def settings_of(seed: int) -> dict[str, Any]:
    """All that decides a run, as it is stored."""
    sampling = SETTINGS.model_copy(update={"seed": seed}).model_dump()
    return {"simulations": SIMULATIONS, "thin": THIN, "patients": list(PATIENTS), "sampling": sampling}


def main() -> None:
    """Run both models and store ranks, p-values, settings and versions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=SEED)
    seed = parser.parse_args().seed
    settings = SETTINGS.model_copy(update={"seed": seed})
    possible = settings.chains * settings.draws // THIN + 1
    stored: dict[str, Any] = {"settings": settings_of(seed), "models": {}}
    for name, simulate in MODELS.items():
        found = ranked(simulate, SIMULATIONS, settings)
        tests = {quantity: p_values(ranks, possible) for quantity, ranks in found.ranks.items()}
        stored["sampler"] = found.sampler.model_dump()
        stored["models"][name] = {
            "divergences": found.divergences,
            "p_chi_square": {quantity: round(p, 6) for quantity, (p, _) in tests.items()},
            "p_largest_deviation": {quantity: round(p, 6) for quantity, (_, p) in tests.items()},
            "ranks": {quantity: " ".join(map(str, ranks)) for quantity, ranks in found.ranks.items()},
        }
    RESULT.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
