"""Mixtures in RBesT's JSON: the exact text, the round trip, and every kind of file that is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.building import mixture

from anatrial.domain.mixture import BetaMixture, BetaPart
from anatrial.errors import InputError

ROBUST = mixture([[0.8, 8, 26], [0.2, 1, 1]])

# by jsonlite's rules, from RBesT's source: attributes in the order in which mixbeta sets them, single values boxed
WRITTEN = (
    '{"meta":{"dim":[3,2],"dimnames":[["w","a","b"],["comp1","comp2"]],"link":["identity"],'
    '"class":["betaMix","mix"],"likelihood":["binomial"]},"comp":[[0.8,0.2],[8.0,1.0],[26.0,1.0]]}\n'
)
PRETTY = """
{
  "meta": {
    "dim": [3, 2],
    "dimnames": [
      ["w", "a", "b"],
      ["rob", "inf"]
    ],
    "link": ["identity"],
    "class": ["betaMix", "mix"],
    "likelihood": ["binomial"]
  },
  "comp": [
    [0.2, 0.8],
    [1, 8],
    [1, 26]
  ]
}
"""


@st.composite
def mixtures(draw: st.DrawFn) -> BetaMixture:
    """One to five Betas with any shapes."""
    shape = st.floats(1e-3, 1e6)
    shapes = draw(st.lists(st.tuples(shape, shape), min_size=1, max_size=5))
    raw = [draw(st.floats(0, 1)) for _ in shapes[1:]] + [1.0]
    return BetaMixture(tuple(BetaPart(w / sum(raw), a, b) for w, (a, b) in zip(raw, shapes, strict=True)))


def changed(*path: str | int, to: Any) -> str:
    """The text of the robust mixture with one value replaced."""
    content = json.loads(WRITTEN)
    place = content
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return json.dumps(content)


def test_what_is_written() -> None:
    """The text has RBesT's attributes as boxed arrays and one row each of weights, a and b."""
    assert ROBUST.to_rbest() == WRITTEN


def test_what_rbest_writes_is_read() -> None:
    """Line breaks, whole numbers and names of parts are read; the names are dropped."""
    assert BetaMixture.from_rbest(PRETTY).parts == ((0.2, 1, 1), (0.8, 8, 26))


@settings(deadline=None, max_examples=100, derandomize=True)
@given(given_mixture=mixtures())
def test_round_trip_is_exact(given_mixture: BetaMixture) -> None:
    """What is written reads back equal, to the last digit."""
    assert BetaMixture.from_rbest(given_mixture.to_rbest()) == given_mixture


def test_an_unboxed_link_is_read() -> None:
    """A file written with jsonlite's auto_unbox has the link as a string."""
    assert BetaMixture.from_rbest(changed("meta", "link", to="identity")) == ROBUST


@pytest.mark.parametrize(
    ("weights", "expected"), [([0.8000004, 0.2], 0.8000004 / 1.0000004), ([0.8, 0.2], 0.8), ([0.8 + 5e-10, 0.2], None)]
)
def test_weights_are_rescaled_within_their_digits(weights: list[float], expected: float | None) -> None:
    """A sum that misses 1 by up to 1e-6 is rescaled, by less than 1e-9 left as it is written."""
    found = BetaMixture.from_rbest(changed("comp", 0, to=weights)).parts[0].weight
    assert found == (weights[0] if expected is None else pytest.approx(expected, rel=1e-15))


def test_a_weight_just_above_one_is_rescaled() -> None:
    """One part whose weight rounding left above 1 has weight 1."""
    text = BetaMixture.beta(8, 26).to_rbest().replace("[1.0]", "[1.0000000005]")
    assert BetaMixture.from_rbest(text).parts == ((1, 8, 26),)


def test_a_part_of_weight_zero_is_kept() -> None:
    """RBesT keeps parts whose weight was rounded to 0, and so does this."""
    assert BetaMixture.from_rbest(changed("comp", 0, to=[1, 0])).parts == ((1, 8, 26), (0, 1, 1))


