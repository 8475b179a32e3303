"""Virtual patients of a trial with several endpoints: one row per patient and endpoint or component.

PARAMCD is the name of the endpoint in capitals, or where that is longer than eight characters its first six and a
number. Components that are no endpoint have no ANL01FL. Who drops out is imputed as a non-responder throughout.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from anatrial.documents.several_endpoints import SeveralEndpointsScenario
from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.plan.several_endpoints import VirtualPatients
from anatrial.report.adam import Columns
from anatrial.report.adam_rows import Parameter, answers, parts, records, same, subjects, two_arms, where

LONGEST = 8


def adam_batches(
    used: ResolvedTrial[SeveralEndpointsScenario], truth: str, first: int, found: VirtualPatients
) -> Iterator[Columns]:
    """Rows of a block of trials, the first of which has this number (from 0), in batches."""
    design, arms = used.resolved.design, used.scenario.arms
    layout, visit = design.layout, used.indication.endpoints[used.scenario.endpoint].visit
    reaches = dict(zip(layout.parts, layout.met.T, strict=True)) | dict(
        zip(layout.endpoints, layout.reached.T, strict=True)
    )
    sizes = [n for n in design.look if n]
    for rows in parts(*found.cell.shape):
        cell, left = found.cell[rows], found.left[rows]
        people = subjects(used, truth, first + rows.start, two_arms((arms.treatment, arms.control), sizes, len(cell)))
        for (name, by_cell), code in zip(reaches.items(), codes(tuple(reaches)), strict=True):
            told, judged = answers(by_cell[cell]), np.full(cell.shape, name in layout.endpoints)
            told |= {
                "PARCAT1": same("ENDPOINT" if judged.all() else "COMPONENT", cell),
                "DTYPE": where(left, "NRI"),
                "DCSREAS": where(left, "DROP-OUT"),
                "ANL01FL": where(judged),
            }
            yield records(people, Parameter(code, name, visit), np.ones_like(judged), told)


def codes(names: Sequence[str]) -> tuple[str, ...]:
    """A PARAMCD for each name: letters and digits, the first no digit, at most eight characters, no two alike."""
    found: list[str] = []
    for number, name in enumerate(names, start=1):
        bare = "".join(letter for letter in name.upper() if letter.isalnum())
        bare = bare if bare[:1].isalpha() else f"P{bare}"
        code, counted = bare, number
        while len(code) > LONGEST or code in found:
            code, counted = f"{bare[: LONGEST - 2]}{counted:02d}", counted + 1
        found.append(code)
    return tuple(found)
