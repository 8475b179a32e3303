"""A trial with several looks: how probable it is that it gets to a table of a look, and what it decides there.

A trial with one look is told by its ``Regions``. With several, P(decision | counts at the last look) takes their place:
the counts at earlier looks are hypergeometric given the last ones, so these chances hold under every truth, and power,
type I error and assurance are the same sums with a number in [0, 1] per table instead of 0 or 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from anatrial.designs import Design
from anatrial.designs.fixed import Fixed
from anatrial.domain.counts import Look, Region, Regions
from anatrial.numerics import BoolArray, FloatArray, tables
from anatrial.numerics.looks import carried, reached
from anatrial.rules import AnyRule
from anatrial.truths.base import Law

FALLS = 1e-12  # rounding of a carried chance, which rises with the treatment count


@dataclass(frozen=True, slots=True)
class Chance:
    """Probability of a decision given the counts at a look, shape (n_t + 1, n_c + 1)."""

    look: Look
    grid: FloatArray

    @property
    def monotone(self) -> bool:
        """Whether it never falls with more responders on treatment, nor rises with more on control.

        Then the probability of the decision never falls as the treatment rate rises (stochastic order).
        """
        rises = bool((np.diff(self.grid, axis=0) >= -FALLS).all())
        return rises and bool((np.diff(self.grid, axis=1) <= FALLS).all())


Decision = Region | Chance
"""Where something is decided: a set of tables, or the chance of it per table."""


@dataclass(frozen=True)
class Course:
    """A rule at every look of a trial.

    ``binding``: whether type I error counts on stops for futility. Everything else always does. ``waiting``: patients
    in the pipeline at each look; ``again``: what would be decided at a look once they are seen too, at the totals with
    them, None where nobody waits or the rule does not say.
    """

    regions: tuple[Regions, ...]
    binding: bool
    waiting: tuple[Look, ...]
    again: tuple[Regions | None, ...]

    @property
    def look(self) -> Look:
        """The last look."""
        return self.regions[-1].look

    @property
    def looks(self) -> tuple[Look, ...]:
        """All looks."""
        return tuple(found.look for found in self.regions)

    @cached_property
    def reached(self) -> tuple[FloatArray, ...]:
        """P(not stopped before a look | counts at it), per look."""
        return reached(tuple(~_stops(found) for found in self.regions[:-1]), self.looks)

    @cached_property
    def reached_for_error(self) -> tuple[FloatArray, ...]:
        """The same as type I error sees it: without stops for futility that do not bind."""
        if self.binding:
            return self.reached
        return reached(tuple(~wins for wins in self.errors[:-1]), self.looks)

    @cached_property
    def ends(self) -> tuple[FloatArray, ...]:
        """P(the trial ends at a look | counts at it), per look."""
        interim = zip(self.reached, self.regions[:-1], strict=False)
        return (*(np.where(_stops(found), weight, 0.0) for weight, found in interim), self.reached[-1])

    @cached_property
    def success(self) -> Chance:
        """P(success at any look | counts at the last one)."""
        return self._chance(self.reached, [found.success.grid for found in self.regions])

    @cached_property
    def harm(self) -> Chance:
        """P(harm at any look | counts at the last one)."""
        return self._chance(self.reached, [found.harm.grid for found in self.regions])

    @cached_property
    def error(self) -> Chance:
        """P(success or harm at any look | counts at the last one), as type I error counts it."""
        return self._chance(self.reached_for_error, list(self.errors))

    @cached_property
    def errors(self) -> tuple[BoolArray, ...]:
        """Where a look ends in success or harm as type I error sees it.

        Futility that does not bind hides no success: where both are met and futility counts, somebody may go on to say
        success.
        """
        found = [regions.success.grid | regions.harm.grid for regions in self.regions]
        if self.binding:
            return tuple(found)
        interim = zip(found, self.regions[:-1], strict=False)  # at the end nobody goes on
        return (*(wins | _hidden(regions) for wins, regions in interim), found[-1])

    def _chance(self, weights: tuple[FloatArray, ...], grids: list[BoolArray]) -> Chance:
        total = weights[-1] * grids[-1]
        for look, weight, grid in zip(self.looks[:-1], weights, grids, strict=False):
            total += carried(weight * grid, look, self.look)
        return Chance(self.look, np.clip(total, 0.0, 1.0))


def _stops(regions: Regions) -> BoolArray:
    """Tables on which the trial ends at an interim look."""
    stops = regions.success.grid | regions.harm.grid
    return stops if regions.futility is None else stops | regions.futility.grid


def _hidden(regions: Regions) -> BoolArray:
    """Tables on which success is met too, but futility counts."""
    if regions.overlap is None or regions.futility is None:
        return np.zeros((regions.look.n_t + 1, regions.look.n_c + 1), dtype=np.bool_)
    return regions.overlap.grid & regions.futility.grid


Trial = Regions | Course
"""What a rule decides: at one look, or at several."""


def trial(rule: AnyRule, design: Design) -> Trial:
    """What a rule decides in a design."""
    looks = design.looks()
    regions = rule.regions(looks)
    if isinstance(design, Fixed):
        return regions[0]
    waiting = design.waiting()
    totals = [Look(look.n_t + more.n_t, look.n_c + more.n_c) for look, more in zip(looks, waiting, strict=True)]
    again = [rule.again(looks, k, over) if over != looks[k] else None for k, over in enumerate(totals)]
    return Course(regions, binding=rule.binding, waiting=waiting, again=tuple(again))


def paired(decision: Decision, law: Law) -> FloatArray:
    """Probability of a decision under each pair of rows, shape (m,)."""
    if isinstance(decision, Chance):
        return tables.weighted(decision.grid, law.treatment, law.control)
    return tables.paired(decision.array, law.treatment, law.control) if decision.runs else np.zeros(len(law.treatment))


def crossed(decision: Decision, law: Law) -> FloatArray:
    """Probability of a decision under every treatment row with every control row, shape (m_t, m_c)."""
    if isinstance(decision, Chance):
        return np.minimum(law.treatment @ decision.grid @ law.control.T, 1.0)
    return tables.crossed(decision.array, law.treatment, law.control)


def errors(trial: Trial, law: Law) -> FloatArray:
    """P(success) + P(harm) as type I error counts them, under each pair of rows, shape (m,)."""
    if isinstance(trial, Course):
        return paired(trial.error, law)
    both = np.concatenate([trial.success.array, trial.harm.array])
    return tables.paired(both, law.treatment, law.control)
