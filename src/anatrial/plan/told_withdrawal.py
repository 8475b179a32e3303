"""Example trials of a randomised withdrawal: who responds to the run-in, then who stays free of flare in each arm."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.documents.withdrawal import WithdrawalScenario
from anatrial.domain.counts import Look
from anatrial.domain.told_trials import Course, Judged, Seen, Telling
from anatrial.engine.withdrawal import Patients, decisions
from anatrial.plan.example_looks import judged_at_end
from anatrial.plan.planned import EXTREME
from anatrial.plan.told_trials import Observed, Played, Special, share_of
from anatrial.plan.trials import settings
from anatrial.plan.withdrawal import patients
from anatrial.truths.withdrawal import WithdrawalNoEffect, WithdrawalPriors


def works(plan: WithdrawalScenario, name: str) -> bool | None:
    """Whether success would be right under a truth; None where that is uncertain."""
    truth = plan.truths[name]
    if isinstance(truth, WithdrawalPriors):
        return None
    if isinstance(truth, WithdrawalNoEffect):
        return False
    margin = plan.rule.null_margin if plan.rule.edge is not None else 0.0
    return bool(truth.no_flare.treatment > truth.no_flare.control + margin)


def notes(plan: WithdrawalScenario) -> Iterator[str]:
    """What has to be known to read the trials."""
    del plan
    yield from ()


def played(used: ResolvedTrial[WithdrawalScenario], name: str) -> Played:
    """The first block of trials under a truth."""
    plan, arms = used.resolved, used.scenario.arms
    enrolled = plan.design.enrolled
    _, found = next(patients(plan, name, settings(plan)))
    number = found.responds.sum(axis=1)
    enough = number >= plan.design.least_responders
    randomised = np.arange(enrolled)[None, :] < number[:, None]
    n_t, n_c = ((who & randomised).sum(axis=1) for who in (found.treated, ~found.treated))
    x_t, x_c = ((who & randomised & found.free).sum(axis=1) for who in (found.treated, ~found.treated))
    won, _ = decisions(plan.rule, np.column_stack([n_t, n_c, x_t, x_c]), enough)
    told = enough & (n_t > 0) & (n_c > 0)
    share_t, share_c = share_of(x_t, np.where(told, n_t, 0)), share_of(x_c, np.where(told, n_c, 0))
    few = Observed(number.astype(np.float64), "", str).tails()[0]

    def few_said(row: int) -> str:
        share = f"{100 * few[row]:.2g} % of the simulated trials have as few or fewer"
        return f"{number[row]} of {enrolled} respond to the run-in; {share}"

    def tell(row: int) -> Telling:
        people = tuple(_courses(found, row, enough=bool(enough[row])))
        data = (f"{number[row]} of {enrolled} respond to the run-in on {arms.treatment}.",)
        if not told[row]:
            left = "There is nothing to compare." if enough[row] else "These are too few: nobody is randomised."
            return Telling((*data, left), (), (), (), "no success", people)
        look, table = Look(int(n_t[row]), int(n_c[row])), (int(x_t[row]), int(x_c[row]))
        end = judged_at_end(plan.rule, look, table, arms)
        return Telling(data, (Judged("", "have no flare", end),), (), (), end.decision, people)

    what = "have so few responders to the run-in that fewer than 2.5 % have as few"
    return Played(
        truth=name,
        works=works(plan, name),
        success=won,
        tellable=told,
        effect=share_t - share_c,
        effect_said="observed difference of shares",
        result=Observed(
            share_c,
            f"a result on {arms.control}",
            lambda row: f"{x_c[row]} of {n_c[row]} have no flare on {arms.control}",
        ),
        special=(Special("few randomised", few < EXTREME, few < EXTREME, what, few_said),),
        tell=tell,
    )


def _courses(found: Patients, row: int, *, enough: bool) -> Iterator[Course]:
    """Each patient: the run-in, and of those who are randomised whether a flare came."""
    place = 0
    for responds in found.responds[row].tolist():
        if not (responds and enough):
            yield Course(None, (Seen(None, "response to the run-in" if responds else "no response to the run-in"),))
            continue
        outcome = "no flare" if found.free[row, place] else "flare"
        yield Course(bool(found.treated[row, place]), (Seen(None, "response to the run-in"), Seen(None, outcome)))
        place += 1
