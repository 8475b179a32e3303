"""What ``anatrial prior list`` and ``prior show`` print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from anatrial.plan.inspect import Inspection, Summary
from anatrial.report.numbers import table, wrapped

if TYPE_CHECKING:
    from typing import Protocol

    class Row(Protocol):
        """A line of the list."""

        @property
        def name(self) -> str: ...
        @property
        def title(self) -> str: ...
        @property
        def state(self) -> str: ...
        @property
        def closed_form(self) -> str: ...


def list_text(rows: Sequence[Row]) -> str:
    """Priors in columns, with their closed form and freshness."""
    width = max((len(row.name) for row in rows), default=0)
    lines = []
    for row in rows:
        lines.append(f"{row.name.ljust(width)}  {row.state.ljust(11)}  {row.closed_form}")
        lines.append(f"{'':{width}}  {row.title}")
    return "\n".join(lines)


def show_text(found: Inspection) -> str:
    """A prior from all sides."""
    prior = found.prior
    lines = [
        f"{prior.name}  ({found.method}, {found.state})",
        found.title,
        *wrapped(f"Endpoint {found.endpoint}: {found.definition}"),
        "",
        f"Closed form  {prior.mixture.said()}",
        *_summary("All of it", found.summary),
    ]
    if prior.robust_weight > 1e-12:
        lines += _summary("Without the robust part", found.informative)
    lines += ["", "Quantiles", *table([("  probability", *(f"{p:g}" for p, _ in found.quantiles)), ("  rate", *(f"{q:.4f}" for _, q in found.quantiles))])]
    if prior.contributions:
        rows = [("Study", "responders", "of", "weight", "counts as", "visit", "why")]
        rows += [
            (f"  {c.title}", str(c.responders), str(c.n), f"{c.weight:g}", f"{c.weight * c.responders:.4g} of {c.weight * c.n:.4g}", c.visit, c.why)
            for c in prior.contributions
        ]
        lines += ["", *_left_table(rows)]
    for equated in prior.equated:
        lines += wrapped(f"Treated as the same: {equated}", indent="  ")
    if found.without:
        rows = [("Without", "mean", "95 % interval", "effective n")]
        rows += [(f"  {w.title}", f"{w.summary.mean:.3f}", f"{w.summary.lower:.3f}-{w.summary.upper:.3f}", f"{w.summary.effective_n:.3g}") for w in found.without]
        lines += ["", *table(rows)]
    rows = [("Among the next", "responders expected", "median", "95 % interval")]
    rows += [(f"  {p.n} patients", f"{p.mean:.1f}", str(p.median), f"{p.lower}-{p.upper}") for p in found.predicted]
    lines += ["", *table(rows)]
    for why in found.why:
        lines += wrapped(f"NOTE  {why}")
    return "\n".join(lines)


def _left_table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]


def _summary(label: str, s: Summary) -> list[str]:
    return [f"{label}: mean {s.mean:.4f}, sd {s.sd:.4f}, 95 % {s.lower:.4f}-{s.upper:.4f}, effective n {s.effective_n:.4g} (moment)"]
