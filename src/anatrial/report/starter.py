"""A commented starter scenario for an indication and a kind of trial."""

from __future__ import annotations

from anatrial.documents.indication import Indication
from anatrial.methods import Method
from anatrial.methods.recipe import Counted


def starter(indication: Indication, *, single_arm: bool) -> str:
    """A scenario file that runs as it is, with a comment beside every choice.

    The endpoint is that of the indication's first placebo prior, else its first endpoint.
    """
    name, recipe = _first_prior(indication)
    endpoint = recipe.endpoint if recipe else next(iter(indication.endpoints))
    definition = indication.endpoints[endpoint]
    heads = [
        "# A starter: change what does not fit, then: anatrial run FILE.",
        f"# Endpoints and priors to choose from: anatrial evidence show {indication.indication}",
        "version = 1",
        f'title = "A new {"single-arm" if single_arm else "placebo-controlled"} trial: {endpoint}"',
        'question = "Is the trial large enough?"          # the decision that this plan supports',
        f'indication = "{indication.indication}"',
        f'endpoint = "{endpoint}"'.ljust(50) + f"# visit: {definition.visit}",
        "",
        "[design]",
        'kind = "fixed"                                    # one analysis, at the end',
        f"n = {{ treatment = {'40 }' if single_arm else '40, control = 40 }'}".ljust(50)
        + "# patients randomised, per arm",
        "",
    ]
    return "\n".join([*heads, *(_single() if single_arm else _two_arm(name, recipe))]) + "\n"


def _first_prior(indication: Indication) -> tuple[str, Method | None]:
    """The first prior that rests on placebo records alone; none where there is no such prior."""
    roles = {(study.id, arm.id): arm.role for study in indication.studies for arm in study.arms}
    for name, recipe in indication.priors.items():
        if isinstance(recipe, Counted):
            records = [(s, o) for home, found in indication.baskets_of(recipe) if home is indication for s, o in found]
            if records and all(roles[study.id, outcome.arm] == "placebo" for study, outcome in records):
                return name, recipe
    return "", None


def _two_arm(name: str, recipe: Method | None) -> list[str]:
    prior = f'{{ prior = "{name}" }}' if recipe else "{ mean = 0.25, effective_n = 10 }   # a guess: say what is known"
    return [
        "[rule]                                            # how the finished trial will be judged",
        'kind = "fisher"                                   # or: chi_square, posterior',
        "alpha = 0.025                                     # one-sided; alpha_two_sided for a two-sided test",
        "",
        "[truths.expected]                                 # what we hope is true",
        'kind = "points"',
        "rates = { treatment = 0.60, control = 0.25 }",
        "",
        "[truths.no-effect]                                # equal rates: every success is a false one",
        'kind = "no_effect"',
        "control = { from = 0.10, to = 0.40 }              # plausible control rates; the worst one counts",
        'why = "say here which trials the range comes from"',
        "",
        "[truths.uncertain]                                # what we really know: gives the assurance",
        'kind = "design_prior"',
        "treatment = { mean = 0.60, effective_n = 10 }",
        f"control = {prior}",
        "",
        *_targets(),
    ]


def _single() -> list[str]:
    return [
        "[rule]                                            # how the finished trial will be judged",
        'kind = "exact_binomial"                           # or: posterior, against a fixed or an uncertain rate',
        "alpha = 0.025                                     # one-sided",
        "null_rate = 0.30                                  # a rate that would not be worth pursuing",
        "",
        "[truths.expected]                                 # what we hope is true",
        'kind = "points"',
        "rates = { treatment = 0.60 }",
        "",
        "[truths.no-effect]",
        'kind = "no_effect"',
        "control = { from = 0.10, to = 0.30 }              # rates at which a success is a false one",
        'why = "say here which trials the range comes from"',
        "",
        "[truths.uncertain]                                # what we really know: gives the assurance",
        'kind = "design_prior"',
        "treatment = { mean = 0.60, effective_n = 10 }",
        "",
        *_targets(),
    ]


def _targets() -> list[str]:
    return [
        "[[targets]]                                       # what must hold",
        'metric = "power"',
        'truth = "expected"',
        "at_least = 0.80",
        "",
        "[[targets]]",
        'metric = "type_i_error"',
        'truth = "no-effect"',
        "at_most = 0.025",
        "",
        "[size]                                            # only for: anatrial size",
        "per_arm = { from = 10, to = 80 }",
    ]
