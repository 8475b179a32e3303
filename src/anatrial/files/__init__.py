"""The only module that touches the disk: TOML in, JSON and pictures out, nothing half-written."""

from __future__ import annotations

from anatrial.files.indications import Shelf, indication_names, read_indication, write_derivation
from anatrial.files.scenarios import read_scenario, scenario_paths
from anatrial.files.texts import write_bytes

__all__ = [
    "Shelf",
    "indication_names",
    "read_indication",
    "read_scenario",
    "scenario_paths",
    "write_bytes",
    "write_derivation",
]
