"""What ``anatrial calibrate`` prints, and the same as JSON content."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from anatrial.documents.scenario import ResolvedScenario
from anatrial.domain.calibration import Calibration, Found, Setting, SettingLook
from anatrial.domain.results import Metric
from anatrial.report.looks_text import totals
from anatrial.report.machine import SCHEMA_VERSION, plain
from anatrial.report.numbers import beside, chance, rate, table, wrapped
from anatrial.rules.base import beyond
from anatrial.truths.no_effect import NoEffect


def calibrate_text(result: Calibration, used: ResolvedScenario) -> str:
    """The value to write, why it is that one, and the trial before and after."""
    promises = "; ".join(f"{p.said}{_range(used, p.truth)}" for p in result.promises)
    lines = [result.title, *wrapped(f"Moves rule.{result.dial} until this is proven, and no further: {promises}."), ""]
    other = result.strictest if result.found is None else result.found.setting
    assert other is not None
    lines += _missed(result, other) if result.found is None else _answer(result, result.found)
    lines += ["", *table(_rows(result, used, other)), *_meanings(used, result.before, other)]
    if result.found is not None:
        arms, rule = used.scenario.arms, used.resolved.rule.dialled(other.value)
        lines += ["", "The rule is then:", *wrapped(rule.said(arms.treatment, arms.control), indent="  ")]
    return "\n".join(lines)


def calibrate_content(result: Calibration) -> dict[str, Any]:
    """A calibration as JSON content."""
    return {"format": "anatrial-calibrate", "version": SCHEMA_VERSION, **plain(result)}


def _range(used: ResolvedScenario, name: str) -> str:
    truth = used.resolved.truths[name]
    if not isinstance(truth, NoEffect):
        return ""
    whose = "rates" if used.scenario.design.single_arm else f"{used.scenario.arms.control} rates"
    return f" ({whose} {rate(truth.control.lowest)}-{rate(truth.control.highest)})"


def _short(result: Calibration) -> str:
    """The number's own name, without its place in the rule."""
    return result.dial.rpartition(".")[2]


def _answer(result: Calibration, found: Found) -> list[str]:
    name, value = _short(result), found.setting.value
    limit, way = ("least", "up") if result.rises else ("largest", "down")
    ends = zip(found.interval, (ROUND_CEILING, ROUND_FLOOR), strict=True)  # inwards: what is printed holds
    low, high = (f"{_cut(end, max(8, found.digits + 2), inward):.12g}" for end, inward in ends)
    said = (
        f"Write {name} = {value:.14g} ({limit} value that holds: {low if result.rises else high}, rounded {way} to "
        f"{found.digits} digits). Everything from {low} to {high} decides alike."
    )
    told = [said]
    if found.digits > 4:
        told.append("With fewer digits fewer results would succeed than the promise allows.")
    if found.beyond is not None:
        told.append(f"Just beyond it there is no number to hold against the promise: {found.beyond}.")
    if not result.nested:
        looser = "smaller" if result.rises else "larger"
        told.append(f"A {looser} value may hold too: no order ranks the values of this rule, so many were tried.")
    if result.dial.startswith("final."):
        told.append("Stops at interim looks keep their own thresholds; those that predict the final rule follow it.")
    return [line for text in told for line in wrapped(text)]


def _missed(result: Calibration, strictest: Setting) -> list[str]:
    said = (
        f"No {_short(result)} holds and still lets the trial succeed: the strictest at which any result succeeds, "
        f"{strictest.value:.12g}, breaks the promise already."
    )
    return wrapped(said)


def _rows(result: Calibration, used: ResolvedScenario, other: Setting) -> list[tuple[str, ...]]:
    """The trial as it is and as it would be, a line per number."""
    settings = (result.before, other)
    whose = "rate" if used.scenario.design.single_arm else f"{used.scenario.arms.control} rate"
    rows: list[tuple[str, ...]] = [("", "now", "calibrated" if result.found else "strictest")]
    rows.append((_short(result), *(f"{s.value:.14g}" for s in settings)))
    for k, promise in enumerate(result.promises):
        rows.append((promise.said, *(s.outcomes[k] for s in settings)))
        worst = [s.errors[k] for s in settings]
        found = (beside(m.estimate.value, promise.at_most) for m in worst)
        rows.append((f"  type I error (at {whose})", *map(_where, found, worst)))
        rows.append(("  proven to be at most", *(_up(m.estimate.upper) for m in worst)))
    peaks = [s.everywhere for s in settings]
    found = (chance(m.estimate.value) for m in peaks)
    rows.append(("type I error over every rate without effect", *map(_where, found, peaks)))
    for k, (name, _) in enumerate(result.before.powers):
        rows.append((f"power if {name}", *(chance(s.powers[k][1].value) for s in settings)))
    many = len(result.before.looks) > 1
    for k, now in enumerate(result.before.looks):
        at = f" at look {k + 1} ({totals(now.look)} patients)" if many else ""
        of = (now.look.n_t + 1) * (now.look.n_c + 1)
        rows.append((f"results that succeed{at}, of {of}", *(str(s.looks[k].tables) for s in settings)))
        if any(s.looks[k].implied for s in settings):
            rows.append(("  every one of them means at least", *(_least(s.looks[k]) for s in settings)))
    return rows


def _where(said: str, metric: Metric) -> str:
    """A type I error and the rate where it is met."""
    return said if metric.at is None else f"{said} (at {rate(round(metric.at, 4))})"


def _cut(value: float, digits: int, way: str) -> float:
    """A number with so many decimals, rounded that way."""
    return float(Decimal(value).quantize(Decimal(1).scaleb(-digits), rounding=way))


def _up(bound: float) -> str:
    """An upper bound, never shown below itself."""
    return f"{_cut(bound, 6, ROUND_CEILING):.6f}"


def _down(bound: float) -> str:
    """A lower bound, never shown above itself."""
    return f"{_cut(bound, 4, ROUND_FLOOR):.4f}"


def _least(look: SettingLook) -> str:
    """The least posterior probability of a success, and the result that has it."""
    if look.implied is None:
        return "-"
    against = f" v {look.implied.x_c}" if look.look.n_c else ""
    return f"{_down(look.implied.probability)} ({look.implied.x_t}{against})"


def _meanings(used: ResolvedScenario, *settings: Setting) -> list[str]:
    """What the least posterior probability is about."""
    if not any(look.implied for setting in settings for look in setting.looks):
        return []
    rule, arms = used.resolved.rule, used.scenario.arms
    fixed = used.scenario.design.single_arm and rule.fixed_benchmark is not None
    against = f"{rule.fixed_benchmark:g}" if fixed else f"{arms.control} rate{beyond(rule.null_margin)}"
    whose = "both rates" if used.resolved.design.looks()[-1].n_c else f"the {arms.treatment} rate"
    said = (
        f"means at least: P({arms.treatment} rate > {against} | data) with uniform priors on {whose}, whatever the "
        "rule assumes (the result that has it, in responders)"
    )
    return wrapped(said)
