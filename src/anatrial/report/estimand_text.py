"""The estimand of a trial: as a table of its five attributes, and in sentences for a protocol."""

from __future__ import annotations

from anatrial.domain.trial import StatedEstimand
from anatrial.report.numbers import hanging


def estimand_lines(found: StatedEstimand | None) -> list[str]:
    """A row per attribute (ICH E9(R1), section A.3.3); nothing where no estimand is stated."""
    if found is None:
        return []
    events = "; ".join(f"{event.name}: {event.strategy.replace('_', ' ')}" for event in found.events)
    rows = [
        ("  population", found.population),
        ("  treatment", found.treatment),
        ("  variable", found.variable),
        ("  intercurrent events", events or "none named"),
        ("  summary", found.summary),
    ]
    return ["Estimand", *hanging(rows)]


def estimand_text(found: StatedEstimand | None) -> list[str]:
    """What is estimated, in the sentences of a protocol; none where no estimand is stated."""
    if found is None:
        return []
    events = ", ".join(f"{event.name} ({event.strategy.replace('_', ' ')})" for event in found.events)
    variable, summary = found.variable.rstrip("."), found.summary.rstrip(".")
    what = f"The estimand: {variable} in {found.population.rstrip('.')}; {found.treatment}."
    return [what, f"Intercurrent events: {events or 'none named'}. Summary measure: {summary}."]
