"""Effective sample sizes against RBesT: rbest.json says how each value was made."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.building import cases, mixture, named

from anatrial.numerics.information import logit_normal_elir, logit_normal_moment

Case = dict[str, Any]
FILE = "rbest.json"
KIND = "effective_sample_size"


@pytest.mark.parametrize("case", cases(FILE, KIND), ids=named)
def test_moment_effective_n(case: Case) -> None:
    """The moment effective n is RBesT's."""
    found = mixture(case["inputs"]["mixture"]).effective_n
    assert found == pytest.approx(case["expected"]["moment"], rel=case["tolerance"]["rel"])


@pytest.mark.parametrize("case", cases(FILE, KIND), ids=named)
def test_elir(case: Case) -> None:
    """ELIR on the response scale is RBesT's, or the independent value where RBesT's is known to be off."""
    found = mixture(case["inputs"]["mixture"]).elir
    assert found == pytest.approx(case["expected"]["elir"], rel=case["tolerance"]["rel"])


@pytest.mark.parametrize("case", cases(FILE, KIND), ids=named)
def test_elir_on_log_odds(case: Case) -> None:
    """ELIR on the log-odds scale is the independent value of the same file, to all its digits."""
    found = mixture(case["inputs"]["mixture"]).elir_log_odds
    assert found == pytest.approx(case["independent_extra"]["elir_log_odds_scale"], rel=1e-13)


@pytest.mark.parametrize("case", [c for c in cases(FILE, KIND) if "morita" in c["expected"]], ids=named)
def test_morita(case: Case) -> None:
    """The Morita number is RBesT's, as far as its search for the mode lets that be told."""
    assert case["inputs"]["morita_flattening"] == 100
    found = mixture(case["inputs"]["mixture"]).morita
    assert found == pytest.approx(case["expected"]["morita"], rel=case["tolerance"]["morita_rel"])


@pytest.mark.parametrize("case", cases(FILE, "effective_sample_size_logit_normal_mixture"), ids=named)
def test_logit_normal(case: Case) -> None:
    """ELIR and the moment number of normal log odds are RBesT's for a binomial likelihood."""
    parts, within = np.array(case["inputs"]["logit_normal_mixture"], float), case["tolerance"]["rel"]
    found = {"elir": logit_normal_elir(parts), "moment": logit_normal_moment(parts)}
    assert found == pytest.approx(case["expected"], rel=within)
