"""What follows the comparison when control patients may switch to the drug: tables, metrics and remarks of a run."""

from __future__ import annotations

from anatrial.designs.switch import Switch
from anatrial.documents.scenario import ResolvedScenario
from anatrial.domain.counts import Regions
from anatrial.domain.results import Metric, exactly
from anatrial.domain.trial import Cell, Column, Figure, Section, Table, key_of
from anatrial.engine.course import Trial
from anatrial.engine.switch import AfterSwitch, Predicted, after_switch
from anatrial.truths.design_prior import DesignPrior
from anatrial.truths.points import Points


def section(used: ResolvedScenario, run: Trial) -> Section:
    """Who switches, responds, stops and stays, under every truth with known or uncertain rates."""
    switch = used.resolved.switch
    assert switch is not None
    assert isinstance(run, Regions)
    found = {
        name: after_switch(switch, truth, run)
        for name, truth in used.resolved.truths.items()
        if isinstance(truth, (Points, DesignPrior))
    }
    tables = [_switched(used, switch, found), _later(used, switch, found)]
    if switch.durability is not None:
        tables.append(_stops(used, found))
    metrics = {name: _metrics(after) for name, after in found.items()}
    return Section(tuple(tables), metrics, _notes(used, switch))


def _metrics(after: AfterSwitch) -> tuple[Metric, ...]:
    return (
        Metric("enough_switched", exactly(after.enough)),
        Metric("expected_switched", exactly(after.switched.mean)),
        Metric("expected_switch_responders", exactly(after.responders.mean)),
        Metric("late_success", exactly(after.late_success)),
    )


def last_visit(switch: Switch) -> str:
    """The visit at which the arms are looked at for the last time."""
    return switch.durability.visit if switch.durability else switch.response_visit


def _range(found: Predicted) -> str:
    return f"{found.lower}-{found.upper}"


def _switched(used: ResolvedScenario, switch: Switch, found: dict[str, AfterSwitch]) -> Table:
    control = used.scenario.arms.control
    columns = (
        Column("truth", "truth", "text"),
        Column("switched", "switch, expected", "count"),
        Column("switched_range", "95 %", "text"),
        Column("enough", f"P(at least {switch.at_least})", "chance"),
        Column("responders", "respond, expected", "count"),
        Column("responders_range", "95 %", "text"),
    )
    rows: list[tuple[Cell, ...]] = [
        (
            name,
            after.switched.mean,
            _range(after.switched),
            after.enough,
            after.responders.mean,
            _range(after.responders),
        )
        for name, after in found.items()
    ]
    title = f"After {switch.visit}: {control} patients who switch, and respond by {switch.response_visit}"
    return Table("switch", title, columns, tuple(rows))


def _later(used: ResolvedScenario, switch: Switch, found: dict[str, AfterSwitch]) -> Table:
    arms, last = used.scenario.arms, last_visit(switch)
    early, delayed = f"{arms.treatment} from the start", f"{arms.control}, then {arms.treatment}"
    columns = (
        Column("truth", "truth", "text"),
        Column("arm", "arm", "text"),
        Column("on_drug", "on the drug, expected", "count"),
        Column("on_drug_range", "95 %", "text"),
        Column("responders", "of them responders", "count"),
        Column("responders_range", "95 %", "text"),
        Column("late_success", "P(success again)", "chance"),
    )
    rows: list[tuple[Cell, ...]] = []
    for name, after in found.items():
        for arm, there in ((early, after.early), (delayed, after.delayed)):
            again = after.late_success if there is after.early else None
            rows.append(
                (
                    name,
                    arm,
                    there.on_drug.mean,
                    _range(there.on_drug),
                    there.responders.mean,
                    _range(there.responders),
                    again,
                )
            )
    note = f"Success again: the same rule, asked of the responders still on the drug at {last}."
    return Table("delayed_start", f"At {last}: early against delayed start", columns, tuple(rows), note)


def _stops(used: ResolvedScenario, found: dict[str, AfterSwitch]) -> Table:
    switch = used.resolved.switch
    assert switch is not None
    assert switch.durability is not None
    columns = [Column("cause", "stopped for", "text")]
    cells: list[list[Cell]] = [[cause for cause, _ in next(iter(found.values())).stops]]
    for name, after in found.items():
        key = key_of(name)
        columns += [Column(f"{key}_stopped", name, "count"), Column(f"{key}_range", "95 %", "text")]
        counts = [count for _, count in after.stops]
        cells += [[count.mean for count in counts], [_range(count) for count in counts]]
    title = f"Expected stops between {switch.visit} and {switch.durability.visit}, both arms, by truth"
    figure = Figure("bars", "cause", tuple(column.key for column in columns[1::2]))
    return Table("stops", title, tuple(columns), tuple(zip(*cells, strict=True)), figure=figure)


def _notes(used: ResolvedScenario, switch: Switch) -> tuple[str, ...]:
    control = used.scenario.arms.control
    notes = [f"after the switch nothing is compared with {control}: it is seen as in a study without a control group"]
    if switch.durability is not None:
        notes.append("reasons to stop act on responders and non-responders alike, and in both arms alike")
        if switch.durability.shapes is not None:
            said = ", ".join(f"{shape:.3g}" for shape in switch.durability.shapes)
            notes.append(
                f"the shares who stop are uncertain: Dirichlet({said}), one shape per reason and the last for staying"
            )
    if switch.offered_to == "non_responders":
        notes.append(f"responders on {control} are not offered the drug and do not count as responders later")
    return tuple(notes)
