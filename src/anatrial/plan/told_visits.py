"""Example trials with visits: who responds and who has left at each visit, and what the rule makes of it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.documents.visits import VisitsScenario
from anatrial.domain.counts import Look
from anatrial.domain.told_trials import Course, Judged, Seen, Telling
from anatrial.engine.visits import Patients, Visited, decided, first_stop, responding
from anatrial.plan.example_looks import judged_at_end
from anatrial.plan.told_trials import Observed, Played, Special, many, share_of
from anatrial.plan.trials import settings
from anatrial.plan.visits import case_of, patients
from anatrial.truths.visits import MarkovPrior


def works(plan: VisitsScenario, name: str) -> bool | None:
    """Whether success would be right under a truth; None where that is uncertain."""
    truth = plan.truths[name]
    return None if isinstance(truth, MarkovPrior) else not plan.without_effect(truth)


def notes(plan: VisitsScenario) -> Iterator[str]:
    """What has to be known to read the trials."""
    if plan.safety is not None:
        yield "A trial that stops for safety is no success here."


def played(used: ResolvedTrial[VisitsScenario], name: str) -> Played:
    """The first block of trials under a truth."""
    plan, arms = used.resolved, used.scenario.arms
    design, case = plan.design, case_of(plan, name)
    _, found = next(patients(plan, name, settings(plan)))
    at_end = design.window.last
    counts = [responding(design, iter(arm[: at_end + 1])) for arm in found.arms]
    if design.single_arm:
        counts.append((np.zeros_like(counts[0][0]), np.zeros_like(counts[0][0])))
    (n_t, x_t), (n_c, x_c) = counts
    won, _ = decided(case, *counts)
    stops = np.full(len(won), design.look.n_t + 1)
    if case.safety is not None:
        stops = first_stop(case.safety, found.events)
    safe = stops > design.look.n_t
    analysed = (n_t > 0) & ((n_c > 0) | design.single_arm)
    name_of, x, n = (arms.treatment, x_t, n_t) if design.single_arm else (arms.control, x_c, n_c)
    share_c = 0.0 if design.single_arm else share_of(x_c, n_c)
    lost = np.sum([(~arm[at_end].there).sum(axis=1) for arm in found.arms], axis=0)
    special = many(lost, sum(design.look), safe & analysed)

    def stop_said(row: int) -> str:
        return f"the boundary for safety is reached after {stops[row]} patients on {arms.treatment}"

    if case.safety is not None:
        special += (Special("safety stop", ~safe, ~safe, "stop for safety", stop_said),)

    def tell(row: int) -> Telling:
        until = int(min(stops[row], design.look.n_t))
        events = tuple(_events(used, found, row, until))
        sizes = [-(-n * until // design.look.n_t) for n in design.look]
        people = tuple(
            c for index, arm in enumerate(found.arms) for c in _courses(plan, arm, index, (row, sizes[index]))
        )
        if not safe[row]:
            return Telling((*events, f"Thus {stop_said(row)}."), (), (), (), "stop for safety", people)
        data = (*_visits(used, found, row), *events)
        if not analysed[row]:
            return Telling(
                (*data, "An arm without patients in the analysis proves nothing."), (), (), (), "no success", people
            )
        look, table = Look(int(n_t[row]), int(n_c[row])), (int(x_t[row]), int(x_c[row]))
        end = judged_at_end(plan.rule, look, table, arms)
        return Telling(data, (Judged("", "count as responders", end),), (), (), end.decision, people)

    return Played(
        truth=name,
        works=works(plan, name),
        success=won & safe,
        tellable=safe & analysed,
        effect=share_of(x_t, n_t) - share_c,
        effect_said="observed share of responders" if design.single_arm else "observed difference of shares",
        result=Observed(
            share_of(x, n),
            f"a result on {name_of}",
            lambda row: f"{x[row]} of {n[row]} count as responders on {name_of}",
        ),
        special=special,
        tell=tell,
    )


def _visits(used: ResolvedTrial[VisitsScenario], found: Patients, row: int) -> Iterator[str]:
    """Each visit in a sentence: responders among those who are seen, and how many are lost."""
    design, arms = used.resolved.design, used.scenario.arms
    for index, time in enumerate(design.visits):
        told = []
        for arm, name in zip(found.arms, (arms.treatment, arms.control), strict=False):
            there, responds = arm[index].there[row], arm[index].responds[row]
            said = f"{(there & responds).sum()} of {there.sum()} seen respond on {name}"
            told.append(said + (f", {(~there).sum()} lost" if not there.all() else ""))
        yield f"{design.unit[:-1].capitalize()} {time:g}: {'; '.join(told)}."


def _events(used: ResolvedTrial[VisitsScenario], found: Patients, row: int, until: int) -> Iterator[str]:
    """Adverse events of the first patients on treatment."""
    plan = used.resolved
    if plan.safety is not None and found.events:
        told = [
            f"{happened[row, :until].sum()} with {event.name}"
            for event, happened in zip(plan.safety.events, found.events, strict=True)
        ]
        few = f"first {until}" if until < plan.design.look.n_t else f"{until}"
        yield f"Of the {few} on {used.scenario.arms.treatment}: {', '.join(told)}."


def _courses(plan: VisitsScenario, arm: tuple[Visited, ...], index: int, here: tuple[int, int]) -> Iterator[Course]:
    """The first patients of an arm visit by visit, until lost; ``here``: the trial, and how many of them."""
    row, patients = here
    for patient in range(patients):
        seen = []
        for time, visit in zip(plan.design.visits, arm, strict=True):
            if not visit.there[row, patient]:
                seen.append(Seen(time, "lost"))
                break
            seen.append(Seen(time, "response" if visit.responds[row, patient] else "no response"))
        yield Course(index == 0, tuple(seen))
