"""What the sections of a scenario file make of its power: a sentence each for the protocol."""

from __future__ import annotations

from anatrial.documents.scenario import ResolvedScenario
from anatrial.domain.results import Evaluation
from anatrial.report.numbers import percent


def section_sentences(result: Evaluation, used: ResolvedScenario) -> list[str]:
    """The chances of the trial that will happen: who leaves, who comes in time, what stops for safety, who switches.

    Empty where the file has none of these sections.
    """
    plan, arms, said = used.resolved, used.scenario.arms, []
    if power := under(result, "power_random_n"):
        said.append(
            f"Drop-outs leave the analysis, so the numbers analysed are random; summed over them the power is {power}."
        )
    if plan.safety is not None:
        events = " or ".join(event.label for event in plan.safety.events)
        said.append(
            f"The trial may stop for {events}: the chance of success without such a stop is "
            f"{under(result, 'safe_success')}, that of a stop {under(result, 'safety_stop')}."
        )
    if plan.recruitment is not None:
        reached = next(f.metric("reached").estimate.value for f in result.characteristics if f.has("reached"))
        chances = (("power", "power_recruited"), ("assurance", "assurance_recruited"))
        told = [f"the {word} is {value}" for word, name in chances if (value := under(result, name))]
        with_them = f"; with those who come, {' and '.join(told)}" if told else ""
        said.append(f"All patients are recruited in time with probability {share(reached)}{with_them}.")
    if plan.switch is not None and (enough := under(result, "enough_switched")):
        plural = "patients switch" if plan.switch.at_least != 1 else "patient switches"
        said.append(
            f"{plan.switch.said(arms.treatment, arms.control)} At least {plan.switch.at_least} {plural} with "
            f"probability {enough}."
        )
    return said


def under(result: Evaluation, metric: str) -> str:
    """A chance under every truth that has it; empty where none has."""
    found = [f for f in result.characteristics if f.has(metric)]
    return ", ".join(f"{share(f.metric(metric).estimate.value)} under {f.truth}" for f in found)


def share(chance: float) -> str:
    """A probability as a percentage to one decimal; one that would be printed as nothing is told as small."""
    return "less than 0.1 %" if 0 < chance < 0.0005 else percent(round(chance, 3))
