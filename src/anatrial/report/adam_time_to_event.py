"""Virtual patients of a trial of times to an event, as ADTTE: one row per patient.

Times are in the unit of the design. CNSR is 0 at the event, else 1; ENTRYTIM is the time of entry after the first
possible one.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from anatrial.documents.time_to_event import TimeToEventScenario
from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.engine.time_to_event import Watched
from anatrial.report.adam import Columns, Words
from anatrial.report.adam_rows import Parameter, parts, records, subjects, two_arms, where

LOST, OVER = "LOST TO FOLLOW-UP", "END OF FOLLOW-UP"


def adam_batches(used: ResolvedTrial[TimeToEventScenario], truth: str, first: int, found: Watched) -> Iterator[Columns]:
    """Rows of a block of trials, the first of which has this number (from 0), in batches."""
    design, arms = used.resolved.design, used.scenario.arms
    sizes = (design.n.treatment, *(() if design.n.control is None else (design.n.control,)))
    what = Parameter("TTE", f"Time to {design.event} ({design.unit})", "End of follow-up")
    for rows in parts(*found.entry.shape):
        happened, lost = found.times.happened[rows], found.lost[rows]
        people = subjects(
            used, truth, first + rows.start, two_arms((arms.treatment, arms.control), sizes, len(happened))
        )
        told: Columns = {
            "ENTRYTIM": found.entry[rows],
            "AVAL": found.times.time[rows],
            "CNSR": np.where(happened, 0, 1),
            "EVNTDESC": Words((design.event.upper(), LOST, OVER), np.where(happened, 0, np.where(lost, 1, 2))),
            "CNSDTDSC": Words(("", "LAST CONTACT", OVER), np.where(happened, 0, np.where(lost, 1, 2))),
            "DCSREAS": where(lost, LOST),
            "ANL01FL": where(np.ones_like(happened)),
        }
        yield records(people, what, np.ones_like(happened), told)
