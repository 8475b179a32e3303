"""What ``anatrial borrowing`` prints, the same as JSON content, and the curves as rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anatrial.documents.scenario import ResolvedScenario
from anatrial.domain.price import Price, Span, Variant, VariantName, Worst
from anatrial.report.machine import SCHEMA_VERSION, plain
from anatrial.report.numbers import beside, chance, hanging, rate, table, wrapped
from anatrial.report.sweep_words import shortened

MOST_ROWS = 12
NAME = 30
"""Letters of an arm's name in the head of a table at most."""
APART = 0.025
"""Tenths that are nearer to a named rate than this are left out of the table."""
LABELS: dict[VariantName, str] = {
    "borrowing": "borrowing",
    "none": "none",
    "pooled": "pooled",
    "none_same_error": "none *",
}
"""Variants as tables and pictures call them."""
FORMS: dict[str, Callable[[float], str]] = {"bias": "{:+.3f}".format, "mse": "{:.4f}".format}
"""How numbers that are no probabilities look."""
COLUMNS = (
    *("scenario", "variant", "certainty", "control_rate", "type_i_error", "power"),
    *("bias", "mse", "control_bias", "control_mse", "weight"),
)


def price_text(found: Price, used: ResolvedScenario) -> str:
    """The variants, where borrowing pays and where it costs most, and two tables along the control rate."""
    arms = used.scenario.arms
    rule = used.scenario.rule.said(arms.treatment, arms.control)
    look = found.look
    blocks = [
        [
            f"The price of borrowing: {found.title}",
            *wrapped(f"{look.n_t} on {arms.treatment} v {look.n_c} on {arms.control}. {rule}  Exact."),
        ],
        hanging([(LABELS[one.name], f"{one.prior}: {one.why}{_certainty(one, found)}") for one in found.variants]),
        wrapped(supposed(found, used)),
        [line for said in told(found, used) for line in wrapped(said)],
        table(_worst(found, used)),
        _decisions(found, used),
        _estimates(found, used),
        [line for note in found.notes for line in wrapped(f"NOTE: {note}.")],
        [f"anatrial {found.tool_version} | scenario {found.scenario_digest[:4]}.."],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def price_content(found: Price) -> dict[str, Any]:
    """Every curve at full precision as JSON content."""
    return {"format": "anatrial-borrowing", "version": SCHEMA_VERSION, **plain(found)}


def price_rows(found: Price) -> list[tuple[Any, ...]]:
    """One row per variant and control rate; empty where the rates that a number needs do not exist."""
    return [
        (found.scenario, one.name, one.certainty, rate, *(getattr(one, name)[k] for name in COLUMNS[4:]))
        for one in found.variants
        for k, rate in enumerate(found.rates)
    ]


def supposed(found: Price, used: ResolvedScenario) -> str:
    """On which truths the numbers are taken."""
    arms, (rate_t, rate_c) = used.scenario.arms, found.planned
    edge = "equal rates" if found.margin == 0 else f"{arms.treatment} rate = {arms.control} rate {found.margin:+g}"
    low, high = max(0.0, -found.effect), min(1.0, 1 - found.effect)
    beyond = "" if (low, high) == (0.0, 1.0) else f"; only {arms.control} rates of {_span(Span(low, high))} leave room"
    return (
        f"Type I error at {edge}. Power, bias and error at the planned difference of rates, {found.effect:+g} "
        f"({rate(rate_t)} v {rate(rate_c)}), kept at every {arms.control} rate{beyond}. The estimate is the posterior "
        "mean of the difference."
    )


def told(found: Price, used: ResolvedScenario) -> list[str]:
    """Where borrowing pays, in sentences."""
    control = used.scenario.arms.control
    better = "at least the power and at most the type I error of the trial without history"
    if not found.sweet_spot:
        first = (
            f"Sweet spot: none. Over no range of {control} rates does borrowing gain power (0.001 or more) with at "
            "most the type I error of the trial without history."
        )
    else:
        first = f"Sweet spot: {control} rates {spans_said(found.sweet_spot)}. There borrowing has {better}."
    said = [f"{first} {history_said(found)}"]
    for kept in found.kept:
        ranges = ", ".join(f"{rate(s.lowest)}-{rate(s.highest)}" for s in found.stated if s.promised == kept.promised)
        promise = f"The type I error of at most {kept.promised:g} that is promised for {control} rates {ranges}"
        where = f"with at least the power of none, at {control} rates {spans_said(kept.spans)}" if kept.spans else ""
        nowhere = f"together with a gain in power (0.001 or more) over no range of {control} rates"
        said.append(f"{promise} holds{', ' if where else ' '}{where or nowhere}.")
    if not found.closer:
        return [*said, f"The mean squared error is visibly below that of none at no {control} rate."]
    where = f"at {control} rates {spans_said(found.closer)}"
    return [*said, f"The mean squared error is at most that of none {where}."]


def history_said(found: Price) -> str:
    """The control rate that history expects, and whether it lies in the sweet spot."""
    said = f"History expects {mean_said(found)}"
    if not found.sweet_spot:
        return f"{said}."
    if any(span.lowest <= found.history_mean <= span.highest for span in found.sweet_spot):
        return f"{said}, inside it."
    return f"{said}, outside it: even where it holds, borrowing is not better in both."


def mean_said(found: Price) -> str:
    """History's mean with enough digits to stand on the right side of the sweet spot's ends."""
    ends = [end for span in found.sweet_spot for end in span]
    if not ends:
        return f"{found.history_mean:.3f}"
    return beside(found.history_mean, min(ends, key=lambda end: abs(end - found.history_mean)))


def spans_said(spans: tuple[Span, ...]) -> str:
    """Ranges of rates in words."""
    *first, last = [_span(span) for span in spans]
    return f"{', '.join(first)} and {last}" if first else last


def _span(span: Span) -> str:
    return f"{span.lowest:.3f}-{span.highest:.3f}"


def _certainty(one: Variant, found: Price) -> str:
    own = found.variant("borrowing").certainty
    return "" if one.certainty == own else f"; certainty {one.certainty:.12g} instead of {own:.12g}"


def _worst(found: Price, used: ResolvedScenario) -> list[tuple[str, ...]]:
    """The control rates at which borrowing is worst."""
    error, lost, more = found.worst_type_i_error, found.worst_power, found.worst_mse
    rows: list[tuple[str, ...]] = [
        (
            "Worst case of borrowing",
            f"at {shortened(used.scenario.arms.control, NAME)} rate",
            "borrowing",
            "none",
            "change",
        )
    ]
    rows.append(("  largest type I error", _at(error), _error_said(found, error), chance(error.none), _points(error)))
    if lost is None:
        rows.append(("  largest loss of power", "none at any", "", "", ""))
    else:
        rows.append(("  largest loss of power", _at(lost), chance(lost.borrowing), chance(lost.none), _points(lost)))
    if more is None:
        rows.append(("  largest rise of squared error", "none at any", "", "", ""))
    else:
        now, none, change = (FORMS["mse"](value) for value in (*more[1:], more.borrowing - more.none))
        rows.append(("  largest rise of squared error", _at(more), now, none, f"+{change}"))
    return rows


def _at(worst: Worst) -> str:
    return f"{worst.at:.3f}"


def _points(worst: Worst) -> str:
    """The change in points; one that rounds to nothing has no sign."""
    said = f"{100 * (worst.borrowing - worst.none):+.1f}"
    return f"{'0.0' if said in {'+0.0', '-0.0'} else said} points"


def _error_said(found: Price, error: Worst) -> str:
    """The largest type I error on the right side of the strictest promise."""
    if not found.kept:
        return chance(error.borrowing)
    return beside(error.borrowing, found.kept[0].promised)


def _decisions(found: Price, used: ResolvedScenario) -> list[str]:
    """Type I error and power of every variant."""
    groups = {"type I error": "type_i_error", f"power at {found.effect:+g}": "power"}
    return _grouped(found, used, groups, found.variants)


def _estimates(found: Price, used: ResolvedScenario) -> list[str]:
    """Bias and error of three variants, for a certainty of its own changes neither; the weight that history keeps."""
    shown = tuple(one for one in found.variants if one.name != "none_same_error")
    groups = {"bias of the difference": "bias", "mean squared error": "mse", "weight": "weight"}
    return _grouped(found, used, groups, shown)


def _grouped(found: Price, used: ResolvedScenario, groups: dict[str, str], shown: tuple[Variant, ...]) -> list[str]:
    """A line per rate: under the name of each number a column per variant; of the weight that of borrowing alone."""
    labels, heads = [f"{shortened(used.scenario.arms.control, NAME)} rate"], []
    rows = [[f"{found.rates[k]:.3f}"] for k in _rows(found)]
    for name, key in groups.items():
        those = shown if key != "weight" else (found.variant("borrowing"),)
        heads.append((name, len(labels) + 1))
        labels += ["", *(LABELS[one.name] if key != "weight" else "of history" for one in those)]
        for row, k in zip(rows, _rows(found), strict=True):
            row += ["", *(_cell(getattr(one, key)[k], FORMS.get(key, chance)) for one in those)]
    lines = table([tuple(labels), *map(tuple, rows)])
    widths = [max(map(len, column)) for column in zip(labels, *rows, strict=True)]
    head = "True"
    for name, first in heads:
        head = head.ljust(sum(widths[:first]) + 2 * first) + name
    return [head, *lines]


def _cell(value: float | None, form: Callable[[float], str]) -> str:
    return "-" if value is None else form(value)


def _rows(found: Price) -> list[int]:
    """Which control rates the tables show: the named ones, and the tenths, those near history first."""
    chosen = list(found.named[:MOST_ROWS])
    for tenth in sorted((k / 10 for k in range(11)), key=lambda tenth: abs(tenth - found.history_mean)):
        if len(chosen) < MOST_ROWS and all(abs(tenth - rate) >= APART for rate in chosen):
            chosen.append(tenth)
    return [found.rates.index(rate) for rate in sorted(chosen)]
