"""How fast patients come: sites, rate, limit and follow-up; in calendar months from the first site on."""

from typing import Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from anatrial.designs.fixed import ArmSizes
from anatrial.errors import Fault
from anatrial.numerics.recruitment import Accrual, Opening, opened_at, opened_over, time_quantile
from anatrial.spec import Spec

LONGEST = 1200.0
"""Months: a hundred years."""
MOST_YEARS = 1_000_000
"""That are told to the year."""
MOST_PATIENTS = 600
"""In all arms."""
Months = Annotated[float, Field(ge=0, le=LONGEST)]
SomeMonths = Annotated[float, Field(gt=0, le=LONGEST)]


class AccrualRate(Spec):
    """Patients per month: known (``per_month``), or uncertain with a gamma prior.

    The prior comes from past accrual (``patients`` in ``months``, at ``sites``) or from ``mean`` and ``sd``. Past
    accrual at ``weight`` w gives Gamma(w * patients, w * months * sites): its mean is the rate that was seen, its
    strength w times the patients seen. Source: Gajewski, Simon & Carlson (2008), Stat. Med. 27:2328-2340.
    """

    per_month: Annotated[float, Field(ge=0, le=10_000)] | None = None
    patients: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    months: SomeMonths | None = None
    sites: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Sites that recruited the past patients; left out where the rate is that of a whole trial."""
    weight: Annotated[float, Field(gt=0, le=1)] | None = None
    """How much of a patient of ours each past patient counts; 1 where it is left out."""
    mean: Annotated[float, Field(gt=0, le=10_000)] | None = None
    sd: Annotated[float, Field(gt=0, le=10_000)] | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        given = set(self.model_dump(exclude_none=True))
        if given not in ({"per_month"}, {"mean", "sd"}) and given - {"sites", "weight"} != {"patients", "months"}:
            got = ", ".join(sorted(given)) or "nothing"
            raise ValueError(f"{got} | per_month, or patients and months (sites, weight), or mean and sd")
        return self

    @property
    def typical(self) -> float:
        """Patients per month, where it is uncertain its mean."""
        if self.patients is not None and self.months is not None:
            return self.patients / (self.months * (self.sites or 1))
        return self.per_month or self.mean or 0.0

    @property
    def shape(self) -> float | None:
        """Shape of the gamma prior, the patients it is worth; None where the rate is known."""
        if self.patients is not None:
            return (self.weight or 1.0) * self.patients
        return None if self.sd is None else (self.typical / self.sd) ** 2


class Sites(Spec):
    """Sites that recruit: ``number``, opening evenly over ``open_over`` months; or the month at which each opens."""

    number: Annotated[int, Field(ge=1, le=10_000)] | None = None
    open_over: Months = 0.0
    opens: Annotated[tuple[Months, ...], Field(min_length=1, max_length=10_000)] | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.number is None) == (self.opens is None):
            raise ValueError(f"{'neither' if self.number is None else 'both'} | number (with open_over), or opens")
        if self.opens is not None and self.open_over > 0:
            raise ValueError("opens with open_over | the month of each opening, or number with open_over")
        return self

    def opening(self) -> Opening:
        """Open sites over time."""
        return opened_over(self.number, self.open_over) if self.number is not None else opened_at(self.opens or (0.0,))

    @property
    def last_opens(self) -> float:
        """The month at which all sites are open."""
        return self.open_over if self.opens is None else max(self.opens)

    def said(self) -> str:
        """The sites in words."""
        if self.opens is not None:
            return f"{len(self.opens)} sites, opening at months {', '.join(f'{m:g}' for m in sorted(self.opens))}"
        over = f"opening evenly over {self.open_over:g} months" if self.open_over else "open from the start"
        return f"{self.number} sites, {over}"


class Recruitment(Spec):
    """How fast patients come, and what happens if they come too slowly.

    Recruitment ends with the planned number, or at month ``stop_at`` with those who are there. A trial with one
    analysis then analyses them, unless they are fewer than ``analyse_from``; one with looks ends with its last
    completed look. How those who are there divide between the arms follows from ``randomisation.block``; without blocks
    they are split in the planned shares.
    """

    sites: Sites | None = None
    """Without sites, ``rate`` is that of the whole trial."""
    rate: AccrualRate
    """Patients per month, of each open site where there are sites."""
    stop_at: SomeMonths
    """Month at which recruitment ends, whether or not the planned number is reached."""
    lag: Months = 0.0
    """Months from a patient's enrolment to the result that is counted."""
    analyse_from: Annotated[int, Field(ge=1)] | None = None
    """Fewest patients that are analysed; with fewer the trial is given up and is no success."""

    def accrual(self) -> Accrual:
        """Sites over time and the rate, for ``numerics.recruitment``."""
        opening = self.sites.opening() if self.sites is not None else opened_over(1, 0.0)
        return Accrual(opening, self.rate.typical, self.rate.shape)

    def said(self) -> str:
        """Recruitment in one sentence."""
        accrual = self.accrual()
        per = " per site" if self.sites is not None else ""
        known = "" if accrual.shape is None else f" (uncertain, worth {accrual.shape:.3g} patients of past accrual)"
        sites = f"{self.sites.said()}; " if self.sites is not None else ""
        said = f"{sites}{accrual.rate:.3g} patients per month{per}{known}; recruitment ends at month {self.stop_at:g}, "
        said = f"{said}results come {self.lag:g} months after enrolment."
        return said[0].upper() + said[1:]

    def faults(self, planned: ArmSizes, *, looks: bool) -> list[Fault]:
        """Accrual that never ends, sites that open too late, sizes that do not fit the planned ones.

        Places are named without the file; ``planned`` are the patients per arm at the end, ``looks`` says whether the
        trial may stop early.
        """
        found, accrual, total = [], self.accrual(), planned.treatment + (planned.control or 0)
        if self.sites is not None and self.sites.last_opens > self.stop_at:
            place = "recruitment.sites." + ("opens" if self.sites.opens is not None else "open_over")
            expected = f"at most {self.stop_at:g}, the month at which recruitment ends"
            found.append(Fault(place, f"{self.sites.last_opens:g} months", expected))
        if accrual.rate == 0:
            fix = "give the patients that come per month"
            found.append(Fault("recruitment.rate.per_month", "0", "a rate above 0: else accrual never ends", fix))
        elif (median := float(time_quantile(accrual, total, np.array(0.5)))) > LONGEST:
            years = f"{median / 12:,.0f}" if median / 12 <= MOST_YEARS else "more than a million"
            got = f"a median of {years} years until {total} patients are recruited"
            fix = "more sites, a higher rate or fewer patients"
            found.append(Fault("recruitment.rate", got, "100 years at most: this accrual never ends", fix))
        if total > MOST_PATIENTS:
            expected = f"at most {MOST_PATIENTS} patients: the trial is judged at every number that may be recruited"
            found.append(Fault("recruitment", f"{total} patients", expected, "leave the section out"))
        if self.analyse_from is not None and looks:
            expected = "nothing in a trial with looks, which ends with its last completed look"
            found.append(Fault("recruitment.analyse_from", str(self.analyse_from), expected, "remove it"))
        elif self.analyse_from is not None and self.analyse_from > total:
            found.append(
                Fault("recruitment.analyse_from", str(self.analyse_from), f"at most {total}, the patients planned")
            )
        return found
