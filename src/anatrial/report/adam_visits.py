"""Virtual patients of a trial with visits: one row per patient and visit, also of visits after the patient has left.

There AVAL is what the file's rule for missing visits says, with DTYPE NRI (no response) or LOCF (the one seen last), or
missing where the rule leaves patients out. ANL01FL is the one record of the analysis of each patient who is in it: the
visit that is asked, or SUSTRESP, derived from the visits at which a sustained responder must respond.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from anatrial.designs.visits import Sustained, Visits
from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.documents.visits import VisitsScenario
from anatrial.engine.visits import Patients, Visited
from anatrial.numerics import BoolArray
from anatrial.report.adam import Columns, Words
from anatrial.report.adam_rows import Parameter, answers, parts, records, same, subjects, two_arms, where

IMPUTED = ("", "LOCF", "NRI")


def adam_batches(used: ResolvedTrial[VisitsScenario], truth: str, first: int, found: Patients) -> Iterator[Columns]:
    """Rows of a block of trials, the first of which has this number (from 0), in batches."""
    design, arms = used.resolved.design, used.scenario.arms
    sizes = [n for n in design.look if n]
    trials = len(found.arms[0][0].there)
    for rows in parts(trials, sum(sizes)):
        here = rows.stop - rows.start
        people = subjects(used, truth, first + rows.start, two_arms((arms.treatment, arms.control), sizes, here))
        visits = [_together([arm[visit] for arm in found.arms], rows) for visit in range(len(design.visits))]
        yield from _responses(used, people, visits)
        yield from _events(used, people, [events[rows] for events in found.events])


def _together(arms: list[Visited], rows: slice) -> Visited:
    """The patients of all arms side by side."""
    there, responds = (np.concatenate([arm[k][rows] for arm in arms], axis=1) for k in range(2))
    return Visited(there, responds)


def _responses(used: ResolvedTrial[VisitsScenario], people: Columns, visits: list[Visited]) -> Iterator[Columns]:
    design, definition = used.resolved.design, used.indication.endpoints[used.scenario.endpoint].definition
    missing, window = design.analysis.missing, design.window
    analysed = visits[window.last].there if missing == "observed_only" else np.ones_like(visits[0].there)
    sustained = isinstance(design.analysis, Sustained)
    seen_before = carried = np.zeros_like(visits[0].there)
    lasting = np.ones_like(visits[0].there)
    for index, (time, (there, responds)) in enumerate(zip(design.visits, visits, strict=True)):
        carried, seen_before = np.where(there, responds, carried), seen_before | there
        match missing:
            case "non_responder":
                value, how = there & responds, np.where(there, 0, 2)
            case "last_observation":
                value, how = carried, np.where(there, 0, np.where(seen_before, 1, 2))
            case "observed_only":
                value, how = responds, np.zeros(there.shape, dtype=np.int64)
        lasting = lasting & (value | (index < window.first))
        told = answers(value, ~there if missing == "observed_only" else None) | {
            "DTYPE": Words(IMPUTED, how),
            "DCSREAS": where(~there, "DROP-OUT"),
            "ANL01FL": where(analysed & (index == window.last and not sustained)),
        }
        what = Parameter("RESP", definition, _said(design, time), _number(design, time))
        yield records(people, what, np.ones_like(there), told)
    if sustained:
        first, last = design.visits[window.first], design.visits[window.last]
        told = answers(lasting, ~analysed) | {
            "DTYPE": same("", lasting),
            "DCSREAS": where(~visits[window.last].there, "DROP-OUT"),
            "ANL01FL": where(analysed),
        }
        name = f"{_said(design, first)} to {last:g}"
        what = Parameter("SUSTRESP", f"Sustained response: {definition}", name, _number(design, last))
        yield records(people, what, np.ones_like(lasting), told)


def _said(design: Visits, time: float) -> str:
    return f"{design.unit[:-1].capitalize()} {time:g}"


def _number(design: Visits, time: float) -> float:
    """A time as the number of a visit: whole where all of them are."""
    return int(time) if all(float(visit).is_integer() for visit in design.visits) else float(time)


def _events(used: ResolvedTrial[VisitsScenario], people: Columns, events: list[BoolArray]) -> Iterator[Columns]:
    """Adverse events of the patients on treatment: those that the boundaries for safety count."""
    plan = used.resolved
    if plan.safety is None:
        return
    n_t, n_c = plan.design.look
    for number, (event, found) in enumerate(zip(plan.safety.events, events, strict=False), start=1):
        happened = np.pad(found, ((0, 0), (0, n_c)))
        nothing = same("", happened)
        told = answers(happened) | {"DTYPE": nothing, "DCSREAS": nothing, "ANL01FL": nothing}
        what = Parameter(f"AE{number}", f"Adverse event: {event.name}", "Overall", _number(plan.design, 0))
        yield records(people, what, np.broadcast_to(np.arange(n_t + n_c) < n_t, happened.shape), told)
