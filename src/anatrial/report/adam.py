"""Virtual patients as an analysis data set: one row per patient, parameter and visit, under CDISC ADaM names.

The names are those of the basic data structure and of the subject-level data set of ADaM (CDISC ADaMIG 1.3); SIMTRUTH,
SIMTRIAL and ICEREAS are of this program: the truth, the number of the virtual trial, and the intercurrent event. So are
ENRLMON and RESMON, where there is recruitment: the months of enrolment and of the result. Every patient who came is
written as if no look had ended the trial.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from anatrial.documents.scenario import ResolvedScenario
from anatrial.engine.patient_switch import STAYS
from anatrial.engine.patients import NO_EVENT, Patients
from anatrial.numerics import BoolArray, FloatArray, IntArray
from anatrial.truths import AnyTruth
from anatrial.truths.points import Points

CHUNK = 1 << 18
"""Patients per batch of rows: bounds the memory."""


class Words(NamedTuple):
    """A column of texts: codes into ``values``."""

    values: Sequence[str]
    codes: IntArray


Columns = dict[str, Words | IntArray | FloatArray]


class Visit(NamedTuple):
    """One parameter at one visit; arrays per trial and patient."""

    paramcd: str
    param: str
    avisit: str
    number: int
    value: BoolArray
    seen: BoolArray
    """Patients who have the visit."""
    imputed: BoolArray
    """Results that are set to no response: the patient left, or has an event that counts as none."""
    missing: BoolArray
    """Results that nobody has, of patients who leave the analysis."""


@dataclass(frozen=True)
class _Part:
    """Some trials of a block: the number of the first of them, and their rows of every array."""

    used: ResolvedScenario
    truth: str
    first: int
    patients: Patients
    rows: slice


def adam_batches(used: ResolvedScenario, truth: str, first: int, patients: Patients) -> Iterator[Columns]:
    """Rows of a block of trials, the first of which has this number (from 0), in batches."""
    trials, n = patients.treated.shape
    visits = _visits(used, truth, patients)
    step = max(CHUNK // n, 1)
    for start in range(0, trials, step):
        part = _Part(used, truth, first + start, patients, slice(start, min(start + step, trials)))
        numbers = range(part.first + 1, part.first + 1 + len(patients.treated[part.rows]))
        subjects = [f"{trial:07d}-{patient:04d}" for trial in numbers for patient in range(1, n + 1)]
        for visit in visits:
            yield _rows(part, visit, subjects)


def _visits(used: ResolvedScenario, truth: str, patients: Patients) -> list[Visit]:
    plan, endpoint = used.resolved, used.indication.endpoints[used.scenario.endpoint]
    nobody = np.zeros_like(patients.treated)
    came = ~nobody if plan.recruitment is None else patients.arrival <= plan.recruitment.stop_at
    gone = patients.dropped if _excluded(plan.truths[truth]) else nobody
    imputed = (patients.dropped | _composite(plan.truths[truth], patients)) & ~gone
    found = [Visit("RESP", endpoint.definition, endpoint.visit, 1, patients.response, came, imputed, gone)]
    names = [event.name for event in plan.safety.events] if plan.safety else []
    for index, name in enumerate(names[: patients.adverse.shape[2]]):
        value = patients.adverse[:, :, index]
        found.append(Visit(f"AE{index + 1}", f"Adverse event: {name}", endpoint.visit, 1, value, came, nobody, nobody))
    if plan.switch is None or patients.later is None:
        return found
    later, switch = patients.later, plan.switch
    on_drug = later.on_drug & came
    found.append(Visit("RESP", endpoint.definition, switch.response_visit, 2, later.responds, on_drug, nobody, nobody))
    if switch.durability is not None:
        stays = later.cause == STAYS
        last = switch.durability.visit
        found.append(Visit("ONDRUG", "Still on the open-label drug", last, 3, stays, on_drug, nobody, nobody))
        lasting = later.responds & stays
        found.append(Visit("RESP", endpoint.definition, last, 3, lasting, on_drug, ~stays, nobody))
    return found


def _excluded(truth: AnyTruth) -> bool:
    """Whether drop-outs leave the analysis."""
    return isinstance(truth, Points) and truth.dropout is not None and truth.dropout.counted == "excluded"


def _composite(truth: AnyTruth, patients: Patients) -> BoolArray:
    """Patients with an event that makes them non-responders."""
    if not isinstance(truth, Points):
        return np.zeros_like(patients.dropped)
    chosen = [k for k, name in enumerate(truth.events) if truth.strategies[name] == "composite"]
    return np.isin(patients.event, chosen)


def _rows(part: _Part, visit: Visit, subjects: list[str]) -> Columns:
    """The rows of one visit; ``subjects`` are the numbers of all patients of the part."""
    used, patients, rows = part.used, part.patients, part.rows
    seen = visit.seen[rows]
    trial, subject = np.nonzero(seen)
    treated = patients.treated[rows][seen]
    arms = (used.scenario.arms.treatment, used.scenario.arms.control)
    planned = Words(arms, np.where(treated, 0, 1))
    on_drug = visit.number > 1  # after the comparison everyone with a visit is on the drug
    value, which = visit.value[rows][seen], trial * seen.shape[1] + subject
    missing = visit.missing[rows][seen]
    return {
        "STUDYID": _same(used.name, len(trial)),
        "USUBJID": Words([f"{used.name}-{part.truth}-{number}" for number in subjects], which),
        "SUBJID": Words(subjects, which),
        "SIMTRUTH": _same(part.truth, len(trial)),
        "SIMTRIAL": part.first + trial + 1,
        "STRATAR": Words(_strata(used), patients.stratum[rows][seen]),
        "TRT01P": planned,
        "TRT01PN": np.where(treated, 1, 2),
        "TRTA": _same(arms[0], len(trial)) if on_drug else planned,
        **_months(part, visit),
        "PARAMCD": _same(visit.paramcd, len(trial)),
        "PARAM": _same(visit.param, len(trial)),
        "AVISIT": _same(visit.avisit, len(trial)),
        "AVISITN": np.full(len(trial), visit.number),
        "AVAL": np.where(missing, np.nan, value),
        "AVALC": Words(("N", "Y", ""), np.where(missing, 2, value)),
        "DTYPE": Words(("", "NRI"), visit.imputed[rows][seen].astype(np.int64)),
        "ICEREAS": _events(part, seen),
        "DCSREAS": _left(part, visit),
        "ANL01FL": Words(("", "Y"), _analysed(part, visit)[seen].astype(np.int64)),
    }


def _months(part: _Part, visit: Visit) -> Columns:
    """The months of enrolment and of the result, which is not known of visits after the comparison."""
    plan = part.used.resolved.recruitment
    if plan is None:
        return {}
    enrolled = part.patients.arrival[part.rows][visit.seen[part.rows]]
    return {"ENRLMON": enrolled, "RESMON": enrolled + (plan.lag if visit.number == 1 else np.nan)}


def _same(text: str, n: int) -> Words:
    return Words((text,), np.zeros(n, dtype=np.int64))


def _strata(used: ResolvedScenario) -> tuple[str, ...]:
    randomisation = used.resolved.randomisation
    return tuple(randomisation.strata) if randomisation is not None and randomisation.strata else ("ALL",)


def _events(part: _Part, seen: BoolArray) -> Words:
    """Intercurrent events by name; empty for patients without one."""
    points, event = part.used.resolved.truths[part.truth], part.patients.event[part.rows][seen]
    names = tuple(points.events) if isinstance(points, Points) else ()
    return Words((*names, ""), np.where(event == NO_EVENT, len(names), event))


def _left(part: _Part, visit: Visit) -> Words:
    """Why a patient left by the visit: drop-out before the comparison, or a cause to stop after it."""
    patients, rows, plan = part.patients, part.rows, part.used.resolved.switch
    seen = visit.seen[rows]
    if visit.number < 3 or patients.later is None or plan is None or plan.durability is None:
        gone = patients.dropped[rows][seen] & (visit.number == 1)
        return Words(("", "DROP-OUT"), gone.astype(np.int64))
    cause = patients.later.cause[rows][seen]
    names = tuple(name.upper() for name in plan.durability.causes)
    return Words((*names, ""), np.where(cause == STAYS, len(names), cause))


def _analysed(part: _Part, visit: Visit) -> BoolArray:
    """Records of the primary analysis: the endpoint's visit, of those who are there and stay in the analysis."""
    return ~visit.missing[part.rows] & (visit.number == 1 and visit.paramcd == "RESP")
