"""What rows of virtual patients have in common, whatever the kind of trial: whose they are, and of what.

The names are those of CDISC ADaM (ADaMIG 1.3), as in ``report.adam``; those that begin with SIM are of this program:
SIMTRUTH, SIMTRIAL, SIMBLOCK, SIMDROP and SIMWORKS. So is ENTRYTIM.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.numerics import BoolArray, IntArray
from anatrial.report.adam import CHUNK, Columns, Words


class Parameter(NamedTuple):
    """What a row tells, and at which visit."""

    paramcd: str
    param: str
    avisit: str
    avisitn: float = 1
    """The same type in every row of a file: whole numbers, or floats where a visit of the file is between two."""


def parts(trials: int, n: int) -> Iterator[slice]:
    """Some trials of n patients after the other, so that their rows fit into memory."""
    step = max(CHUNK // n, 1)
    for start in range(0, trials, step):
        yield slice(start, min(start + step, trials))


def subjects(used: ResolvedTrial[Any], truth: str, first: int, arms: Words) -> Columns:
    """Columns of the patients of some trials, of which the first has this number (from 0).

    ``arms``: names, the treatments before the control, and the arm of every patient, codes of shape (trials, n).
    """
    trials, n = arms.codes.shape
    numbers = [
        f"{trial:07d}-{patient:04d}" for trial in range(first + 1, first + trials + 1) for patient in range(1, n + 1)
    ]
    every = np.arange(trials * n).reshape(trials, n)
    return {
        "STUDYID": same(used.name, every),
        "USUBJID": Words([f"{used.name}-{truth}-{number}" for number in numbers], every),
        "SUBJID": Words(numbers, every),
        "SIMTRUTH": same(truth, every),
        "SIMTRIAL": first + 1 + every // n,
        "TRT01P": arms,
        "TRT01PN": arms.codes + 1,
        "TRTA": arms,
    }


def records(people: Columns, what: Parameter, seen: BoolArray, told: Columns) -> Columns:
    """The rows of one parameter at one visit, of the patients who are ``seen``; all arrays of shape (trials, n)."""
    of: Columns = {
        "PARAMCD": same(what.paramcd, seen),
        "PARAM": same(what.param, seen),
        "AVISIT": same(what.avisit, seen),
        "AVISITN": np.full(seen.shape, what.avisitn),
    }
    return {name: _of(column, seen) for name, column in (people | of | told).items()}


def answers(value: BoolArray, missing: BoolArray | None = None) -> Columns:
    """Yes or no as AVAL and AVALC; neither where it is missing."""
    unknown = np.zeros_like(value) if missing is None else missing
    return {
        "AVAL": np.where(unknown, np.nan, value.astype(np.float64)),
        "AVALC": Words(("N", "Y", ""), np.where(unknown, 2, value)),
    }


def same(text: str, like: BoolArray | IntArray) -> Words:
    """One text for everybody."""
    return Words((text,), np.zeros(like.shape, dtype=np.int64))


def where(there: BoolArray, text: str = "Y") -> Words:
    """A text or nothing: a flag, or the reason of what happened to some."""
    return Words(("", text), there.astype(np.int64))


def two_arms(names: Sequence[str], sizes: Sequence[int], trials: int) -> Words:
    """The arms of trials whose patients are kept arm by arm; names beyond the sizes have nobody."""
    codes = np.repeat(np.arange(len(sizes)), sizes)
    return Words(tuple(names), np.broadcast_to(codes, (trials, len(codes))))


def _of(column: Words | np.ndarray[Any, Any], seen: BoolArray) -> Any:
    return Words(column.values, column.codes[seen]) if isinstance(column, Words) else column[seen]
