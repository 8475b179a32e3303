"""Virtual patients after the comparison: who switches, who responds then, who stays on the drug."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from tests.tolerances import monte_carlo

from anatrial.designs.switch import Switch
from anatrial.engine.patient_switch import STAYS, Later, later, tallied
from anatrial.numerics import BoolArray

TRIALS, PATIENTS = 5_000, 8
DRAWS = TRIALS * PATIENTS

GIVEN = {
    "visit": "month 1",
    "offered_to": "everyone",
    "accepting": {"responders": 0.4, "non_responders": 0.9},
    "continuing": {"responders": 1.0, "non_responders": 0.5},
    "response": 0.75,
    "response_visit": "month 2",
    "at_least": 3,
    "why": "a test",
}


def switched(early: float, **changes: object) -> tuple[Later, BoolArray, BoolArray]:
    """What follows where half of the patients were on treatment: the later course, arms and early responses."""
    random = np.random.default_rng(3)
    treated = np.broadcast_to(np.arange(PATIENTS) % 2 == 0, (TRIALS, PATIENTS))
    responded = random.random((TRIALS, PATIENTS)) < early
    plan = Switch.model_validate({**GIVEN, **changes})
    return later(plan, random, treated, responded), treated, responded


def close(share: float, chance: float | Fraction, draws: int) -> None:
    """A share is a chance within Monte Carlo error."""
    assert share == pytest.approx(float(chance), abs=monte_carlo(float(chance), draws))


def test_who_goes_on_and_who_responds() -> None:
    """Each arm by its shares; the treatment arm keeps its responses, the switched respond at the rate after it."""
    found, treated, responded = switched(0.5)
    for arm, by_response in ((treated, (1.0, 0.5)), (~treated, (0.4, 0.9))):
        for group, share in zip((arm & responded, arm & ~responded), by_response, strict=True):
            close(found.on_drug[group].mean(), share, DRAWS // 4)
    assert (found.responds[treated] == (responded & found.on_drug)[treated]).all()
    close(found.responds[~treated & found.on_drug].mean(), 0.75, DRAWS // 4)
    assert not found.responds[~found.on_drug].any()
    assert (found.cause == STAYS).all()


def test_nobody_who_responded_is_offered_the_drug_where_only_the_others_are() -> None:
    """Offered to non-responders alone: control responders do not switch."""
    found, treated, responded = switched(0.5, offered_to="non_responders", accepting={"non_responders": 0.9})
    assert not found.on_drug[~treated & responded].any()
    close(found.on_drug[~treated & ~responded].mean(), 0.9, DRAWS // 4)


@pytest.mark.parametrize(("months", "taken"), [(None, (Fraction(1, 10), Fraction(1, 5))), (3, None)])
def test_known_reasons_to_stop(months: int | None, taken: tuple[Fraction, ...] | None) -> None:
    """The first of competing reasons by the last visit: stated shares, or each month's from those still on the drug."""
    shares = {"flare": 0.1, "adverse-event": 0.2}
    durability = {"visit": "month 12", "shares": shares} | ({} if months is None else {"months": months})
    found, _, _ = switched(0.5, durability=durability)
    if taken is None:  # 1 + 0.7 + 0.49 of each month's share
        taken = (Fraction(219, 1000), Fraction(438, 1000))
    for cause, share in enumerate(taken):
        close((found.cause == cause).mean(), share, DRAWS)
    close((found.cause == STAYS).mean(), 1 - sum(taken), DRAWS)


def test_uncertain_reasons_to_stop_are_shared_by_a_trial() -> None:
    """Dirichlet shares drawn once per trial: the mean of each, and more spread over trials than binomial."""
    counts = {"adverse-event": 2, "lack-of-efficacy": 2, "flare": 2}
    found, _, _ = switched(0.5, durability={"visit": "month 12", "counts": counts, "of": 22})
    for cause in range(3):  # 1/3 + 2 of 1 + 1 + 22
        share = (found.cause == cause).mean(axis=1)
        chance = float(Fraction(7, 3) / 24)
        spread = (chance * (1 - chance) / 25) ** 0.5  # sd of the share of one trial
        assert share.mean() == pytest.approx(chance, abs=4 * (spread**2 / TRIALS + chance / DRAWS) ** 0.5)
        assert share.var() > 1.15 * chance * (1 - chance) / PATIENTS
        assert share.var() == pytest.approx((chance * (1 - chance) + 7 * spread**2) / PATIENTS, rel=0.1)


def test_an_uncertain_response_is_drawn_once_per_trial() -> None:
    """Beta(9, 1): its mean, and the correlation 1 / 11 between the patients of a trial."""
    prior = {"response": None, "response_prior": {"a": 9.0, "b": 1.0}}
    found, treated, _ = switched(0.0, accepting={"responders": 1.0, "non_responders": 1.0}, **prior)
    responders = found.responds[:, ~treated[0]].sum(axis=1)
    assert responders.mean() == pytest.approx(3.6, abs=4 * 0.7 / TRIALS**0.5)
    assert responders.var() == pytest.approx(4 * 0.09 * (1 + 3 / 11), rel=0.1)


def test_tallies_by_hand() -> None:
    """Two of three control patients switch and one responds, but stops; of the treated, one of two keeps a response."""
    treated = np.array([[True, True, False, False, False]])
    found = Later(
        on_drug=np.array([[True, True, True, True, False]]),
        responds=np.array([[True, True, True, False, False]]),
        cause=np.array([[STAYS, 0, 1, STAYS, STAYS]]),
    )
    numbers, x_t, x_c = tallied(Switch.model_validate(GIVEN), found, treated)
    assert [numbers[name].tolist() for name in sorted(numbers)] == [[False], [1.0], [2.0]]
    assert (x_t.tolist(), x_c.tolist()) == ([1], [0])
