"""Evidence synthesis: integration against PyMC's NUTS, closed forms, and forty leave-one-out fits."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.benchmarks.measure import Row, cpu, fresh
from tests.dense import Dense

from anatrial.domain.prior import Contribution
from anatrial.methods.heterogeneity import HalfNormal
from anatrial.methods.map import Map
from anatrial.methods.sampling import sample
from anatrial.numerics.densities import inverse_quantiles
from anatrial.numerics.mixture_fit import of_parts
from anatrial.plan.ports import SILENT

RESPONDERS, PATIENTS = [23, 12, 19, 9, 39, 6, 9, 10], [107, 44, 51, 39, 139, 20, 78, 35]
"""Placebo arms of eight trials in ankylosing spondylitis (ASAS20)."""
LEVELS = (0.005, 0.025, 0.1, 0.5, 0.9, 0.975, 0.995)
SCALES = (0.25, 0.5, 0.75, 1.0, 2.0)
INDICATION = """
version = 1
indication = "bench"
title = "Eight placebo arms"
[endpoints.asas20]
definition = "ASAS20 response"
visit = "week 6"
[priors.placebo]
title = "Placebo"
method = "map"
endpoint = "asas20"
engine = "{engine}"
outcomes = [{outcomes}]
heterogeneity = {{ family = "half_normal", scale = 1.0 }}
"""
STUDY = """
[[studies]]
id = "s-{i}"
title = "Trial {i}"
citation = "Trial {i}"
tier = "rct_double_blind"
arms = [{{ id = "placebo", role = "placebo", drug = "placebo" }}]
[[studies.outcomes]]
id = "o-{i}"
source_id = "o-{i}"
arm = "placebo"
endpoint = "asas20"
visit = "week 6"
analysis_set = "itt"
n = {n}
responders = {x}
overlap = ["s-{i}"]
locator = "table 1"
"""
DERIVE = """
import contextlib, io, os, sys
os.chdir({folder!r})
sys.argv = ["anatrial", "prior", "derive", "bench"]
from anatrial.cli import main
with contextlib.redirect_stdout(io.StringIO()):
    try:
        main()
    except SystemExit as ended:
        if ended.code:
            raise
"""


def rows() -> Iterator[Row]:
    """Eight trials, mean N(0, 2^2), half-normal(1)."""
    brought = tuple(
        Contribution(
            outcome=f"o-{i}", study=f"s-{i}", title=f"{i}", visit="week 6", n=n, responders=x, weight=1, why="-"
        )
        for i, (x, n) in enumerate(zip(RESPONDERS, PATIENTS, strict=True))
    )
    recipe = _recipe(1.0)
    model = recipe.sampler_model(brought)
    law = recipe.predicted(brought)
    ours, peer = cpu(
        lambda: inverse_quantiles(recipe.predicted(brought), LEVELS),
        lambda: sample(model, recipe.sampling.model_copy(update={"draws": 1000, "tune": 1000}), ("bench",), SILENT),
        repetitions=3,
    )
    other = Dense(RESPONDERS, PATIENTS, (0.0, 2.0), lambda tau: -0.5 * tau**2, 8.0)
    gap = max(abs(other.below(q) - p) for q, p in zip(inverse_quantiles(law, LEVELS), LEVELS, strict=True))
    yield Row(
        "a new trial's quantiles, against warm NUTS", ours, peer, peer / ours, ">= 200", f"{gap:.1e} by a second method"
    )
    for parts, target in ((3, "<= 6e-4"), (4, "<= 6e-5")):
        fitting, quantiles = cpu(partial(of_parts, law, parts), partial(inverse_quantiles, law, LEVELS), repetitions=3)
        found = of_parts(law, parts)
        yield Row(f"closed form of {parts} Betas (ratio: KL)", fitting, quantiles, found.divergence, target)
    (ours,) = cpu(lambda: _left_out(brought), repetitions=3)
    yield Row("8 studies left out x 5 hyperpriors", ours, 1.0, ours, "<= 1", "ratio: seconds of CPU")
    with tempfile.TemporaryDirectory() as folder:
        programs = [_program(Path(folder), engine) for engine in ("quadrature", "nuts")]
        ours, peer = fresh(*programs, repetitions=3)
    yield Row("anatrial prior derive, against engine nuts", ours, peer, peer / ours, ">= 10", "whole processes")


def _recipe(scale: float) -> Map:
    spread = HalfNormal(family="half_normal", scale=scale)
    return Map(title="-", method="map", endpoint="asas20", outcomes=("o-0",), heterogeneity=spread)


def _left_out(brought: tuple[Contribution, ...]) -> list[tuple[float, ...]]:
    kept = [tuple(c for c in brought if c is not left) for left in brought]
    return [inverse_quantiles(_recipe(scale).predicted(some), LEVELS) for scale in SCALES for some in kept]


def _program(folder: Path, engine: str) -> str:
    outcomes = ", ".join(f'"o-{i}"' for i in range(len(PATIENTS)))
    counts = zip(RESPONDERS, PATIENTS, strict=True)
    studies = "".join(STUDY.format(i=i, x=x, n=n) for i, (x, n) in enumerate(counts))
    priors = folder / engine / "priors"
    priors.mkdir(parents=True)
    (priors / "bench.toml").write_text(INDICATION.format(engine=engine, outcomes=outcomes) + studies)
    return DERIVE.format(folder=str(priors.parent))
