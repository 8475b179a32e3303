"""Posteriors by PyMC: draws, agreement with exact numbers, interruptions and failures."""

from __future__ import annotations

import io
import logging
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.special import expit, gammaln
from scipy.stats import beta, norm

from anatrial.domain.sampled import Diagnostics
from anatrial.domain.synthesis import LEVELS, Spread
from anatrial.errors import ComputationError
from anatrial.methods.heterogeneity import Fixed, HalfNormal, Heterogeneity
from anatrial.methods.hierarchical import NormalPrior, Sampling
from anatrial.methods.sampling import (
    BetaBinomialModel,
    LogitNormalModel,
    Records,
    SampledPosterior,
    audit,
    disagreements,
    sample,
)
from anatrial.methods.summaries import rate_spread, tau_quantity
from anatrial.numerics import FloatArray
from anatrial.numerics.beta_laws import LogNormal
from anatrial.numerics.log_odds import Model, Studies, narrowest, synthesise
from anatrial.plan.ports import SILENT
from anatrial.posterior_io import Draws, from_netcdf_bytes, netcdf_bytes

QUICK = Sampling(chains=2, draws=100, tune=100, target_accept=0.95)
WIDE = HalfNormal(family="half_normal", scale=1.0)
ARMS = Records(
    tuple(f"arm-{i}" for i in range(8)),
    np.array([23, 12, 19, 9, 39, 6, 9, 10]),
    np.array([107, 44, 51, 39, 139, 20, 78, 35]),
    np.ones(8),
)
"""Placebo arms in ankylosing spondylitis: the data set of RBesT (Weber et al. 2021, J. Stat. Softw. 100(19))."""


def counts(x: list[int], n: list[int], weight: float = 1.0) -> Records:
    return Records(tuple(f"s{i}" for i in range(len(x))), np.array(x), np.array(n), np.full(len(x), weight))


def logit_normal(records: Records, heterogeneity: Heterogeneity = WIDE) -> LogitNormalModel:
    strata = np.zeros(len(records.names), dtype=np.int64)
    return LogitNormalModel(records=records, mean=NormalPrior(), heterogeneity=(heterogeneity,), stratum=strata)


def beta_binomial(records: Records) -> BetaBinomialModel:
    return BetaBinomialModel(records=records, a=1.0, b=2.0, precision=LogNormal(20.0, 1.0))


@pytest.fixture(scope="module")
def spondylitis() -> SampledPosterior:
    return sample(logit_normal(ARMS), Sampling(), ("as", "placebo"), SILENT)


def test_draws_agree_with_the_known_posterior(spondylitis: SampledPosterior) -> None:
    """Mean and quantiles of the rate in a new study, integrated by other code and printed, hold within the noise."""
    exact = {"predicted_rate": Spread(0.25828, 0.0874, (0.1109, 0.1629, 0.2486, 0.3617, 0.4714))}
    assert disagreements(audit(spondylitis, exact)) == ()
    tau = spondylitis.draws.quantities()["tau[0]"]
    assert tau.mean() == pytest.approx(0.3795, abs=4 * tau.std() / math.sqrt(1000))


def test_a_sampled_posterior_meets_every_limit(spondylitis: SampledPosterior) -> None:
    """Default settings mix well: nothing to say against the chains, and what sampled them is on record."""
    assert spondylitis.diagnostics.faults() == ()
    assert spondylitis.diagnostics.draws == 8000
    assert (spondylitis.sampler.nuts_sampler, spondylitis.sampler.mode) == ("pymc", "NUMBA")
    assert spondylitis.draws.attrs["target_accept"] == Sampling().target_accept
    assert spondylitis.draws.attrs["pymc"] == spondylitis.sampler.pymc


def test_a_sampled_posterior_holds_prior_and_data_too(spondylitis: SampledPosterior) -> None:
    """Groups as ArviZ names them, shapes as asked, and all of it survives a file."""
    groups = spondylitis.draws.groups
    assert groups["posterior"]["study_rate"].shape == (4, 2000, 8)
    assert groups["posterior"]["tau"].shape == (4, 2000, 1)
    assert groups["prior"]["predicted_rate"].shape == (1, 2000)
    assert groups["sample_stats"]["energy"].shape == (4, 2000)
    assert groups["observed_data"]["responders"].tolist() == ARMS.responders.tolist()
    assert groups["constant_data"]["patients"].tolist() == ARMS.patients.tolist()
    assert (groups["prior_predictive"]["responders"] <= ARMS.patients).all()
    back = from_netcdf_bytes(netcdf_bytes(spondylitis.draws), "", "")
    assert np.array_equal(back.groups["posterior"]["study_rate"], groups["posterior"]["study_rate"])


