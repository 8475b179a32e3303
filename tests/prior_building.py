"""A made-up disease with recipes of every kind, priors built in code, and Beta-binomial probabilities in fractions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import comb, factorial

import numpy as np

from anatrial.documents.indication import Indication, parse_indication
from anatrial.domain.mixture import BetaMixture, BetaPart
from anatrial.domain.prior import Prior
from anatrial.domain.sampled import Agreement, Diagnostics, SampledRecord, Sampler
from anatrial.posterior_io import Draws

COUNTS = {"old": (10, 40), "mid": (6, 30), "new": (9, 24)}
STUDY = """
[[studies]]
id = "{id}"
title = "{title}"
citation = "{title}"
tier = "{tier}"
arms = [{{ id = "placebo", role = "placebo", drug = "placebo" }}]

[[studies.outcomes]]
id = "{id}-1"
source_id = "{id}"
arm = "placebo"
endpoint = "response"
visit = "week 12"
analysis_set = "itt"
n = {n}
responders = {x}
locator = "Table 1"
"""
HEAD = """
version = 1
indication = "{name}"
title = "A disease for tests"

[endpoints.response]
definition = "Response"
visit = "week 12"
"""
RECIPES = {
    "pooled": 'method = "pooled"',
    "robust": 'method = "pooled"\n[priors.robust.robust]\nweight = 0.25\nwhy = "the next trial may differ"',
    "map": 'method = "map"\nengine = "nuts"',
    "tiers": 'method = "power_prior"\n[priors.tiers.weights.old]\nweight = 0.2\nwhy = "old"',
    "common": 'method = "beta_binomial"',
}


def disease(name: str = "made-up", more: str = "") -> Indication:
    """Three studies, one of them open label, and a recipe of every kind that needs no other file."""
    return parse_indication(disease_text(name, more), f"{name}.toml")


def disease_text(name: str = "made-up", more: str = "", prefix: str = "") -> str:
    """The same as text; ``prefix`` stands before the ids of its studies."""
    text = HEAD.format(name=name)
    for study, (x, n) in COUNTS.items():
        tier = "rct_open_label" if study == "mid" else "rct_double_blind"
        text += STUDY.format(id=prefix + study, title=f"{study.title()} 2001", tier=tier, n=n, x=x)
    for recipe, settings in RECIPES.items() if not prefix else ():
        first, _, rest = settings.partition("\n[")
        outcomes = ", ".join(f'"{study}-1"' for study in COUNTS)
        text += f'\n[priors.{recipe}]\ntitle = "{recipe}"\nendpoint = "response"\noutcomes = [{outcomes}]\n{first}\n'
        text += f"[{rest}\n" if rest else ""
    return text + more


BELIEF = """
[priors.belief]
title = "belief"
endpoint = "response"
method = "elicited"
why = "a test"
mean = 0.25
effective_n = 0.8
"""
BASKETS = """
[priors.baskets]
title = "baskets"
endpoint = "response"
method = "exnex"
target = "made-up"

[[priors.baskets.baskets]]
indication = "made-up"
outcomes = ["old-1", "new-1"]
exchangeable = 0.6
why = "its own"

[[priors.baskets.baskets]]
indication = "other"
outcomes = ["x-old-1", "x-mid-1"]
exchangeable = 0.5
why = "alike"

[[priors.baskets.treated_as_same]]
outcomes = ["old-1", "new-1", "x-old-1", "x-mid-1"]
why = "alike"
"""


def two_diseases() -> Indication:
    """The made-up disease with a recipe that borrows from another one."""
    other = parse_indication(disease_text("other", prefix="x-"), "other.toml")
    return disease(more=BASKETS).beside({"other": other}, "made-up.toml")


def prior(informative: Sequence[tuple[float, float, float]], robust: tuple[float, float, float] | None = None) -> Prior:
    """A prior of these parts (weight, a, b), and of a robust part if there is one."""
    history = BetaMixture(tuple(BetaPart(*part) for part in informative))
    return Prior("made-up/it", history.robustified(BetaPart(*robust)) if robust else history, history)


def beta_binomial(a: int, b: int, n: int) -> list[Fraction]:
    """Probability of 0 to n responders under Beta(a, b) with whole shapes."""

    def beta(a: int, b: int) -> Fraction:
        return Fraction(factorial(a - 1) * factorial(b - 1), factorial(a + b - 1))

    return [comb(n, x) * beta(a + x, b + n - x) / beta(a, b) for x in range(n + 1)]


def record() -> SampledRecord:
    """What would be kept of a posterior that PyMC sampled."""
    return SampledRecord(
        diagnostics=Diagnostics(r_hat=1.002, ess_bulk=2087.4, ess_tail=2290.3, divergences=0, bfmi=0.65, draws=8000),
        sampler=Sampler(**dict.fromkeys(Sampler.model_fields, "1")),
        worst=Agreement(
            quantity="predicted_rate", compared="mean", sampled=0.2612, exact=0.2604, standard_error=0.0005
        ),
        comparisons=66,
    )


def chains(shift: float = 0.0, count: int = 200) -> Draws:
    """Draws as those of the recipe ``map``, four chains; the last one ``shift`` away from the others."""
    random = np.random.default_rng(7)
    moved = np.array([0, 0, 0, shift])[:, None]
    rates = {name: 0.3 + 0.05 * random.standard_normal((4, count)) + moved for name in ("mean_rate", "predicted_rate")}
    tau = 0.5 * random.random((4, count, 1)) + moved[..., None]
    return Draws({"posterior": {**rates, "tau": tau}}, dims={"tau": ("stratum",)}, coords={"stratum": ("0",)})
