"""Paths that name no single field: a number of patients with its allocation, looks, drop-out, a definition.

Each function returns the content of a scenario file with the setting applied and leaves its argument as it is. What
does not fit raises ``InputError``; the places of its faults are named without the file and without the setting.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Any

from anatrial.designs.definitions import Definition
from anatrial.designs.fixed import Fixed
from anatrial.designs.sequential import MOST_LOOKS, Sequential
from anatrial.documents.definitions import seen
from anatrial.documents.indication import Indication
from anatrial.errors import Fault, InputError
from anatrial.spec import MAX_N, Spec, examine_data, nearest, shown
from anatrial.truths.base import ArmRates

ROBUST = "robust_weight"
PLACES = (("rule", "analysis_prior"), ("rule", "final", "analysis_prior"))
"""Tables of priors whose robust weights are set together, beside every truth."""
LARGEST_RATIO = 20
COUNTS = ("fixed", "sequential")


def number(value: Any) -> bool:
    """Whether a value is a number, which true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def wrong(got: str, expected: str, fix: str = "", *, where: str = "") -> InputError:
    """The error of one value; ``where`` is what of the file it does not fit."""
    return InputError(Fault(where, got, expected, fix))


def design_of(data: dict[str, Any]) -> Fixed | Sequential:
    """The sizes of the trial: totals at its looks, or its table n; ``InputError`` where it is laid out otherwise."""
    design = data["design"]
    if not isinstance(design, dict) or (design.get("kind") != "sequential" and not isinstance(design.get("n"), dict)):
        raise wrong("a design of another form", "a table n with treatment and control, or looks", where="design")
    form: type[Spec] = Sequential if design.get("kind") == "sequential" else Fixed
    written = design if form is Sequential else {"kind": "fixed", "n": design["n"]}
    found, faults = examine_data(written, form, "design")
    if not isinstance(found, Fixed | Sequential) or faults:
        raise InputError(*faults)
    return found


def _with_design(data: dict[str, Any], found: Fixed | Sequential) -> dict[str, Any]:
    """The file with these sizes in its own design."""
    written = found.model_dump(mode="json", by_alias=True, exclude_none=True)
    kept = "looks" if isinstance(found, Sequential) else "n"
    return {**data, "design": {**data["design"], kept: written[kept]}}


def with_patients(data: dict[str, Any], n: Any) -> dict[str, Any]:
    """The file with ``n`` control patients (one arm: ``n`` patients); allocation and shares of the looks stay."""
    found = design_of(data)
    if not isinstance(n, int) or isinstance(n, bool) or not 1 <= n <= MAX_N:
        raise wrong(shown(n), f"a whole number of patients from 1 to {MAX_N}, or a table as in the file")
    last = found.looks()[-1]
    ratio = Fraction(1) if found.single_arm else Fraction(last.n_t, last.n_c)
    if (ratio * n).denominator != 1:
        below = n // ratio.denominator * ratio.denominator
        near = " or ".join(str(k) for k in (below, below + ratio.denominator) if k)
        got = f"{n} control patients at {last.n_t} : {last.n_c}"
        raise wrong(got, f"whole patients in both arms: a multiple of {ratio.denominator}", f"take {near}")
    return _resized(data, found, n, ratio)


def _resized(data: dict[str, Any], found: Fixed | Sequential, n: int, ratio: Fraction) -> dict[str, Any]:
    if n > MAX_N or ratio * n > MAX_N:
        raise wrong(f"{ratio * n} treatment patients", f"at most {MAX_N} patients per arm")
    new = found.resized(n, ratio)
    if new is None:
        raise wrong(f"{n} patients for {len(found.looks())} looks", "more patients at each look than at the one before")
    return _with_design(data, new)


