"""What ``anatrial prior list`` and ``prior show`` print."""

from __future__ import annotations

from collections.abc import Sequence

from anatrial.plan.inspect import Inspection, ListedPrior, Summary
from anatrial.report.numbers import columns, table, wrapped


def list_text(rows: Sequence[ListedPrior]) -> str:
    """Priors in columns, with their freshness and closed form; what each is stands below it."""
    width = max((len(row.name) for row in rows), default=0)
    lines = []
    for row in rows:
        lines.append(f"{row.name.ljust(width)}  {row.state.ljust(11)}  {row.closed_form}")
        lines.append(f"{'':{width}}  {row.title}")
    return "\n".join(lines)


def show_text(found: Inspection) -> str:
    """A prior from all sides."""
    prior = found.prior
    blocks = [
        [
            f"{prior.name}  ({found.method}, {found.state})",
            found.title,
            *wrapped(f"Endpoint {found.endpoint}: {found.definition}"),
        ],
        [f"Closed form: {prior.mixture.said()}", _summary("All of it", found.summary), *_bare(found)],
        table(
            [
                ("Quantile", *(f"{p:g}" for p, _ in found.quantiles)),
                ("  rate", *(f"{q:.4f}" for _, q in found.quantiles)),
            ]
        ),
        _contributions(found),
        _without(found),
        table(
            [
                ("Among the next", "responders expected", "median", "95 % interval"),
                *(
                    (f"  {p.n} patients", f"{p.mean:.1f}", str(p.median), f"{p.lower}-{p.upper}")
                    for p in found.predicted
                ),
            ]
        ),
        [line for why in found.why for line in wrapped(f"NOTE  {why}")],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _bare(found: Inspection) -> list[str]:
    return [_summary("Without the robust part", found.informative)] if found.prior.robust_weight > 1e-12 else []


def _contributions(found: Inspection) -> list[str]:
    if not found.prior.contributions:
        return []
    rows = [("Study", "responders", "weight", "counts as", "visit")]
    reasons: dict[str, list[str]] = {}
    for c in found.prior.contributions:
        counts_as = f"{c.weight * c.responders:.4g} of {c.weight * c.n:.4g}"
        rows.append((f"  {c.title}", f"{c.responders} of {c.n}", f"{c.weight:g}", counts_as, c.visit))
        reasons.setdefault(f"{c.weight:g}: {' '.join(c.why.split())}", []).append(c.title)
    said = [reason if len(reasons) == 1 else f"{reason} ({', '.join(titles)})" for reason, titles in reasons.items()]
    return [
        *columns(rows),
        *(line for why in said for line in wrapped(f"Weight {why}", indent="  ")),
        *(line for same in found.prior.equated for line in wrapped(f"Treated as the same: {same}", indent="  ")),
    ]


def _without(found: Inspection) -> list[str]:
    if not found.without:
        return []
    rows = [("Without", "mean", "95 % interval", "effective n")]
    for left in found.without:
        s = left.summary
        rows.append((f"  {left.title}", f"{s.mean:.3f}", f"{s.lower:.3f}-{s.upper:.3f}", f"{s.effective_n:.3g}"))
    return table(rows)


def _summary(label: str, s: Summary) -> str:
    interval = f"95 % {s.lower:.4f}-{s.upper:.4f}"
    return f"{label}: mean {s.mean:.4f}, sd {s.sd:.4f}, {interval}, effective n {s.effective_n:.4g} (moment)"
