"""Draws of a PyMC model by PyMC's own NUTS: all that were asked for, in silence, or an error."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from anatrial.errors import ComputationError
from anatrial.methods.hierarchical import Sampling
from anatrial.posterior_io import Array, from_arviz

NUTS, MODE = "pymc", "NUMBA"
"""PyMC's own sampler in a mode that needs no compiler: draws do not depend on what else is installed."""
KEPT = ("diverging", "energy", "tree_depth", "n_steps", "step_size", "acceptance_rate", "lp")


class Progress(Protocol):
    """Told how far the sampling has come."""

    def advance(self, done: int, total: int) -> None:
        """``done`` of ``total`` draws are made, of all chains, tuning included."""


def by_nuts(
    build: Callable[[], Any], settings: Sampling, seed: int, progress: Progress
) -> tuple[Mapping[str, Array], Mapping[str, Array]]:
    """Draws of a PyMC model's variables by name, and of the sampler's statistics, each of shape (chains, draws, ...).

    ``build`` makes the model; ``seed`` in [0, 2^31) decides the draws together with the settings, whose own seed is
    not used. Chains run one after the other: the same draws as side by side, without other processes that an
    interruption would have to reach.

    Raises ``ComputationError`` where PyMC fails or gives fewer draws than asked for, ``KeyboardInterrupt`` where it was
    interrupted.
    """
    watch = _Watch(settings, progress)
    try:
        with _quiet():
            import pymc

            trace = pymc.sample(
                model=build(),
                nuts_sampler=NUTS,
                compile_kwargs={"mode": MODE},
                random_seed=seed,
                cores=1,
                progressbar=False,
                compute_convergence_checks=False,
                callback=watch,
                **settings.model_dump(exclude={"seed"}),
            )
    except _Interrupted:
        raise KeyboardInterrupt from None
    except (RuntimeError, ValueError, ArithmeticError) as error:
        first = str(error).strip().partition("\n")[0]
        raise ComputationError(f"PyMC could not sample: {first}") from None
    if watch.done != watch.total:
        raise KeyboardInterrupt
    found = from_arviz(trace, "posterior", "sample_stats").groups
    shapes = {name: values.shape[:2] for group in found.values() for name, values in group.items()}
    if set(shapes.values()) != {(settings.chains, settings.draws)}:
        raise ComputationError(f"PyMC: {settings.chains} chains of {settings.draws} draws asked for, got {shapes}")
    return found["posterior"], {name: found["sample_stats"][name] for name in KEPT}


class _Interrupted(Exception):  # noqa: N818 - not an error: it carries an interruption through PyMC
    """PyMC takes a ``KeyboardInterrupt`` for the end of a chain and goes on with the next; not so this."""


class _Watch:
    """Told of every draw; knows whether all were made."""

    def __init__(self, settings: Sampling, progress: Progress) -> None:
        self.per_chain = settings.tune + settings.draws
        self.total, self.done, self.progress = settings.chains * self.per_chain, 0, progress

    def __call__(self, *, draw: Any, **_: object) -> None:
        self.done += 1
        if draw.chain * self.per_chain + draw.draw_idx + 1 != self.done:  # the chain before was cut short
            raise _Interrupted
        try:
            self.progress.advance(self.done, self.total)
        except KeyboardInterrupt:
            raise _Interrupted from None


@contextmanager
def _quiet() -> Iterator[None]:
    """PyMC's and PyTensor's remarks on compilers, chains and timing go nowhere: what matters is in the diagnostics."""
    with _silent("pytensor.configdefaults"):
        import pymc

    with _silent(pymc.__name__), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PyTensor could not link to a BLAS", UserWarning)
        yield


@contextmanager
def _silent(name: str) -> Iterator[None]:
    """A logger that tells of nothing; importing PyMC sets its own level, hence after the import."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
