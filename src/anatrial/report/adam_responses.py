"""Virtual patients of trials with one answer per patient: several doses, adaptive allocation, baskets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from anatrial.designs.response_adaptive import dose_said
from anatrial.documents.basket import BasketScenario
from anatrial.documents.response_adaptive import ResponseAdaptiveScenario
from anatrial.documents.several_arms import SeveralArmsScenario
from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.engine.response_adaptive import Outcome
from anatrial.numerics import BoolArray, IntArray
from anatrial.plan.basket import BasketPatients
from anatrial.report.adam import Columns, Words
from anatrial.report.adam_rows import Parameter, answers, parts, records, subjects, two_arms, where


def several_arms(
    used: ResolvedTrial[SeveralArmsScenario], truth: str, first: int, found: BoolArray
) -> Iterator[Columns]:
    """Rows of a block of trials, the first of which has this number (from 0), in batches; the control comes first."""
    sizes = used.resolved.design.sizes()
    arm = np.repeat(np.arange(len(sizes.doses) + 1), (sizes.control, *sizes.doses))
    for rows in parts(*found.shape):
        responds = found[rows]
        names = _doses(used, sizes.names, np.broadcast_to(arm, responds.shape))
        everyone = np.ones_like(responds)
        told = answers(responds) | {"ANL01FL": where(everyone)}
        yield records(subjects(used, truth, first + rows.start, names), _response(used), everyone, told)


def response_adaptive(
    used: ResolvedTrial[ResponseAdaptiveScenario], truth: str, first: int, found: Outcome
) -> Iterator[Columns]:
    """The same of adaptive allocation: only patients who came before an early end.

    SIMBLOCK is the number of the update after which a patient came, 0 before the first; SIMDROP says Y where the
    patient's dose was dropped, which then cannot succeed.
    """
    design = used.resolved.design
    order = np.arange(design.n)
    block = np.maximum((order - design.arms * design.burn_in) // design.block + 1, 0)
    for rows in parts(*found.arm.shape):
        arm = found.arm[rows].astype(np.int64)
        came = arm >= 0
        lost = np.concatenate([np.zeros((len(arm), 1), dtype=np.bool_), found.dropped[rows]], axis=1)
        told = {
            "SIMBLOCK": np.broadcast_to(block, arm.shape),
            "SIMDROP": where(np.take_along_axis(lost, np.maximum(arm, 0), axis=1)),
            **answers(found.responds[rows]),
            "ANL01FL": where(came),
        }
        people = subjects(used, truth, first + rows.start, _doses(used, design.doses, np.maximum(arm, 0)))
        yield records(people, _response(used), came, told)


def basket(used: ResolvedTrial[BasketScenario], truth: str, first: int, found: BasketPatients) -> Iterator[Columns]:
    """The same of a basket trial: COHORT is the disease, SIMWORKS whether the treatment works in it in this trial."""
    design, treatment = used.resolved.design, used.scenario.arms.treatment
    disease = np.repeat(np.arange(len(design.sizes)), design.sizes)
    for rows in parts(*found.responds.shape):
        responds = found.responds[rows]
        everyone = np.ones_like(responds)
        people = subjects(used, truth, first + rows.start, two_arms((treatment,), responds.shape[1:], len(responds)))
        people |= {
            "COHORT": Words(tuple(design.baskets), np.broadcast_to(disease, responds.shape)),
            "SIMWORKS": Words(("N", "Y"), found.works[rows][:, disease].astype(np.int64)),
        }
        told = answers(responds) | {"ANL01FL": where(everyone)}
        yield records(people, _response(used), everyone, told)


def _response(used: ResolvedTrial[Any]) -> Parameter:
    endpoint = used.indication.endpoints[used.scenario.endpoint]
    return Parameter("RESP", endpoint.definition, endpoint.visit)


def _doses(used: ResolvedTrial[Any], doses: tuple[str, ...], arm: IntArray) -> Words:
    """Names of the arms, the control last, where ``arm`` counts it as 0."""
    arms = used.scenario.arms
    names = (*(dose_said(dose, arms.treatment) for dose in doses), arms.control)
    return Words(names, np.where(arm == 0, len(doses), arm - 1))
