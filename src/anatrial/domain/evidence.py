"""What was published: studies, their arms, outcomes that are response counts, and facts that are not."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from anatrial.spec import Count, Name, Rate, Spec, Text

Tier = Literal[
    "rct_double_blind",
    "rct_open_label",
    "open_label_single_arm",
    "open_label_extension",
    "randomised_withdrawal",
    "registry",
    "retrospective_cohort",
    "case_series",
    "case_report",
    "meta_analysis",
]
Role = Literal["anakinra", "placebo", "active_control", "other_active"]
AnalysisSet = Name  # such as all-randomised, itt, mitt, per-protocol, completers, all-treated, unclear

CheckKind = Literal["percent", "count", "mean", "p_value", "nested"]
FactKind = Literal[
    "sample_size", "dose", "design", "dropouts", "discontinuation", "adverse_event", "mas_event", "time_to_response",
    "persistence", "laboratory", "continuous", "count", "imaging", "demographic", "follow_up", "duration", "p_value",
    "baseline", "reference",
]  # fmt: skip


class Endpoint(Spec):
    """What is counted: priors never mix two endpoint ids."""

    definition: Text
    better: Literal["more", "fewer"] = "more"
    visit: Text
    nested_in: Name | None = None
    """A weaker endpoint that every responder here also meets (ASAS 70 within ASAS 40)."""


class Acknowledged(Spec):
    """A discrepancy that the record admits: shown as a note with its arithmetic instead of failing the check."""

    check: CheckKind
    why: Text


class Outcome(Spec):
    """Responders ``x`` of ``n`` on one endpoint at one visit, in one analysis set."""

    id: Name
    source_id: Text
    arm: Name
    endpoint: Name
    visit: Text
    analysis_set: AnalysisSet
    n: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    responders: Count | None = None
    """Patients who met the endpoint as it is worded; where fewer is better, those are the events."""
    compatible: tuple[Count, ...] = ()
    """Every integer that the printed percentage allows, where the count itself was not read."""
    derived: bool = False
    """True where the count was worked out from the printed percentage (one integer fits) or from other counts."""
    printed_percent: Annotated[str, Field(pattern=r"^[<>]?\d{1,3}(\.\d+)?$")] | None = None
    """The percentage as printed, in text so that its digits survive: "82", "69.7", ">95"."""
    dropouts: Count | None = None
    dropouts_counted: Literal["as_non_responders", "excluded", "unknown"] = "unknown"
    overlap: tuple[Name, ...] = ()
    """Cohorts whose patients it counts (several for an extension of both arms); one cohort is never pooled twice."""
    locator: Text
    notes: tuple[Text, ...] = ()
    acknowledged: tuple[Acknowledged, ...] = ()

    @property
    def countable(self) -> bool:
        """Whether a prior may use it: both the count and its denominator were read."""
        return self.n is not None and self.responders is not None


class Fact(Spec):
    """A published number that is not a response rate: drop-outs, adverse events, times, means, p-values."""

    id: Name
    source_id: Text
    kind: FactKind
    what: Text
    arm: Name | None = None
    visit: Text | None = None
    n: Count | None = None
    count: Count | None = None
    printed_percent: Annotated[str, Field(pattern=r"^[<>]?\d{1,3}(\.\d+)?$")] | None = None
    mean: float | None = None
    median: float | None = None
    range: tuple[float, float] | None = None
    unit: Text | None = None
    p_value: Annotated[str, Field(pattern=r"^[<>]?[01](\.\d+)?$")] | None = None
    """The p-value as printed, in text so that its digits survive."""
    compares: tuple[Name, Name] | None = None
    """The two outcomes (treatment, control) whose difference the p-value judges."""
    values: dict[str, float | int | str | bool | tuple[float | int | str, ...]] = {}
    """Further numbers by name, such as ``dose_mg_per_kg = [1, 3]`` or ``adverse_event = 2``."""
    locator: Text
    notes: tuple[Text, ...] = ()
    acknowledged: tuple[Acknowledged, ...] = ()


class Arm(Spec):
    """One group of a study."""

    id: Name
    role: Role
    drug: Text
    dose: Text | None = None
    population: Text | None = None


class Study(Spec):
    """One published study or report."""

    id: Name
    title: Text
    citation: Text
    pmid: Annotated[str, Field(pattern=r"^\d+$")] | None = None
    pmcid: Annotated[str, Field(pattern=r"^PMC\d+$")] | None = None
    doi: Annotated[str, Field(pattern=r"^10\.")] | None = None
    nct: Annotated[str, Field(pattern=r"^NCT\d{8}$")] | None = None
    abstract: Text | None = None
    """Number of a congress abstract, where that is what was read."""
    tier: Tier
    core: bool = False
    """True for the five source documents."""
    also_listed_under: tuple[Name, ...] = ()
    source_level: Text | None = None
    notes: tuple[Text, ...] = ()
    arms: tuple[Arm, ...]
    outcomes: tuple[Outcome, ...] = ()
    facts: tuple[Fact, ...] = ()

    @model_validator(mode="after")
    def _arms_exist(self) -> Self:
        known = {arm.id for arm in self.arms}
        named = [(o.id, o.arm) for o in self.outcomes] + [(f.id, f.arm) for f in self.facts if f.arm is not None]
        for record, arm in named:
            if arm not in known:
                raise ValueError(f"record {record!r} names arm {arm!r} | one of {', '.join(sorted(known))}")
        return self


class Discount(Spec):
    """How much a study of a design tier counts, and why."""

    weight: Rate
    why: Text
