"""Sweeps: a scenario with axes, or a file that names scenarios."""

from __future__ import annotations

from pathlib import Path

from anatrial.documents.sweeps import SweepFile
from anatrial.errors import Fault, InputError
from anatrial.files.scenarios import locate, read_base
from anatrial.files.texts import read_text
from anatrial.plan.sweep import SweepPlan
from anatrial.spec import examine_data, toml_data


def read_sweep(path_or_name: str | Path) -> SweepPlan:
    """What a file sweeps; ``InputError`` carries every fault of it, and of the scenarios that it names."""
    path, where = locate(path_or_name), str(path_or_name)
    data = toml_data(read_text(path, where), where)
    if "scenarios" not in data:
        base, used = read_base(path_or_name)
        plan = used.scenario
        return SweepPlan(
            path.stem, where, plan.title, (base,), (plan,), plan.axes, plan.sweep, plan.tipping_points, plan.pareto
        )
    found, faults = examine_data(data, SweepFile, where)
    if found is None or faults:
        raise InputError(*faults)
    read = []
    for number, name in enumerate(found.scenarios, start=1):
        beside = path.parent / name
        try:
            read.append(read_base(beside if beside.is_file() else name))
        except InputError as error:
            faults += [fault._replace(where=f"{where}: scenarios {number}: {fault.where}") for fault in error.faults]
    names = [base.name for base, _ in read]
    for name in sorted({name for name in names if names.count(name) > 1}):
        faults.append(Fault(f"{where}: scenarios", f"{name!r} twice", "scenarios with names of their own"))
    if faults:
        raise InputError(*faults)
    return SweepPlan(
        path.stem,
        where,
        found.title,
        tuple(base for base, _ in read),
        tuple(used.scenario for _, used in read),
        found.axes,
        found.sweep,
        found.tipping_points,
        found.pareto,
    )
