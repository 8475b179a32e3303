"""Many simulated trials: fixed blocks own their random numbers, so that workers and their order change nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from itertools import islice

import numpy as np

from anatrial.domain.tally import Block, SimulationSettings, Tally
from anatrial.errors import Fault, InputError
from anatrial.rng import stream

MOST_TRIALS = 10**9
"""More than this nobody waits for: a precision that needs more is refused."""
MOST_PER_JOB = 8


def simulated(
    block: Block,
    settings: SimulationSettings,
    advance: Callable[[int, int], None] = lambda _done, _total: None,
    known: MutableMapping[int, Tally] | None = None,
) -> Tally:
    """The tally of a trial that is simulated many times: the same bytes for any number of workers.

    Parameters
    ----------
    block, settings
        The trial, and how often it is simulated; with ``target_mcse`` more trials follow the first ones until every
        probability is that precise.
    advance
        Told (trials done, trials wanted).
    known
        Tallies of finished blocks by number, for a second start: blocks that it holds are not simulated again, and
        those that are finished are put there at once.

    Raises ``InputError`` for a precision that would need more than ``MOST_TRIALS`` trials.
    """
    total: Tally | None = None
    first, wanted = 0, settings.trials
    if settings.target_mcse is not None:
        _reachable(settings.target_mcse)
        wanted = math.ceil(wanted / block.size) * block.size
    while True:
        sizes = _sizes(block.size, first, wanted)
        for index, tally in _finished(block, settings, sizes, known or {}):
            if known is not None:
                known[index] = tally
            total = tally if total is None else total.plus(tally)
            advance(total.trials, wanted)
        assert total is not None
        more = _more(total, settings.target_mcse, block.size)
        if more <= total.trials:
            return total
        first, wanted = wanted // block.size, more


def _sizes(size: int, first: int, wanted: int) -> dict[int, int]:
    """Trials of each block from ``first`` on until so many are simulated; only the last may be smaller."""
    blocks = math.ceil(wanted / size)
    return {index: min(size, wanted - index * size) for index in range(first, blocks)}


def _reachable(target: float) -> None:
    needed = 0.25 / target**2
    if needed > MOST_TRIALS:
        least = math.sqrt(0.25 / MOST_TRIALS)
        got = f"{target:g}, which may need {needed:.3g} trials"
        raise InputError(Fault("target_mcse", got, f"at least {least:.2g} ({MOST_TRIALS:,} trials)"))


def _more(total: Tally, target: float | None, size: int) -> int:
    """Trials after which every probability should be precise enough, in whole blocks; at most four times as many."""
    if target is None:
        return total.trials
    worst = max((found.cautious_error for _, found in total.sums if found.chance), default=0.0)
    if worst <= target:
        return total.trials
    needed = min(total.trials * min((worst / target) ** 2, 4.0), MOST_TRIALS)
    return max(math.ceil(needed / size), total.trials // size + 1) * size  # whole blocks all along


def _finished(
    block: Block, settings: SimulationSettings, sizes: dict[int, int], known: Mapping[int, Tally]
) -> Iterator[tuple[int, Tally]]:
    """Every block in order: from memory where it is known, else simulated by one process or several."""
    missing = {index: trials for index, trials in sizes.items() if _lacks(known, index, trials)}
    fresh = _run(block, settings, missing)
    for index in sizes:
        yield index, (next(fresh) if index in missing else known[index])


def _lacks(known: Mapping[int, Tally], index: int, trials: int) -> bool:
    return index not in known or known[index].trials != trials


def _run(block: Block, settings: SimulationSettings, missing: dict[int, int]) -> Iterator[Tally]:
    if settings.workers == 1 or len(missing) < 2:
        for index, trials in missing.items():
            yield one_block(block, settings.seed, index, trials)
        return
    from joblib import Parallel, delayed

    # A few blocks per job: what a trial looks up once is looked up once per job. The rounds bound what waits.
    per_job = min(math.ceil(len(missing) / (4 * settings.workers)), MOST_PER_JOB)
    jobs = _batched(missing.items(), per_job)
    while chunk := list(islice(jobs, 8 * settings.workers)):
        ready = (delayed(_blocks)(block, settings.seed, job) for job in chunk)
        for found in Parallel(n_jobs=min(settings.workers, len(chunk)), return_as="generator")(ready):
            yield from found


def _batched(pairs: Iterable[tuple[int, int]], size: int) -> Iterator[tuple[tuple[int, int], ...]]:
    rest = iter(pairs)
    while group := tuple(islice(rest, size)):
        yield group


def _blocks(block: Block, seed: int, sizes: tuple[tuple[int, int], ...]) -> list[Tally]:
    return [one_block(block, seed, index, trials) for index, trials in sizes]


def one_block(block: Block, seed: int, index: int, trials: int) -> Tally:
    """One block with its own random numbers, whoever runs it."""
    return block.run(block_stream(seed, index), trials)


def block_stream(seed: int, index: int) -> np.random.Generator:
    """The random numbers of one block."""
    return stream(seed, "simulate", str(index))
