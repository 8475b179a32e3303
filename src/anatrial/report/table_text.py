"""What ``anatrial table`` prints."""

from __future__ import annotations

from anatrial.plan.observed import Interval, Measure, Observed, TestResult
from anatrial.report.numbers import p_said, percent, rate, table, wrapped

ONE_SIDED = (
    "One-sided values of Fisher, Boschloo and Barnard are those of the direction that was seen: they keep alpha "
    "only if that direction was fixed before."
)


def table_text(found: Observed) -> str:
    """The result, its p-values, and the intervals of each quantity."""
    arms = [found.treatment] if found.control is None else [found.treatment, found.control]
    lines = [" v ".join(f"{arm} ({arm.rate:.3f})" for arm in arms)]
    if found.control is not None:
        lines += ["p_t is the true rate on treatment, p_c on control."]
    if found.tests:
        null = "p_t = p_c" if found.null is None else f"a rate of {rate(found.null)}"
        lines += ["", *_tests(f"Tests of {null}", found.tests)]
        if found.control is not None:
            lines += wrapped(ONE_SIDED)
    if found.margin_tests:
        lines += ["", *_tests(f"Is p_t - p_c above {found.margin:g}?", found.margin_tests)]
    if found.posterior_above is not None:
        lines += ["", _posterior(found, found.posterior_above)]
    for measure in found.measures:
        lines += ["", *_measure(measure, found.level)]
    return "\n".join(lines)


def _tests(title: str, tests: tuple[TestResult, ...]) -> list[str]:
    rows = [(f"  {one.test}", p_said(one.p), "yes" if one.keeps_alpha else "no") for one in tests]
    return table([(title, "p", "keeps alpha"), *rows])


def _posterior(found: Observed, above: float) -> str:
    return f"P(p_t - p_c > {found.margin or 0:g} | data), uniform priors: {_near_one(above)}"


def _near_one(p: float) -> str:
    """A probability with four decimals, more where it would round to 1 or 0."""
    return f"{p:.4f}" if 0.00005 <= p < 0.99995 else f"{p:.3g}" if p < 0.5 else f"1 - {1 - p:.2g}"


def _measure(measure: Measure, level: float) -> list[str]:
    ratio = "ratio" in measure.of
    value = "none: division by 0" if measure.value is None else _number(measure.value, ratio=ratio)
    head = (f"{measure.of[0].upper() + measure.of[1:]}: {value}", f"{percent(level)} interval", "always covers")
    rows = [(f"  {one.method}", _limits(one, ratio=ratio), "yes" if one.covers else "no") for one in measure.intervals]
    return table([head, *rows])


def _limits(one: Interval, *, ratio: bool) -> str:
    if one.lower is None:
        return one.note
    lower = _number(one.lower, ratio=ratio)
    return f"{lower}, {one.note}" if one.upper is None else f"{lower} to {_number(one.upper, ratio=ratio)}"


def _number(value: float, *, ratio: bool) -> str:
    return f"{value:.4g}" if ratio else f"{value:.3f}"
