"""Stopping for adverse events beside efficacy: exact, patient by patient."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from anatrial.designs.safety import Bound, EventRates, Safety
from anatrial.domain.counts import Look
from anatrial.numerics import FloatArray


class Ending(NamedTuple):
    """A look at which the trial would end if nothing happened for safety.

    ``ends``: probability that it ends there, over all looks they sum to 1; ``success``: with success. ``waiting``:
    patients of each arm who are recruited by then but not seen.
    """

    look: Look
    ends: float
    success: float
    waiting: Look = Look(0, 0)


class WithSafety(NamedTuple):
    """What becomes of the trial when it may stop for safety too; patients and events are expected numbers."""

    success: float
    """Success at a look, and no stop for safety by then."""
    stop: float
    """The trial ends for safety."""
    treatment: float
    control: float
    """Patients recruited."""

    @property
    def patients(self) -> float:
        """Of both arms."""
        return self.treatment + self.control


def kept(bounds: tuple[Bound, ...], rate: float, n: int) -> FloatArray:
    """Probability that one event has not stopped the trial by the time m treatment patients are seen, m = 0..n.

    Parameters
    ----------
    bounds
        The least numbers of events that stop, at rising numbers of patients.
    rate
        Probability of the event per patient, in [0, 1].
    n
        Treatment patients of the trial.

    Returns
    -------
    Shape (n + 1,), never rising; the check after the m-th patient is included in entry m.

    Source
    ------
    Forward recursion of the count with absorption at the boundary, as Ivanova, Qaqish & Schell (2005), Biometrics
    61:540-545, for continuous monitoring of toxicity.
    """
    least = {bound.patients: bound.events for bound in bounds}
    mass = np.zeros(n + 2)
    mass[0] = 1.0
    found = np.ones(n + 1)
    for m in range(1, n + 1):
        mass[1 : m + 1] = mass[1 : m + 1] * (1.0 - rate) + mass[:m] * rate
        mass[0] *= 1.0 - rate
        if m in least:
            mass[least[m] :] = 0.0
        found[m] = min(float(mass[: m + 1].sum()), found[m - 1])
    return found


def kept_by_event(safety: Safety, rates: dict[str, EventRates], looks: tuple[Look, ...]) -> dict[str, FloatArray]:
    """The same for every event of a trial with these looks, by its name."""
    n_t = looks[-1].n_t
    return {event.name: kept(event.bounds(looks), rates[event.name].treatment, n_t) for event in safety.events}


def with_safety(endings: tuple[Ending, ...], kept_all: FloatArray) -> WithSafety:
    """A trial that ends by efficacy or for safety, whichever comes first.

    The safety check comes before the efficacy look at the same patient. Between two looks both arms fill in step, so
    that control patients are in proportion; after a stop for safety as many patients wait as at the next look.

    Parameters
    ----------
    endings
        Every look, in order, with its probabilities under one truth.
    kept_all
        P(no event has stopped the trial by m treatment patients), shape (n_t + 1,): of independent events the product.
    """
    success = stop = treatment = control = 0.0
    stops = -np.diff(kept_all, prepend=1.0)  # at exactly m treatment patients
    m = np.arange(len(kept_all), dtype=np.float64)
    control_at, waits_t, waits_c = _recruited([ending.look for ending in endings], endings, m)
    for ending in endings:
        n_t, n_c = ending.look
        keeps = float(kept_all[n_t])
        success += ending.success * keeps
        stop += ending.ends * (1.0 - keeps)
        until = stops[: n_t + 1]
        with_t, with_c = m[: n_t + 1] + waits_t[: n_t + 1], control_at[: n_t + 1] + waits_c[: n_t + 1]
        treatment += ending.ends * (keeps * (n_t + ending.waiting.n_t) + float(until @ with_t))
        control += ending.ends * (keeps * (n_c + ending.waiting.n_c) + float(until @ with_c))
    return WithSafety(success, stop, treatment, control)


def _recruited(
    looks: list[Look], endings: tuple[Ending, ...], m: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Control patients when m treatment patients are seen, and the patients of each arm who wait then."""
    at_t = np.array([0, *(look.n_t for look in looks)])
    at_c = np.array([0, *(look.n_c for look in looks)])
    first = np.concatenate([[True], np.diff(at_t) > 0])  # a look that adds no treatment patient has no m of its own
    following = np.minimum(np.searchsorted(at_t[1:], m), len(looks) - 1)
    left_t, left_c = at_t[-1] - m, at_c[-1] - np.interp(m, at_t[first], at_c[first])
    waits_t = np.minimum(np.array([ending.waiting.n_t for ending in endings])[following], left_t)
    waits_c = np.minimum(np.array([ending.waiting.n_c for ending in endings])[following], left_c)
    return np.interp(m, at_t[first], at_c[first]), waits_t, waits_c
