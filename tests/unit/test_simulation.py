"""Blocks of simulated trials: the same numbers whoever runs them, precision on demand, and going on after a stop."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from anatrial.domain.tally import Block, SimulationSettings, Tally
from anatrial.engine.simulation import MOST_TRIALS, block_stream, simulated
from anatrial.errors import InputError

CELLS = 2**15  # 128 trials per block
HOW = SimulationSettings(1000, 5)
PINNED = [0.3941846421243649, 0.3347932670715352, 0.9795486209485943]


def coins(chance: float, rng: np.random.Generator, trials: int) -> Tally:
    """A trial that is one coin and one normal number, and has no answer now and then."""
    values = rng.normal(size=trials)
    return Tally.of(trials, int((values > 2).sum()), power=rng.random(trials) < chance, duration=values)


def block(chance: float = 0.3) -> Block:
    """The coins, 128 trials at once."""
    return Block(partial(coins, chance), CELLS)


def test_blocks_are_those_of_their_streams() -> None:
    """A thousand trials are seven whole blocks and one of 104, each with the random numbers of its own name."""
    assert block().size == 128
    parts = [coins(0.3, block_stream(5, index), 104 if index == 7 else 128) for index in range(8)]
    total = parts[0]
    for part in parts[1:]:
        total = total.plus(part)
    assert simulated(block(), HOW) == total
    assert total.trials == 1000


def test_the_first_draws_are_pinned() -> None:
    """Results of the same file and seed must not move unnoticed: a change here goes into the changelog's Numbers."""
    assert block_stream(0, 0).random(3).tolist() == PINNED
    assert block_stream(0, 1).random() != block_stream(0, 0).random() != block_stream(1, 0).random()


def test_workers_change_no_bit() -> None:
    """One process, two or three give the same sums, with blocks that are not whole and more blocks than one round."""
    alone = simulated(block(), replace(HOW, trials=10_000))
    for workers in (2, 3):
        assert simulated(block(), replace(HOW, trials=10_000, workers=workers)) == alone


def test_failed_trials_are_counted() -> None:
    """Trials without an answer add up over blocks."""
    drawn = np.concatenate([block_stream(5, k).normal(size=104 if k == 7 else 128) for k in range(8)])
    assert simulated(block(), HOW).failed == int((drawn > 2).sum()) > 0


@pytest.mark.parametrize("target", [0.01, 0.004])
def test_it_goes_on_until_the_stated_precision(target: float) -> None:
    """No probability has a larger error at the end, and the trials are whole blocks, hardly more than are needed."""
    found = simulated(block(), replace(HOW, target_mcse=target))
    error = found.metrics()[0].estimate.mcse
    assert error is not None
    assert error <= target
    assert found.trials % 128 == 0
    assert found.trials <= 1.25 * 0.3 * 0.7 / target**2 + 128
    assert found == simulated(block(), replace(HOW, target_mcse=target, workers=2))


def test_no_hit_is_not_taken_for_precision() -> None:
    """Of a rare event nothing is seen at first: its error is not 0, so trials go on until it can be told."""
    found = simulated(block(1e-4), replace(HOW, target_mcse=5e-4))
    assert found.trials > 2000


def test_a_precision_that_is_reached_at_once_adds_nothing() -> None:
    """Only the first trials, as whole blocks."""
    assert simulated(block(), replace(HOW, target_mcse=0.1)).trials == 1024


def test_a_precision_that_nobody_can_wait_for_is_refused() -> None:
    """The message gives the trials it might need, and the finest error that can be asked for."""
    with pytest.raises(InputError) as refused:
        simulated(block(), replace(HOW, target_mcse=1e-6))
    assert str(refused.value.faults[0]) == (
        "target_mcse\n  got       1e-06, which may need 2.5e+11 trials\n"
        "  expected  at least 1.6e-05 (1,000,000,000 trials)"
    )
    assert MOST_TRIALS > 0.25 / 1.6e-05**2


class Interrupted:
    """A block that stops the program after so many calls."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def __call__(self, rng: np.random.Generator, trials: int) -> Tally:
        """The coins, until there are no calls left."""
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        return coins(0.3, rng, trials)


def test_an_interruption_loses_no_finished_block() -> None:
    """What was finished is kept, and a second start runs only what is missing, to the same sums."""
    known: dict[int, Tally] = {}
    with pytest.raises(KeyboardInterrupt):
        simulated(Block(Interrupted(5), CELLS), HOW, known=known)
    assert sorted(known) == [0, 1, 2, 3, 4]
    rest = Interrupted(3)
    assert simulated(Block(rest, CELLS), HOW, known=known) == simulated(block(), HOW)
    assert rest.left == 0
    assert sorted(known) == list(range(8))


def test_a_smaller_last_block_is_run_again_where_more_is_asked_for() -> None:
    """Kept blocks of a shorter simulation serve a longer one, but for the cut one."""
    known: dict[int, Tally] = {}
    simulated(block(), HOW, known=known)
    longer = replace(HOW, trials=1500)
    assert simulated(block(), longer, known=known) == simulated(block(), longer)
    assert known[7].trials == 128


def test_progress_is_told() -> None:
    """Trials done of trials wanted, rising to all of them."""
    told: list[tuple[int, int]] = []
    advance: Callable[[int, int], None] = lambda done, wanted: told.append((done, wanted))  # noqa: E731
    simulated(block(), HOW, advance)
    assert told == [(min(128 * k, 1000), 1000) for k in range(1, math.ceil(1000 / 128) + 1)]