@pytest.mark.parametrize(
    ("text", "where", "got"),
    [
        ("", "RBesT mixture", "broken JSON"),
        ("{", "RBesT mixture", "broken JSON"),
        ("[" * 100_000, "RBesT mixture", "broken JSON"),
        (WRITTEN.replace("26.0", "NaN"), "RBesT mixture", "NaN is no number"),
        (WRITTEN.replace("26.0", "Infinity"), "RBesT mixture", "Infinity is no number"),
        ("[1, 2]", "RBesT mixture", "JSON that is a list"),
        ("{}", "RBesT mixture", "nothing"),
        ('{"parts": []}', "RBesT mixture", "parts"),
        (changed("meta", "class", to=["normMix", "mix"]), "RBesT mixture, meta.class", "a normal mixture"),
        (changed("meta", "class", to=["gammaMix", "mix"]), "RBesT mixture, meta.class", "a gamma mixture"),
        (changed("meta", "class", to=["mvnormMix", "mix"]), "RBesT mixture, meta.class", "multivariate normal"),
        (changed("meta", "class", to=["betaBinomialMix", "mix"]), "RBesT mixture, meta.class", "counts follow"),
        (changed("meta", "class", to="mix"), "RBesT mixture, meta.class", "mix"),
        (changed("meta", "link", to=["logit"]), "RBesT mixture, meta.link", "logit"),
        (changed("meta", "dim", to=[3, 3]), "RBesT mixture, meta.dim", "[3, 3]"),
        (changed("meta", "dimnames", to=[["w", "m", "s"], ["x", "y"]]), "RBesT mixture, meta.dimnames", "'m'"),
        (changed("meta", "dimnames", to=None), "RBesT mixture, meta.dimnames", "None"),
        (changed("comp", to=[[1], [8]]), "RBesT mixture, comp", "[1, 1]"),
        (changed("comp", to=[[], [], []]), "RBesT mixture, comp", "[0, 0, 0]"),
        (changed("comp", to=[1, 8, 26]), "RBesT mixture, comp", "[0, 0, 0]"),
        (changed("comp", 1, to=[8]), "RBesT mixture, comp", "[2, 1, 2]"),
        (changed("comp", 1, 1, to="NA"), "RBesT mixture, comp, a of part 2", '"NA"'),
        (changed("comp", 2, 0, to=True), "RBesT mixture, comp, b of part 1", "true"),
        (changed("comp", 0, to=[0.8, 0.21]), "RBesT mixture, weights", "0.8, 0.21, together 1.01"),
        (changed("comp", 0, to=[1.2, -0.2]), "RBesT mixture, weights", "1.2, -0.2"),
        (changed("comp", 0, to=[0, 0]), "RBesT mixture, weights", "together 0"),
        (changed("comp", 0, to=[0.3333, 0.6666]), "RBesT mixture, weights", "together 0.9999"),
        (changed("comp", 1, 0, to=0), "RBesT mixture, a of part 1", "0"),
        (changed("comp", 1, 0, to=10**400), "RBesT mixture, a of part 1", "inf"),
        (changed("comp", 2, 1, to=2e6), "RBesT mixture, b of part 2", "2e+06"),
    ],
)
def test_other_files_are_refused(text: str, where: str, got: str) -> None:
    """What is no beta mixture of a rate is an input error that says where, what was found and what would be right."""
    with pytest.raises(InputError) as caught:
        BetaMixture.from_rbest(text)
    fault = caught.value.faults[0]
    assert fault.where == where
    assert got in fault.got
    assert fault.expected
    assert fault.fix or "of part" in where


def test_all_faults_are_told_at_once() -> None:
    """Two shapes out of range and weights that miss 1 are three faults."""
    text = changed("comp", to=[[0.5, 0.4], [0, 1], [26, 0]])
    with pytest.raises(InputError) as caught:
        BetaMixture.from_rbest(text)
    assert [fault.where.split(", ")[1] for fault in caught.value.faults] == ["weights", "a of part 1", "b of part 2"]
