"""Example trials with several endpoints: each endpoint with its own test, and what may be claimed together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from anatrial.documents.several_endpoints import SeveralEndpointsScenario
from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.domain.told_trials import Course, Judged, Seen, Telling
from anatrial.engine.several_endpoints import judged
from anatrial.numerics import BoolArray
from anatrial.plan.example_looks import judged_at_end
from anatrial.plan.several_endpoints import patients, virtual_trial
from anatrial.plan.told_trials import Observed, Played, many, share_of
from anatrial.plan.trials import settings
from anatrial.truths.several_endpoints import SeveralNoEffect, SeveralPriors


def works(plan: SeveralEndpointsScenario, name: str) -> bool | None:
    """Whether every endpoint has an effect under a truth; None where some have, or where that is uncertain."""
    truth = plan.truths[name]
    if isinstance(truth, SeveralNoEffect):
        return False
    if isinstance(truth, SeveralPriors):
        return None
    idle = plan.design.idle(plan.rule, truth.arms(plan.design.layout))
    if idle is None or (idle.any() and not idle.all()):
        return None
    return not idle.any()


def notes(plan: SeveralEndpointsScenario) -> Iterator[str]:
    """What has to be known to read the trials."""
    if any(isinstance(truth, SeveralNoEffect) and truth.effect for truth in plan.truths.values()):
        yield "Without effect on some endpoints, the others may have one: these trials are of the state where most err."


def played(used: ResolvedTrial[SeveralEndpointsScenario], name: str) -> Played:
    """The first block of trials under a truth."""
    plan, arms = used.resolved, used.scenario.arms
    design, judge, idle = plan.design, judged(plan.design, plan.rule), virtual_trial(plan, name).idle
    _, found = next(patients(plan, name, settings(plan)))
    (n_t, n_c), single = design.look, design.single_arm
    reached = design.layout.reached[found.cell]
    x_t, x_c = reached[:, :n_t].sum(axis=1), reached[:, n_t:].sum(axis=1)
    labels = tuple(label[x_t[:, k], x_c[:, k]] for k, label in enumerate(judge.labels))
    claims, wins = judge.claims[labels], judge.wins[labels]
    effective = works(plan, name)
    success = wins if idle is None or effective is not False else np.asarray((claims & idle).any(axis=1))
    arm, x, n = (arms.treatment, x_t, n_t) if single else (arms.control, x_c, n_c)
    first = design.endpoints[0]
    size = np.full(len(wins), 1)

    def tell(row: int) -> Telling:
        left = found.left[row]
        data = (f"{int(left.sum())} of {n_t + n_c} patients leave.",) if found.left.any() else ()
        ends = []
        for k, (endpoint, test) in enumerate(zip(design.endpoints, plan.rule.ordered(design.endpoints), strict=True)):
            end = judged_at_end(test, design.look, (int(x_t[row, k]), int(x_c[row, k])), arms)
            passed = _levels(plan, endpoint, int(labels[k][row]))
            ends.append(Judged(endpoint, "respond", replace(end, deciding=()), passed))
        names = [endpoint for endpoint, claimed in zip(design.endpoints, claims[row], strict=True) if claimed]
        decision = f"{'success' if wins[row] else 'no success'}; claimed: {', '.join(names) or 'nothing'}"
        people = (
            Course(
                patient < n_t,
                tuple(Seen(None, one) for one in _seen(design.endpoints, reached[row, patient], gone=gone)),
            )
            for patient, gone in enumerate(left.tolist())
        )
        return Telling(data, tuple(ends), (), (), decision, tuple(people))

    return Played(
        truth=name,
        works=effective,
        success=success,
        tellable=np.ones_like(wins),
        effect=x_t[:, 0] / n_t - (0.0 if single else share_of(x_c[:, 0], size * n_c)),
        effect_said=f"observed {'share' if single else 'difference of shares'} for {first}",
        result=Observed(
            share_of(x[:, 0], size * n),
            f"a result on {arm} for {first}",
            lambda row: f"{x[row, 0]} of {n} reach {first} on {arm}",
        ),
        special=many(found.left.sum(axis=1), n_t + n_c, np.ones_like(wins)),
        tell=tell,
        false_what="claim an endpoint without effect",
        false_why="an endpoint is claimed although it has no effect",
    )


def _levels(plan: SeveralEndpointsScenario, endpoint: str, passed: int) -> str:
    """Which parts of the level an endpoint passes, where it is divided."""
    test, divisors = plan.rule.tests[endpoint], plan.rule.divisors(len(plan.design.endpoints))
    dials = [plan.rule.at(test, divisor).dial for divisor in divisors]
    if len(divisors) == 1 or any(dial is None for dial in dials):
        return ""
    values = [f"{dial.value:.4g}" for dial in dials if dial is not None]
    told = f"Of the levels {', '.join(values)}"
    return f"{told} it passes {'none' if passed == 0 else ', '.join(values[:passed])}."


def _seen(endpoints: tuple[str, ...], reached: BoolArray, *, gone: bool) -> list[str]:
    """What a patient reaches, or that the patient leaves."""
    if gone:
        return ["lost"]
    return [endpoint for endpoint, there in zip(endpoints, reached, strict=True) if there] or ["no response"]