def with_allocation(data: dict[str, Any], value: Any) -> dict[str, Any]:
    """The file with so many treatment patients per control patient, and as many patients in all as it had."""
    found = design_of(data)
    if found.single_arm:
        raise wrong("a single arm", "two arms to allocate patients to", where="design")
    ratio, last = _ratio(value), found.looks()[-1]
    total, parts = last.n_t + last.n_c, ratio.numerator + ratio.denominator
    if total % parts:
        below = total // parts * parts
        near = " or ".join(str(k) for k in (below, below + parts) if k)
        got = f"{total} patients at {ratio.numerator} : {ratio.denominator}"
        raise wrong(got, f"a total that is a multiple of {parts}", f"plan {near} patients in all")
    return _resized(data, found, total // parts * ratio.denominator, ratio)


def _ratio(value: Any) -> Fraction:
    """Treatment patients per control patient: a number, or both sides of it."""
    sides = value if isinstance(value, dict) else {"treatment": value, "control": 1}
    fit = set(sides) == {"treatment", "control"} and all(number(side) and 0 < side <= 10_000 for side in sides.values())
    if (
        not fit
        or not 0 < (ratio := Fraction(repr(sides["treatment"])) / Fraction(repr(sides["control"]))) <= LARGEST_RATIO
    ):
        expected = f"a number above 0 and at most {LARGEST_RATIO}, or {{ treatment = ..., control = ... }}"
        raise wrong(shown(value), expected)
    return ratio


def with_looks(data: dict[str, Any], count: Any) -> dict[str, Any]:
    """The file with so many looks, equally spaced up to its last totals; shares are rounded halves up.

    One look is ``kind = "fixed"``, judged by the rule that the file's own becomes with one analysis.
    """
    found = design_of(data)
    if data["design"].get("kind") not in COUNTS:
        raise wrong(shown(data["design"].get("kind")), "a design of kind fixed or sequential", where="design.kind")
    most = MOST_LOOKS[1 if found.single_arm else 2]
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= most:
        raise wrong(shown(count), f"a whole number of looks from 1 to {most}")
    last = found.looks()[-1]
    sizes = {"treatment": last.n_t} if found.single_arm else {"treatment": last.n_t, "control": last.n_c}
    if count == 1:
        return {**data, "design": {"kind": "fixed", "n": sizes}, "rule": once(data["rule"])}
    totals = [{arm: (2 * n * k + count) // (2 * count) for arm, n in sizes.items()} for k in range(1, count + 1)]
    if any(not all(now.values()) for now in totals) or any(a == b for a, b in pairwise(totals)):
        got = f"{count} looks at {sum(sizes.values())} patients"
        raise wrong(got, "more patients at each look than at the one before", "take fewer looks")
    kept = {key: value for key, value in data["design"].items() if key not in {"kind", "n", "looks"}}
    return {**data, "design": {"kind": "sequential", "looks": totals, **kept}}


def once(rule: Any) -> Any:
    """What a rule with looks becomes where there is one analysis: the same decision at the end, with all of alpha."""
    match rule:
        case {"kind": "monitored", "final": dict(final)}:
            return final
        case {"kind": "group_sequential"} if number(factor := rule.get("alpha_factor", 1.0)):
            alpha = {key: factor * rule[key] for key in ("alpha", "alpha_two_sided") if number(rule.get(key))}
            return {"kind": "chi_square", **alpha}
        case {"kind": "exact_sequential"}:
            return {"kind": "exact_binomial", **{key: rule[key] for key in ("alpha", "null_rate") if key in rule}}
        case {"kind": "fleming" | "responders" as kind}:
            raise wrong("1 look", f"2 looks or more: {kind} has no form with one analysis")
        case _:
            return rule


def with_drop_out(data: dict[str, Any], share: Any) -> dict[str, Any]:
    """The file with this drop-out in every arm of every truth of points or grid; as it is counted stays."""
    if not number(share) or not 0 <= share < 1:
        raise wrong(shown(share), "a share from 0 to below 1")
    if faults := drop_out_faults(data):
        raise InputError(*faults)
    new = {}
    for name, truth in rate_truths(data):
        rates, old = truth.get("rates"), truth.get("dropout")
        arms = [arm for arm in ("treatment", "control") if not isinstance(rates, dict) or arm in rates]
        new[name] = {**truth, "dropout": {**(old if isinstance(old, dict) else {}), **dict.fromkeys(arms, share)}}
    return {**data, "truths": {**data["truths"], **new}}


def drop_out_faults(data: dict[str, Any]) -> list[Fault]:
    """Why one drop-out cannot be set for all truths that state rates."""
    truths = list(rate_truths(data))
    if not truths:
        return [Fault("truths", "none that states rates", "a points or grid truth, whose patients may drop out")]
    got = "rates among the randomised, which already count who drops out"
    fix = 'say rates_among = "completers" if they are'
    return [
        Fault(f"truths.{name}.dropout", got, "rates among completers", fix)
        for name, truth in truths
        if truth.get("rates_among", "randomised") == "randomised"
    ]


def rate_truths(data: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The truths that state rates, by name."""
    return ((name, t) for name, t in truths_of(data) if t.get("kind") in {"points", "grid"})


def truths_of(data: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The truths of a file that are tables, by name."""
    truths = data.get("truths")
    found = truths if isinstance(truths, dict) else {}
    return ((name, truth) for name, truth in found.items() if isinstance(truth, dict))


def planned_name(data: dict[str, Any]) -> str | None:
    """The truth that the trial is planned for: the first one of points."""
    return next((name for name, truth in truths_of(data) if truth.get("kind") == "points"), None)


def robust_place(way: tuple[str, ...]) -> bool:
    """Whether these steps name the robust weight of a whole table of priors."""
    place, last = way[:-1], way[-1]
    return last == ROBUST and (place in PLACES or (len(place) == 2 and place[0] == "truths"))


def with_robust_weight(data: dict[str, Any], way: tuple[str, ...], weight: Any) -> dict[str, Any]:
    """The file with this weight of "history may not apply" in every named prior of a table."""
    if not number(weight) or not 0 <= weight <= 1:
        raise wrong(shown(weight), "a weight from 0 to 1")
    if not (places := named_priors(data, way[:-1])):
        raise wrong("no prior by name", f'a prior = "..." in {".".join(way[:-1])}', where=".".join(way[:-1]))
    for place in places:
        data = _with(data, (*place, ROBUST), weight)
    return data


def named_priors(data: Any, way: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Where the table at ``way`` names priors."""
    for step in way:
        data = data.get(step) if isinstance(data, dict) else None
    return [(*way, *place) for place in _named(data)]


def _named(table: Any) -> Iterator[tuple[str, ...]]:
    if isinstance(table, dict):
        if isinstance(table.get("prior"), str):
            yield ()
        for key, inner in table.items():
            yield from ((key, *place) for place in _named(inner))


def _with(table: dict[str, Any], way: tuple[str, ...], value: Any) -> dict[str, Any]:
    step, *rest = way
    return {**table, step: _with(table[step], tuple(rest), value) if rest else value}


def with_definition(data: dict[str, Any], endpoint: Any, indication: Indication) -> dict[str, Any]:
    """The file whose planned rates are those of one of its definitions: as observed, so among the randomised.

    Drop-out and events of the truth are left out, since what was observed holds them already.
    """
    written = definitions_of(data)
    named = [each for each in written if each.get("endpoint") == endpoint]
    planned = planned_name(data)
    if faults := definition_faults(data):
        raise InputError(*faults)
    if len(named) != 1:
        valid = sorted({str(each.get("endpoint")) for each in written})
        several = "several of this endpoint: give truths.NAME.rates as tables instead"
        fix = several if named else nearest(str(endpoint), valid)
        raise wrong(shown(endpoint), "the endpoint of one of [[definitions]]", fix)
    found, faults = examine_data(named[0], Definition, "definitions")
    if found is None or faults:
        raise InputError(*faults)
    rates = found.rates or _observed(found, indication)
    truth = {k: v for k, v in data["truths"][planned].items() if k not in {"rates_among", "dropout", "events"}}
    truth["rates"] = rates.model_dump(mode="json", exclude_none=True)
    return {**data, "truths": {**data["truths"], planned: truth}}


def _observed(definition: Definition, indication: Indication) -> ArmRates:
    treatment, control = seen(definition, indication)
    return ArmRates(treatment=treatment.x / treatment.n, control=control.x / control.n if control else None)


def definitions_of(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The definitions of a file that are tables."""
    found = data.get("definitions")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def definition_faults(data: dict[str, Any]) -> list[Fault]:
    """Why the planned rates cannot become those of a definition."""
    faults = []
    if not definitions_of(data):
        faults.append(Fault("definitions", "none", "[[definitions]] to choose from"))
    if planned_name(data) is None:
        faults.append(Fault("truths", "no points truth", "planned rates, which a definition replaces"))
    return faults