def test_beta_binomial_draws_agree_with_a_sum_over_a_grid() -> None:
    """Mean rate, precision, a study's rate and a new one, against sums over 300 x 120 points."""
    records = counts([0, 2, 1, 3, 0], [20, 30, 25, 40, 15])
    found = sample(beta_binomial(records), Sampling(), ("x", "y"), SILENT)
    assert found.diagnostics.faults() == ()
    mean, at = np.linspace(0, 1, 302)[1:-1, None], np.linspace(0, math.log(1e4), 120)
    precision = np.exp(at)
    a, b = mean * precision, (1 - mean) * precision
    x, rest = records.discounted
    logs = sum(gammaln(a + i) + gammaln(b + j) - gammaln(precision + i + j) for i, j in zip(x, rest, strict=True))
    logs -= 5 * (gammaln(a) + gammaln(b) - gammaln(precision))
    weights = np.exp(logs - logs.max()) * beta.pdf(mean, 1, 2) * norm.pdf(at, math.log(20), 1)
    weights /= weights.sum()
    exact = {
        "mean_rate": spread(weights.sum(axis=1), mean[:, 0]),
        "precision": spread(weights.sum(axis=0), precision),
        "study_rate[s3]": spread_of_betas(weights, a + 3, b + 37),
        "predicted_rate": spread_of_betas(weights, a, b),
    }
    assert disagreements(audit(found, exact)) == ()


def spread(weights: FloatArray, at: FloatArray) -> Spread:
    quantiles = np.interp(LEVELS, np.cumsum(weights) - weights / 2, at)
    return Spread(float(weights @ at), 1.0, tuple(quantiles.tolist()))


def spread_of_betas(weights: FloatArray, a: FloatArray, b: FloatArray) -> Spread:
    kept = weights > 1e-7
    w, a, b = weights[kept], a[kept], b[kept]
    rates = expit(np.linspace(-15, 15, 401))
    below = np.array([w @ beta.cdf(rate, a, b) for rate in rates])
    return Spread(float(w @ (a / (a + b))), 1.0, tuple(np.interp(LEVELS, below, rates).tolist()))


SPARSE = [([0, 2, 1, 3, 0], [20, 30, 25, 40, 15]), ([10], [40])]


@pytest.mark.parametrize(("x", "n"), SPARSE)
def test_sparse_data_mix_well_and_agree_with_integration(x: list[int], n: list[int]) -> None:
    """Zeros and a single study: no divergence with default settings, and integration's numbers."""
    model = logit_normal(counts(x, n))
    found = sample(model, Sampling(), ("sparse",), SILENT)
    assert found.diagnostics.faults() == ()
    studies = Studies(np.array(x, dtype=float), np.array(n, dtype=float))
    tau = WIDE.tau(narrowest(studies))
    exact = synthesise(studies, Model(NormalPrior().law, (tau,), WIDE.reach[0], model.stratum))
    spreads = {
        "mean_rate": rate_spread(exact.typical),
        "predicted_rate": rate_spread(exact.predicted),
        "tau[0]": tau_quantity("", "", WIDE, exact.tau[0]).posterior,
        **{f"study_rate[s{i}]": rate_spread(law) for i, law in enumerate(exact.studies)},
    }
    assert disagreements(audit(found, spreads)) == ()
    shifted = {**spreads, "tau[0]": Spread(0.8, 0.4, tuple(1.15 * q for q in spreads["tau[0]"].quantiles))}
    said = disagreements(audit(found, shifted))
    assert said
    assert all(words.startswith("tau[0]: ") and "standard errors apart" in words for words in said)


def test_a_fixed_tau_of_nought_pools_the_studies() -> None:
    """Every study then has the mean's rate, and so has the new one."""
    fixed = Fixed(family="fixed", value=0.0)
    found = sample(logit_normal(counts([3, 5, 8], [10, 12, 20]), fixed), QUICK, ("x",), SILENT).draws.quantities()
    assert np.array_equal(found["study_rate[s1]"], found["mean_rate"])
    assert np.array_equal(found["predicted_rate"], found["mean_rate"])
    assert not found["tau[0]"].any()


class Watched:
    """Progress that remembers, and acts when it is time."""

    def __init__(self, when: int = -1, act: Callable[[], None] = lambda: None) -> None:
        self.told: list[tuple[int, int]] = []
        self.when, self.act = when, act

    def advance(self, done: int, total: int) -> None:
        self.told.append((done, total))
        if done == self.when:
            self.act()


def interrupt() -> None:
    raise KeyboardInterrupt


