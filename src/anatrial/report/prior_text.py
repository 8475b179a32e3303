"""What ``anatrial prior list`` and ``prior show`` print."""

from __future__ import annotations

from collections.abc import Sequence

from anatrial.domain.prior import ListedPrior
from anatrial.domain.sampled import BFMI, ESS, R_HAT, SampledRecord
from anatrial.domain.synthesis import MOST_CDF_ERROR, MOST_DIVERGENCE, Quantity, Spread
from anatrial.plan.inspect import Inspection
from anatrial.plan.planned import Beside, Measure, Predicted, RobustAdvice, RobustRow, Summary, Variation
from anatrial.report.numbers import columns, patients, percent, table, wrapped

MEASURED: dict[Measure, str] = {
    "moment": "moment",
    "morita": "Morita",
    "elir": "ELIR",
    "elir_log_odds": "ELIR (log odds)",
}
EFFECTIVE_N = (
    "Effective n: the patients that the prior is worth. Moment: a + b of the Beta with its mean and sd. Morita: how "
    "peaked it is at its top. ELIR (expected local-information ratio): how peaked it is on average, as a rate or as "
    "log odds."
)
TERMS = {
    "log odds": "log odds: the logarithm of rate / (1 - rate)",
    "tau": "tau: standard deviation of log odds between studies",
    "sigma": "sigma: the same within a disease",
    "precision": "precision: how many patients one study tells us about another",
    "fraction": "fraction: how much of a patient of theirs counts as one of ours",
    "exchangeable": "exchangeable: alike, so that each tells about the others",
}
"""Words of models, explained where one occurs."""


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
    blocks = [
        [
            f"{found.prior.name}  ({found.method}, {found.state})",
            found.title,
            *wrapped(f"Endpoint {found.endpoint}: {found.definition}"),
        ],
        _closed_form(found),
        table(
            [
                ("Quantile", *(f"{p:g}" for p, _ in found.quantiles)),
                ("  rate", *(f"{q:.4f}" for _, q in found.quantiles)),
            ]
        ),
        _contributions(found),
        _strengths(found),
        _model(found),
        _sampled(found),
        _shrunken(found),
        _borrowed(found),
        _without(found),
        _predicted(found.predicted),
        *(_results(found, each) for each in found.beside),
        *(_advice(each.n, each.robust) for each in found.beside if each.robust is not None),
        [line for why in found.why for line in wrapped(f"NOTE  {why}")],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def is_robust(found: Inspection) -> bool:
    """Whether the prior has a part that says: history may not apply."""
    return len(found.prior.mixture.parts) > len(found.prior.informative.parts)


def _closed_form(found: Inspection) -> list[str]:
    lines = [*wrapped(f"Closed form: {found.prior.mixture.said()}"), _summary("All of it", found.summary)]
    if is_robust(found):
        lines.append(_summary("Without the robust part (history may not apply)", found.informative))
    if found.fit is not None:
        lines += wrapped(
            f"Fit to what integration found: Kullback-Leibler divergence {found.fit.divergence:.2g} (0: equal; at most "
            f"{MOST_DIVERGENCE:g}), no probability off by more than {found.fit.cdf_error:.2g} (at most "
            f"{MOST_CDF_ERROR:g})"
        )
    return lines


def _summary(label: str, s: Summary) -> str:
    return f"{label}: mean {s.mean:.4f}, sd {s.sd:.4f}, 95 % {s.lower:.4f}-{s.upper:.4f}"


def _strengths(found: Inspection) -> list[str]:
    """Effective n by every measure, beside the planned sizes, with the reason where one does not exist."""
    planned = [each for each in found.beside if each.n in found.planned]
    measured = [("all of it", found.strengths)]
    if is_robust(found):
        measured.append(("without the robust part", found.informative_strengths))
    heads = [head for head, _ in measured]
    cells = [[_number(s.value) for s in column] for _, column in measured]
    reasons = [f"{MEASURED[s.measure]}, {head}: {s.why_not}" for head, column in measured for s in column if s.why_not]
    if (law := found.synthesis) is not None:
        heads.append("by integration")
        cells.append([_number(law.effective_n), "", _number(law.elir), ""])
        reasons += [f"ELIR by integration: {law.no_elir}"] if law.elir is None else []
    for each in planned:
        heads.append(f"all / {each.n}")
        cells.append(["-" if ratio is None else f"{ratio:.2f}" for _, ratio in each.ratios])
    rows = [(f"  {name}", *(column[k] for column in cells)) for k, name in enumerate(MEASURED.values())]
    said = f" All / {planned[0].n}: all of it over the patients planned." if planned else ""
    lines = [*table([("Effective n", *heads), *rows]), *wrapped(EFFECTIVE_N + said, indent="  ")]
    lines += [line for reason in reasons for line in wrapped(f"- no {reason}", indent="  ")]
    return lines + [line for each in planned for line in _warned(each)]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _warned(each: Beside) -> list[str]:
    above = [f"{MEASURED[measure]} {ratio:.2f}" for measure, ratio in each.ratios if ratio is not None and ratio > 1]
    if not above:
        return []
    return wrapped(
        f"WARNING  the prior is worth more patients than the arm has: {', '.join(above)} times {patients(each.n)}"
    )


def _model(found: Inspection) -> list[str]:
    if found.synthesis is None:
        return []
    assumed = columns([(f"  {what}", said) for what, said in found.assumptions])
    words = " ".join(f"{what} {said}" for what, said in found.assumptions)
    lines = ["The model assumes", *(line for row in assumed for line in _hung(row))]
    lines += wrapped("; ".join(said for term, said in TERMS.items() if term in words), indent="  ")
    s = found.synthesis
    rows = [_quantity(quantity) for quantity in (s.typical, s.predicted, *s.heterogeneity, *s.others)]
    return [*lines, "", *table([("By integration", "mean", "sd", "median", "95 % interval"), *rows])]


def _hung(row: str) -> list[str]:
    """A row of two columns in lines, the second column hung under itself."""
    start = len(row) - len(row[2:].partition("  ")[2].lstrip())
    lines = wrapped(row.rstrip()[start:], indent=" " * start)
    return [row[:start] + lines[0][start:], *lines[1:]]


def _quantity(found: Quantity) -> tuple[str, ...]:
    law = found.posterior
    low, _, median, _, high = law.quantiles
    digits = 4 if high < 10 else 1
    return (
        f"  {found.label}", f"{law.mean:.{digits}f}", f"{law.sd:.{digits}f}", f"{median:.{digits}f}",
        f"{low:.{digits}f} to {high:.{digits}f}",
    )  # fmt: skip


def _borrowed(found: Inspection) -> list[str]:
    if not found.borrowed:
        return []
    rows = [("Disease", "like the others, before", "after", "mean without it", "effective n without it")]
    for each in found.borrowed:
        after = "-" if each.chance_after is None else f"{each.chance_after:.3f}"
        rows.append(
            (
                f"  {each.name}", f"{each.chance_before:.3f}", after, f"{each.mean_without:.4f}",
                f"{each.effective_n_without:.4g}",
            )
        )  # fmt: skip
    return table(rows)


def _sampled(found: Inspection) -> list[str]:
    if found.sampled is not None:
        return _record(found.sampled)
    if not found.samples:
        return []
    command = f"anatrial prior derive {found.prior.name.replace('/', ' ')}"
    return wrapped(f"Sampled with PyMC: no fresh record ({found.state}); {command} makes one")


def _record(record: SampledRecord) -> list[str]:
    d = record.diagnostics
    lines = wrapped(
        f"Sampled with PyMC as a second opinion: {d.draws:,} draws, R-hat {d.r_hat:.3f} (chains agree: at most "
        f"{R_HAT:g}), worth {d.ess_bulk:,.0f} independent draws in the middle and {d.ess_tail:,.0f} in the tails (at "
        f"least {ESS:g}), {d.divergences or 'no'} divergences, BFMI {d.bfmi:.2f} (tails explored: at least {BFMI:g})"
    )
    return lines + wrapped(f"Furthest from integration of {record.comparisons}: {record.worst.said()}", indent="  ")


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


def _shrunken(found: Inspection) -> list[str]:
    """Observed rates beside those of the model, which draws each study towards the others."""
    rows = [("Study", "observed rate (95 %)", "by the model (95 %)")]
    for study in found.studies:
        if study.shrunken is not None:
            observed = f"{study.observed:.3f} ({study.lower:.3f}-{study.upper:.3f})"
            rows.append((f"  {study.title}", observed, _rate(study.shrunken)))
    return table(rows) if len(rows) > 1 else []


def _rate(law: Spread) -> str:
    return f"{law.mean:.3f} ({law.quantiles[0]:.3f}-{law.quantiles[-1]:.3f})"


def _without(found: Inspection) -> list[str]:
    if not found.without:
        return []
    rows = [("Without", "mean", "95 % interval", "effective n")]
    reasons = []
    for left in found.without:
        if (s := left.summary) is None:
            rows.append((f"  {left.title}", "-", "-", "-"))
            reasons += wrapped(f"- {left.title}: {left.why_not}", indent="  ")
        else:
            rows.append((f"  {left.title}", f"{s.mean:.3f}", f"{s.lower:.3f}-{s.upper:.3f}", f"{s.effective_n:.3g}"))
    return [*table(rows), *reasons]


def _predicted(predicted: Sequence[Predicted]) -> list[str]:
    rows = [("Among the next", "responders expected", "median", "95 % interval", "surprising")]
    for p in predicted:
        low, high = f"{p.lower}-{p.upper}", surprising(p)
        rows.append((f"  {patients(p.n)}", f"{p.mean:.1f}", str(p.median), low, high))
    said = "  surprising: so few, or so many, have probability below 0.025 under the prior"
    return [*table(rows), said]


def surprising(p: Predicted) -> str:
    """The counts that would contradict the prior, in words."""
    low = [f"at most {p.surprising_low}"] if p.surprising_low is not None else []
    high = [f"at least {p.surprising_high}"] if p.surprising_high is not None else []
    return ", or ".join([*low, *high]) or "none"


def _results(found: Inspection, each: Beside) -> list[str]:
    """What is left of history, or of each part, as the result moves."""
    if len(found.prior.mixture.parts) < 2:
        return []
    results = each.results
    rows = [(f"After this many responders of {each.n}", *(str(r.x) for r in results))]
    if is_robust(found):
        rows.append(("  weight of history", *(f"{r.history:.3f}" for r in results)))
    else:
        for k, part in enumerate(found.prior.mixture.parts):
            label = f"  weight of Beta({part.a:.4g}, {part.b:.4g})"
            rows.append((label, *(f"{r.weights[k]:.3f}" for r in results)))
    rows.append(("  mean rate", *(f"{r.mean:.3f}" for r in results)))
    rows.append(("  95 % from", *(f"{r.lower:.3f}" for r in results)))
    rows.append(("  95 % to", *(f"{r.upper:.3f}" for r in results)))
    return table(rows)


def _advice(n: int, advice: RobustAdvice) -> list[str]:
    x = advice.surprising
    tail = [] if x is None else [f"after {x}", f"mean after {x}"]
    rows = [("", "effective n", "ELIR", f"after {advice.expected}", *tail)]
    rows += [_variation(row, len(tail)) for row in advice.rows]
    counts = f"{advice.expected} of {n} are what history expects"
    counts += "" if x is None else f", {x} surprise it (probability below 0.025)"
    return [
        f"The robust part otherwise, and the weight of history after a result of {n}",
        *table(rows),
        *wrapped(f"{counts}; effective n by moment", indent="  "),
        *_caution(n, advice),
        *(line for row in advice.rows if row.why_not for line in wrapped(f"- {row.what}: {row.why_not}", indent="  ")),
    ]


def _variation(row: RobustRow, more: int) -> tuple[str, ...]:
    if row.part is None:
        return (f"  {row.what}", "-", "-", "-", *("-",) * more)
    weight, beta = percent(row.part.weight), f"Beta({row.part.a:.3g}, {row.part.b:.3g})"
    changed = weight if row.what.endswith("weight") else beta
    label = f"  {row.what}: {f'{weight} of {beta}' if row.what == 'this recipe' else changed}"
    numbers = [row.history_expected, row.history_surprising, row.mean_surprising][: 1 + more]
    elir = "-" if row.elir is None else f"{row.elir:.3g}"
    return (label, f"{row.effective_n:.3g}", elir, *("-" if v is None else f"{v:.3f}" for v in numbers))


def _caution(n: int, advice: RobustAdvice) -> list[str]:
    """What the numbers show of vaguer and of centred parts: they are choices too."""
    kept = {row.what: row.history_surprising for row in advice.rows}
    now = kept["this recipe"]
    said = []
    shown: dict[Variation, str] = {
        "half the size": "a vaguer part (half the size)",
        "centred on history": "one centred on history",
    }
    for what, words in shown.items():
        other = kept[what]
        if now is not None and other is not None and f"{now:.3f}" != f"{other:.3f}":
            more = "more" if other > now else "less"
            said.append(f"{words} leaves history {more} weight ({other:.3f} instead of {now:.3f})")
    if not said:
        return []
    text = (
        f"After {advice.surprising} of {n}, {', and '.join(said)}. Weight, mean and size of the part act together, "
        "so each is a choice to defend (Schmidli et al. 2014, Biometrics 70:1023-1032)."
    )
    return wrapped(text, indent="  ")
