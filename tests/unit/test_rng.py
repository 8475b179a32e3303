"""Named random streams."""

from __future__ import annotations

import hashlib

import numpy as np

from anatrial.rng import seed_of, stream


def test_the_bit_stream_is_pinned() -> None:
    """These numbers stand behind every stored draw: they change with no version of numpy and on no machine."""
    assert stream(1, "prior", "as", "placebo-map").bit_generator.random_raw(3).tolist() == [
        15290759064771961993,
        5723835244628670037,
        4991790343714114241,
    ]
    assert seed_of(1, "nuts", "as", "placebo-map") == 1862231397


def test_a_stream_is_its_seed_and_names_in_a_seed_sequence() -> None:
    """The spawn key is the first 16 bytes of the sha256 of each text, in words of 32 bits."""
    key = [
        word for text in ("prior", "as") for word in np.frombuffer(hashlib.sha256(text.encode()).digest(), "<u4")[:4]
    ]
    sequence = np.random.SeedSequence(7, spawn_key=[int(word) for word in key])
    expected = np.random.Generator(np.random.PCG64DXSM(sequence)).random(5)
    assert stream(7, "prior", "as").random(5).tolist() == expected.tolist()


def test_other_seeds_purposes_and_names_are_other_streams() -> None:
    """Any difference tells, wherever one text ends and the next begins."""
    names = [["ab", "c"], ["a", "bc"], ["abc"], ["ab"], ["ab", "c", ""], ["c", "ab"]]
    asked = [(seed, some) for seed in (0, 1, 2**31 - 1) for some in names]
    raw = {tuple(stream(seed, *some).bit_generator.random_raw(2)) for seed, some in asked}
    assert len(raw) == len({seed_of(seed, *some) for seed, some in asked}) == len(asked)


def test_seeds_fit_into_31_bits() -> None:
    """PyMC takes no larger ones; all of the range is used."""
    seeds = np.array([seed_of(0, "nuts", str(i)) for i in range(4000)])
    assert 0 <= seeds.min() < 2**31 / 100
    assert 2**31 * 0.99 < seeds.max() < 2**31


def test_streams_are_not_correlated() -> None:
    """Neighbouring names share nothing: the correlation of 10,000 pairs is within four standard errors of 0."""
    one, other = (stream(3, "trial", name).standard_normal(10_000) for name in ("1", "2"))
    assert abs(np.corrcoef(one, other)[0, 1]) < 4 / 100
