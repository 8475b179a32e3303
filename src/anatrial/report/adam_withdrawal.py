"""Virtual patients of a randomised withdrawal: the run-in of everybody, then those who were randomised.

TRT01P is the run-in, TRT02P what the patient was randomised to, empty for those who were not; APERIOD tells the two
apart, RANDFL who was randomised.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.documents.withdrawal import WithdrawalScenario
from anatrial.engine.withdrawal import Patients
from anatrial.numerics import BoolArray
from anatrial.report.adam import Columns, Words
from anatrial.report.adam_rows import Parameter, answers, parts, records, same, subjects, two_arms, where


def adam_batches(used: ResolvedTrial[WithdrawalScenario], truth: str, first: int, found: Patients) -> Iterator[Columns]:
    """Rows of a block of trials, the first of which has this number (from 0), in batches."""
    design, arms = used.resolved.design, used.scenario.arms
    definition = used.indication.endpoints[used.scenario.endpoint].definition
    for rows in parts(*found.responds.shape):
        responds = found.responds[rows]
        number = responds.sum(axis=1, keepdims=True)
        randomised = responds & (number >= design.least_responders)
        rank = np.maximum(responds.cumsum(axis=1) - 1, 0)  # which responder a patient is
        treated, free = (np.take_along_axis(what[rows], rank, axis=1) for what in (found.treated, found.free))
        run_in = two_arms((arms.treatment,), (design.enrolled,), len(responds))
        later = Words((arms.treatment, arms.control, ""), np.where(randomised, np.where(treated, 0, 1), 2))
        people = subjects(used, truth, first + rows.start, run_in)
        people |= {"TRT02P": later, "RANDFL": Words(("N", "Y"), randomised.astype(np.int64))}
        told = _period(1, "RUN-IN", responds) | answers(responds)
        told |= {"DCSREAS": where(~responds, "LACK OF EFFICACY"), "ANL01FL": same("", responds)}
        yield records(people, Parameter("RESP", "Response to the run-in", "Run-in", 1), np.ones_like(responds), told)
        told = _period(2, "RANDOMISED WITHDRAWAL", responds) | answers(free)
        told |= {"DCSREAS": same("", responds), "ANL01FL": where(randomised)}
        what = Parameter("NOFLARE", f"No flare: {definition}", "Randomised withdrawal", 2)
        yield records(people | {"TRTA": later}, what, randomised, told)


def _period(number: int, name: str, like: BoolArray) -> Columns:
    return {"APERIOD": np.full(like.shape, number), "APERIODC": same(name, like)}
