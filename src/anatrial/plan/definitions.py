"""What each definition of response would have meant for the power of this design: the endpoint is an axis of a plan."""

from __future__ import annotations

from anatrial.designs.definitions import Definition
from anatrial.documents.definitions import Seen, seen
from anatrial.documents.scenario import ResolvedScenario
from anatrial.domain.prior import PriorRef
from anatrial.domain.trial import Cell, Column, Figure, Section, Table
from anatrial.engine.characteristics import power
from anatrial.engine.course import Trial
from anatrial.truths.base import ArmRates
from anatrial.truths.design_prior import DesignPrior
from anatrial.truths.points import Points


def section(used: ResolvedScenario, run: Trial) -> Section:
    """Power of the design at what was seen by each definition, and averaged over what that leaves uncertain."""
    arms, single = used.scenario.arms, used.resolved.design.single_arm
    columns = [Column("definition", "definition", "text"), Column("observed_treatment", arms.treatment, "text")]
    columns += [] if single else [Column("observed_control", arms.control, "text")]
    columns += [Column("rate_treatment", f"rate {arms.treatment}", "chance")]
    columns += [] if single else [Column("rate_control", f"rate {arms.control}", "chance")]
    columns += [Column("power", "power", "chance"), Column("assurance", "assurance", "chance")]
    rows = tuple(_row(used, definition, run) for definition in used.resolved.definitions)
    table = Table(
        "definitions",
        "What each definition of response would have meant for this design",
        tuple(columns),
        rows,
        "Power takes the observed rates as known; assurance draws each from Beta(1 + responders, 1 + others).",
        Figure("bars", "definition", ("power", "assurance")),
    )
    note = (
        "definitions of one study count the same patients: the one that separated the arms best there is favoured by "
        "chance, so the definition is to be chosen before any result"
    )
    return Section((table,), notes=(note,) if any(d.study for d in used.resolved.definitions) else ())


def _row(used: ResolvedScenario, definition: Definition, run: Trial) -> tuple[Cell, ...]:
    single, name = used.resolved.design.single_arm, _named(used, definition)
    if definition.rates is not None:
        truth = Points(kind="points", rates=definition.rates)
        rates = [definition.rates.treatment, *([] if single else [definition.rates.control])]
        return (name, *([None] * len(rates)), *rates, power(run, truth)[0], None)
    treatment, control = seen(definition, used.indication)
    counts = [treatment, *([control] if control else [])]
    truth = Points(
        kind="points",
        rates=ArmRates(treatment=treatment.x / treatment.n, control=control.x / control.n if control else None),
    )
    uncertain = DesignPrior(
        kind="design_prior", treatment=_posterior(treatment), control=_posterior(control) if control else None
    )
    said = (f"{x}/{n}" for x, n in counts)
    return (name, *said, *(x / n for x, n in counts), power(run, truth)[0], power(run, uncertain)[0])


def _named(used: ResolvedScenario, definition: Definition) -> str:
    """The endpoint, with what tells this definition from others of the same endpoint: its visit, and its study."""
    mine = " (this trial's)" if definition.endpoint == used.scenario.endpoint else ""
    studies = {other.study for other in used.resolved.definitions if other.endpoint == definition.endpoint}
    apart = (definition.visit, (definition.study or "rates") if len(studies) > 1 else None)
    return ", ".join([f"{definition.endpoint}{mine}", *filter(None, apart)])


def _posterior(counted: Seen) -> PriorRef:
    """Beta(1 + x, 1 + n - x): uniform before the counts."""
    return PriorRef(a=1.0 + counted.x, b=1.0 + counted.n - counted.x)