def test_equal_seeds_give_equal_draws_and_progress_is_told() -> None:
    """The seed and the names decide the draws to the bit; progress counts every draw of every chain."""
    model, watched = logit_normal(counts([3, 5], [10, 12])), Watched()
    first = sample(model, QUICK, ("as", "x"), watched).draws.groups
    again = sample(model, QUICK, ("as", "x"), SILENT).draws.groups
    assert watched.told == [(done, 400) for done in range(1, 401)]
    for group, variables in first.items():
        assert all(np.array_equal(values, again[group][name]) for name, values in variables.items())
    for settings, names in ((QUICK.model_copy(update={"seed": 2}), ("as", "x")), (QUICK, ("as", "y"))):
        other = sample(model, settings, names, SILENT).draws.groups
        for group in ("posterior", "prior"):
            assert not np.isin(other[group]["predicted"], first[group]["predicted"]).any()
        assert not np.array_equal(other["prior_predictive"]["responders"], first["prior_predictive"]["responders"])


@pytest.mark.parametrize("when", [1, 150, 201, 399, 400])
def test_an_interruption_is_an_interruption(when: int) -> None:
    """Ctrl-C in any chain ends the sampling at once; PyMC alone would go on and return what it has."""
    watched = Watched(when, interrupt)
    with pytest.raises(KeyboardInterrupt):
        sample(logit_normal(counts([3], [10])), QUICK, (), watched)
    assert len(watched.told) == when


@pytest.mark.parametrize("when", [30, 399])
def test_an_interruption_within_a_step_is_one_too(when: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PyMC itself catches it: in the first chain of two, and at the end of the last."""
    import pymc

    watched, step = Watched(), pymc.NUTS.step

    def interrupted(self: Any, point: Any) -> Any:
        if len(watched.told) == when:
            watched.told.append((0, 0))
            raise KeyboardInterrupt
        return step(self, point)

    monkeypatch.setattr(pymc.NUTS, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sample(logit_normal(counts([3], [10])), QUICK, (), watched)
    assert len(watched.told) == when + 1


def test_a_failure_of_the_sampler_is_told_in_words() -> None:
    """Counts that are not numbers have no density anywhere: an error of one line, without PyMC's traceback."""
    with pytest.raises(ComputationError, match="PyMC could not sample: ") as caught:
        sample(logit_normal(counts([3], [10], math.nan)), QUICK, (), SILENT)
    assert "\n" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.filterwarnings("error")
def test_sampling_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    """Neither output nor log lines nor warnings; the level of PyMC's log is as before."""
    level, heard = logging.getLogger("pymc").level, io.StringIO()
    handler = logging.StreamHandler(heard)
    logging.getLogger().addHandler(handler)
    try:
        sample(logit_normal(counts([3], [10])), QUICK, (), SILENT)
    finally:
        logging.getLogger().removeHandler(handler)
    out, err = capfd.readouterr()
    assert (out, err, heard.getvalue()) == ("", "", "")
    assert logging.getLogger("pymc").level == level


def autoregressive(seed: int, shift: float = 0.0) -> SampledPosterior:
    """Ten quantities of four chains, standard normal with correlated neighbours."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(10, 4, 1000))
    for i in range(1, 1000):
        values[..., i] = 0.6 * values[..., i - 1] + 0.8 * values[..., i]
    posterior = {f"q{i}": chains + shift for i, chains in enumerate(values)}
    diagnostics = Diagnostics(r_hat=1.0, ess_bulk=1e3, ess_tail=1e3, divergences=0, bfmi=1.0, draws=4000)
    return SampledPosterior(Draws({"posterior": posterior}), diagnostics, None)  # type: ignore[arg-type]


def test_an_audit_alarms_for_errors_and_not_for_noise() -> None:
    """Sound draws pass forty audits of sixty comparisons; a shift of a fifth of a standard deviation is found."""
    quantiles = tuple(float(norm.ppf(level)) for level in LEVELS)
    exact = {f"q{i}": Spread(0.0, 1.0, quantiles) for i in range(10)}
    found = [audit(autoregressive(seed), exact) for seed in range(40)]
    assert all(len(agreements) == 60 for agreements in found)
    assert not any(disagreements(agreements) for agreements in found)
    distances = np.array([agreement.z for agreements in found for agreement in agreements])
    assert distances.std() == pytest.approx(1.0, abs=0.1)
    assert len(disagreements(audit(autoregressive(1, 0.2), exact))) > 10


GOOD = Diagnostics(r_hat=1.01, ess_bulk=400, ess_tail=400, divergences=0, bfmi=0.3, draws=8000)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("r_hat", 1.0101, "R-hat is 1.010"),
        ("ess_bulk", 399.9, "bulk effective size"),
        ("ess_tail", 399.9, "tail effective size"),
        ("divergences", 1, "divergences: 1"),
        ("bfmi", 0.29, "BFMI is 0.29"),
    ],
)
def test_each_limit_is_told_with_its_remedy(field: str, value: float, words: str) -> None:
    """On the limit nothing is said; beyond it one sentence, which says what to change."""
    assert GOOD.faults() == ()
    (said,) = GOOD.model_copy(update={field: value}).faults()
    assert words in said
    assert "raise sampling." in said
