"""Three outcomes of a finished trial: go, no-go, and consider where neither is met."""

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from anatrial.domain.counts import Look, Region, Regions
from anatrial.errors import Fault, InputError
from anatrial.numerics import BoolArray
from anatrial.rules.base import Judged, Rule
from anatrial.rules.criteria import Criteria, SidedCriterion, scale_faults
from anatrial.rules.posterior import AnalysisPrior
from anatrial.spec import RateDifference

SETTLED = {
    "no_go": "Where both hold, it is a no-go; elsewhere consider.",
    "consider": "Elsewhere, and where both hold, consider.",
    "error": "Elsewhere consider.",
}
"""What ``overlap`` says, in words."""

SidedCriteria = Annotated[tuple[SidedCriterion, ...], Field(min_length=1, max_length=10)]


class GoNoGo(Judged):
    """Go where every ``go`` criterion on the posterior holds, no-go where every ``no_go`` one does, consider elsewhere.

    Go is the success of the trial: power, type I error and assurance are probabilities of it. Of the other two outcomes
    the probabilities are reported beside it, and that of results that met both lists.

    Source: Lalonde et al. (2007), Clin. Pharmacol. Ther. 82:21-32, decisions against a target and a lower reference
    value; Frewer, Mitchell, Watkins & Matcham (2016), Pharm. Stat. 15:255-263, on results that meet both.
    """

    kind: Literal["go_no_go"]
    go: SidedCriteria
    no_go: SidedCriteria
    overlap: Literal["no_go", "consider", "error"]
    """What holds where go and no-go are both met; ``error`` refuses a rule where that can be."""
    null: RateDifference | None = None
    """Treatment rate minus control rate at the edge of no effect, where type I error is taken; in a single-arm trial
    the rate itself. It may be left out where all criteria of ``go`` have one and the same edge."""
    analysis_prior: AnalysisPrior

    @property
    def judge(self) -> Rule:
        """The ``go`` criteria: they say where no effect ends."""
        return self._going

    @property
    def three_way(self) -> bool:
        """Consider is a third outcome."""
        return True

    @property
    def _going(self) -> Criteria:
        return Criteria(kind="criteria", criteria=self.go, null=self.null, analysis_prior=self.analysis_prior)

    @property
    def _stopping(self) -> Criteria:
        return Criteria(kind="criteria", criteria=self.no_go, analysis_prior=self.analysis_prior)

    def misfits(self, looks: tuple[Look, ...]) -> Iterator[Fault]:
        """What does not fit among the ``go`` criteria, and scales of ``no_go`` for another number of arms."""
        for fault in self._going.misfits(looks):
            yield fault._replace(where=fault.where.replace("rule.criteria", "rule.go", 1))
        yield from scale_faults("rule.no_go", self.no_go, single=looks[-1].n_c == 0)

    def regions(self, looks: tuple[Look, ...]) -> tuple[Regions, ...]:
        """Go as success, no-go as futility; ``InputError`` where both are met and ``overlap`` says error."""
        return tuple(
            self._settled(go, no_go)
            for go, no_go in zip(self._going.regions(looks), self._stopping.regions(looks), strict=True)
        )

    def _settled(self, go: Regions, no_go: Regions) -> Regions:
        look, going, stopping = go.look, go.success.grid, no_go.success.grid
        both = going & stopping
        if self.overlap == "error" and both.any():
            raise InputError(_contradiction(look, both))
        return Regions(
            success=Region.from_grid(look, going & ~both),
            harm=Region(look, ()),
            ties=(*go.ties, *no_go.ties),
            futility=Region.from_grid(look, stopping if self.overlap == "no_go" else stopping & ~both),
            overlap=Region.from_grid(look, both),
        )

    def said(self, treatment: str = "treatment", control: str = "control") -> str:
        """The rule in a few sentences."""
        go, no_go = (
            " and ".join(criterion.said(treatment, control) for criterion in criteria)
            for criteria in (self.go, self.no_go)
        )
        return f"Success if {go} (go). No-go if {no_go}. {SETTLED[self.overlap]}"


def _contradiction(look: Look, both: BoolArray) -> Fault:
    """The first table on which go and no-go are both met."""
    x_t, x_c = (int(x) for x in np.argwhere(both)[0])
    table = f"{x_t} of {look.n_t}" + (f" v {x_c} of {look.n_c}" if look.n_c else "")
    tables = int(both.sum())
    got = f"{table} is go and no-go" + (f", as are {tables - 1} more" if tables > 1 else "")
    return Fault("rule.overlap", got, "criteria that no table meets on both sides", "say overlap: no_go or consider")
