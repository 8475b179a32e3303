"""Secondary endpoints that are measured: the power of their t tests, and what they could find."""

from __future__ import annotations

from anatrial.designs.secondary import Secondary
from anatrial.documents.scenario import ResolvedScenario
from anatrial.domain.trial import Cell, Column, Section, Table
from anatrial.engine.course import Trial
from anatrial.numerics.noncentral_t import Arms, detectable, patients_for, power

COLUMNS = (
    Column("name", "endpoint", "text"),
    Column("n_t", "n treatment", "count"),
    Column("n_c", "n control", "count"),
    Column("test", "test", "text"),
    Column("difference", "difference", "number"),
    Column("power", "power"),
    Column("detectable", "found, 80 %", "number"),
    Column("needed", "n, 80 %", "count"),
)
NOTE = (
    "Exact for normal values (noncentral t; Welch integrated over the estimated spreads). With 80 % power: the "
    "difference that these patients find, and the fewest patients per arm, equal arms, who find the stated difference. "
    "No multiplicity is spent on them: they support the primary endpoint."
)


def section(used: ResolvedScenario, run: Trial) -> Section:
    """A row per endpoint; none of these numbers depends on a truth of the file."""
    del run
    rows = tuple(_row(found) for found in used.resolved.secondary)
    return Section((Table("secondary", "Secondary endpoints that are measured", COLUMNS, rows, note=NOTE),))


def _row(found: Secondary) -> tuple[Cell, ...]:
    sd_t, sd_c = found.spreads
    n_t, n_c = found.n.treatment, found.n.control
    arms = Arms(n_t, sd_t) if n_c is None else Arms(n_t, sd_t, n_c, sd_c)
    welch = found.sd_per_arm is not None
    chance = power(arms, abs(found.difference), tail=found.tail, both=found.both_sides, welch=welch)
    least = detectable(arms, tail=found.tail, both=found.both_sides, welch=welch)
    spreads = (sd_t, None if n_c is None else sd_c)
    needed = patients_for(spreads, abs(found.difference), tail=found.tail, both=found.both_sides, welch=welch)
    sign = -1 if found.difference < 0 else 1
    return f"{found.name}, {found.unit}", n_t, n_c, found.test, found.difference, chance, sign * least, needed
