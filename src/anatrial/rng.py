"""Named random streams: what is drawn depends on the seed and on what it is for, never on order or workers."""

from __future__ import annotations

import hashlib

import numpy as np


def stream(seed: int, purpose: str, *names: str) -> np.random.Generator:
    """The random numbers of one purpose, and of one thing within it; the same on every machine and numpy.

    Parameters
    ----------
    seed
        0 or more; what the person chose.
    purpose, names
        Any texts; other texts give a stream that is independent.

    Source
    ------
    O'Neill (2014), PCG, HMC-CS-2014-0905 (the generator); numpy's ``SeedSequence`` (the keys).
    """
    return np.random.Generator(np.random.PCG64DXSM(_sequence(seed, purpose, *names)))


def seed_of(seed: int, purpose: str, *names: str) -> int:
    """A seed in [0, 2^31) for a program that makes its own random numbers; parameters as of ``stream``."""
    return int(_sequence(seed, purpose, *names).generate_state(1)[0] >> 1)


def _sequence(seed: int, *names: str) -> np.random.SeedSequence:
    """A text becomes four 32-bit words of its sha256; each word is told from the next text by their number."""
    digests = (hashlib.sha256(name.encode()).digest() for name in names)
    key = [int.from_bytes(digest[at : at + 4], "little") for digest in digests for at in range(0, 16, 4)]
    return np.random.SeedSequence(seed, spawn_key=tuple(key))
