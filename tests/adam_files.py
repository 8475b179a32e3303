"""Files of virtual patients, read again and counted trial by trial, for tests of every kind of trial."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from scipy import stats

from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.domain.tally import SimulationSettings
from anatrial.engine.simulation import simulated
from anatrial.files.parquet import write_parquet
from anatrial.plan.trials import engine
from anatrial.report.adam_trials import rows

HOW = SimulationSettings(trials=150, seed=3)
Table = dict[str, Any]


def written(used: ResolvedTrial[Any], truth: str, path: Path, how: SimulationSettings = HOW) -> Table:
    """The file of one truth, read again: a numpy array per column."""
    assert write_parquet(path, rows(used, truth, how)) > 0
    table = pq.read_table(path)
    return {name: table[name].to_numpy() for name in table.column_names}


def tallied(used: ResolvedTrial[Any], truth: str) -> dict[str, float]:
    """What the simulator adds up of the same trials."""
    return {name: found.total for name, found in simulated(engine(used).block(used.resolved, truth), HOW).sums}


def per_trial(table: Table, value: Any, chosen: Any) -> Any:
    """Sum of a number over the chosen rows of each trial."""
    return np.bincount(table["SIMTRIAL"][chosen] - 1, np.broadcast_to(value, chosen.shape)[chosen], HOW.trials).astype(
        int
    )


def counts(table: Table, chosen: Any, arm: str, name: str = "TRT01P") -> tuple[Any, Any]:
    """Rows of an arm and those with AVAL 1, per trial."""
    here = chosen & (table[name] == arm)
    return per_trial(table, 1, here), per_trial(table, np.nan_to_num(table["AVAL"]), here)


@cache
def fisher(x_t: int, n_t: int, x_c: int, n_c: int) -> float:
    """One-sided p-value: the hypergeometric tail."""
    return float(stats.hypergeom.sf(x_t - 1, n_t + n_c, x_t + x_c, n_t))


def succeeds(treatment: tuple[Any, Any], control: tuple[Any, Any], alpha: float) -> Any:
    """Fisher's test in every trial, from (patients, responders) of each arm."""
    (n_t, x_t), (n_c, x_c) = treatment, control
    columns = zip(x_t.tolist(), n_t.tolist(), x_c.tolist(), n_c.tolist(), strict=True)
    return np.array([fisher(*row) <= alpha * (1 + 1e-9) for row in columns])
