"""Whether the published numbers agree with themselves: percentages, counts, means, p-values, nested endpoints.

Source of the idea: Brown & Heathers (2017), Soc. Psychol. Pers. Sci. 8:363-369 (the GRIM test).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import NamedTuple

from anatrial.documents.indication import Indication
from anatrial.domain.evidence import CheckKind, Fact, Outcome, Study
from anatrial.domain.findings import Finding, Status
from anatrial.methods.recipe import Counted
from anatrial.numerics.two_by_two import p_values
from anatrial.plan.evidence_tests import giving
from anatrial.spec import MAX_N

FISHER = "Fisher two-sided"
PARTITIONED = {"discontinuation", "dropouts", "mas_event", "sample_size"}
"""Kinds of facts whose whole numbers in ``values`` are parts of the count (or of n); elsewhere they may overlap."""


class _Seen(NamedTuple):
    """One check of one record, before its acknowledgements are looked at."""

    check: CheckKind
    wrong: bool
    arithmetic: str
    note: bool = False


def check(indication: Indication) -> tuple[Finding, ...]:
    """Every check of every record of an indication, then its overlap groups and what its recipes treat as the same."""
    found: list[Finding] = []
    for study in indication.studies:
        for outcome in study.outcomes:
            seen = [*_percent(outcome, outcome.responders), *_outcome_count(indication, study, outcome)]
            found += _judged(indication, outcome, [*seen, *_nested(indication, study, outcome)])
        for fact in study.facts:
            seen = [*_percent(fact, fact.count), *_fact_count(study, fact), *_mean(fact), *_p_value(indication, fact)]
            found += _judged(indication, fact, seen)
    return (*found, *_overlaps(indication), *_equated(indication))


def _judged(indication: Indication, record: Outcome | Fact, seen: list[_Seen]) -> Iterator[Finding]:
    """Findings: an acknowledged discrepancy is a note, any other a fault, and so is an idle acknowledgement."""
    admitted = {item.check: item.why for item in record.acknowledged}
    head = (indication.indication, record.id, record.source_id)
    for one in seen:
        why = admitted.get(one.check, "") if one.wrong else ""
        status: Status = "note" if why or (one.note and not one.wrong) else "fault" if one.wrong else "ok"
        yield Finding(*head, one.check, status, one.arithmetic, why)
    for name in admitted.keys() - {one.check for one in seen if one.wrong}:
        numbers = "; ".join(one.arithmetic for one in seen if one.check == name) or f"nothing to check ({name})"
        yield Finding(*head, name, "fault", f"acknowledges a discrepancy that is not there: {numbers}", admitted[name])


# ---- percentages ----


def fitting(printed: str, n: int) -> range:
    """Every count of ``n`` whose percentage prints like this; ties may have been rounded up or to even.

    ``>95`` and ``<5`` are read as inequalities.
    """
    text = printed.lstrip("<>")
    value, unit = Fraction(text), Fraction(1, 10 ** _decimals(text))
    if printed.startswith(">"):
        return range(min(math.floor(value * n / 100) + 1, n + 1), n + 1)
    if printed.startswith("<"):
        return range(min(math.ceil(value * n / 100), n + 1))
    low, high = (value - unit / 2) * n / 100, (value + unit / 2) * n / 100
    even = int(text.replace(".", "")) % 2 == 0
    last = math.floor(high) if even else math.ceil(high) - 1
    return range(max(0, math.ceil(low)), max(0, min(n, last) + 1))


def _decimals(text: str) -> int:
    return len(text.partition(".")[2])


def _percent(record: Outcome | Fact, count: int | None) -> Iterator[_Seen]:
    printed, n = record.printed_percent, record.n
    claimed = record.compatible if isinstance(record, Outcome) else ()
    if printed is None or not n:
        if claimed:
            yield _Seen(
                "percent",
                True,
                f"compatible counts {_listed(claimed)}, but no printed percentage of an n that allows them",
            )
        return
    fits = fitting(printed, n)
    said = f"{printed} % fits {_listed(tuple(fits)) if fits else 'none'} of {n}"
    if claimed and claimed != tuple(fits):
        yield _Seen("percent", True, f"compatible lists {_listed(claimed)}, but {said}")
    elif count is not None and count not in fits:
        yield _Seen("percent", True, f"printed {printed} %, but {_as_percent(count, n, printed)}; {said}")
    elif count is not None:
        yield _Seen("percent", False, f"printed {printed} %; {_as_percent(count, n, printed)}; {said}")
    elif not fits:
        yield _Seen("percent", True, f"printed {printed} % fits none of {n}: {_neighbours(printed, n)}")
    elif isinstance(record, Outcome) and not claimed:
        yield _Seen("percent", False, f"{said}, but no compatible counts are listed", note=True)
    else:
        yield _Seen("percent", False, said)


def _as_percent(count: int, n: int, printed: str) -> str:
    return f"{count}/{n} = {100 * count / n:.{_decimals(printed) + 1}f} %"


def _neighbours(printed: str, n: int) -> str:
    below = math.floor(Fraction(printed.lstrip("<>")) * n / 100)
    return ", ".join(_as_percent(x, n, printed) for x in (below, below + 1) if 0 <= x <= n) or f"at most {n}"


def _listed(counts: tuple[int, ...]) -> str:
    return ", ".join(map(str, counts)) if len(counts) <= 5 else f"{counts[0]} to {counts[-1]}"


# ---- counts ----


def _outcome_count(indication: Indication, study: Study, outcome: Outcome) -> Iterator[_Seen]:
    """Drop-outs against the patients counted: as non-responders within n, excluded beside n."""
    n, lost = outcome.n, outcome.dropouts
    if n is None or lost is None:
        return
    good = _good(indication, outcome)
    if outcome.dropouts_counted == "as_non_responders" and good:
        least, total = good[0], good[0] + lost
        mark = "<=" if total <= n else "exceeds"
        yield _Seen(
            "count", total > n, f"{least} responders + {lost} dropped out as non-responders = {total} {mark} {n}"
        )
    sizes = {f.n for f in study.facts if f.kind == "sample_size" and f.arm == outcome.arm and f.n is not None}
    if outcome.dropouts_counted == "excluded" and len(sizes) == 1:
        whole, total = sizes.pop(), n + lost
        wrong = total != whole if outcome.analysis_set == "completers" else total > whole
        mark = f"not the {whole}" if wrong else f"of {whole}"
        yield _Seen("count", wrong, f"{n} analysed + {lost} dropped out = {total}, {mark} in the arm")
    if outcome.dropouts_counted == "unknown":
        yield _Seen("count", lost > n, f"{lost} drop-outs of {n}")


def _fact_count(study: Study, fact: Fact) -> Iterator[_Seen]:
    """One finding per fact: its count within n, and every sum that its values spell out."""
    sums: list[tuple[bool, str]] = []
    if fact.count is not None and fact.n is not None:
        sums.append((fact.count > fact.n, f"{fact.count} of {fact.n}"))
    numbers = {k: v for k, v in fact.values.items() if isinstance(v, int) and not isinstance(v, bool)}
    stayed = numbers.get("completers")
    lost = numbers.get("dropouts", fact.count if fact.kind == "dropouts" else None)
    if stayed is not None and lost is not None and fact.n is not None:
        sums.append(_sum({"completed": stayed, "dropped out": lost}, fact.n, "n"))
    for whole, size in numbers.items():
        parts = {k: v for k, v in numbers.items() if k.startswith(f"{whole}_")}
        if len(parts) > 1:
            sums.append(_sum(parts, size, whole))
    if stayed is None and not any(other.startswith(f"{k}_") for k in numbers for other in numbers):
        sums += _partition(study, fact, numbers)
    if sums:
        yield _Seen("count", any(wrong for wrong, _ in sums), "; ".join(said for _, said in sums))


def _partition(study: Study, fact: Fact, numbers: dict[str, int]) -> Iterator[tuple[bool, str]]:
    """The values as parts of one whole, where nothing else can be meant."""
    stopped = numbers.get("stopped") if fact.kind == "discontinuation" else None
    parts = {k: v for k, v in numbers.items() if k != "stopped"}
    whole = stopped if stopped is not None else fact.count
    by_arm = set(numbers) <= {arm.id for arm in study.arms}
    if whole is None and (by_arm or fact.kind == "sample_size"):
        whole = fact.n
    if whole is None or len(parts) < 2 or len(numbers) < len(fact.values) or not (by_arm or fact.kind in PARTITIONED):
        return
    # Totals given for comparison (all arms, another time) are larger than the whole and no parts of it.
    if fact.count is None and stopped is None and not by_arm and max(parts.values()) > whole:
        return
    yield _sum(parts, whole, "stopped" if stopped is not None else "count" if fact.count is not None else "n")


def _sum(parts: dict[str, int], whole: int, name: str) -> tuple[bool, str]:
    total = sum(parts.values())
    said = " + ".join(f"{v} {k.replace('_', ' ')}" for k, v in parts.items())
    return total != whole, f"{said} = {total}" + ("" if total == whole else f", not the {whole} given ({name})")


# ---- means ----


def _mean(fact: Fact) -> Iterator[_Seen]:
    """A mean against its range: one value is the lowest, one the highest, the others lie between."""
    if fact.mean is None or fact.range is None:
        return
    (low, high), n = fact.range, fact.n
    slack = 0.5 * 10.0 ** -_shown_decimals(fact.mean)  # the mean may have been rounded
    floor, ceiling = _extremes(low, high, n)
    of = f"{n} values" if n else "values"
    between = f"{of} from {low:g} to {high:g} have a mean of {floor:.4g} to {ceiling:.4g}"
    if not floor - slack <= fact.mean <= ceiling + slack:
        rounded = 0.5 * 10.0 ** -max(_shown_decimals(low), _shown_decimals(high))
        looser = _extremes(low - rounded, high - rounded, n)[0], _extremes(low + rounded, high + rounded, n)[1]
        best = looser[0 if fact.mean < floor else 1]
        corner = ""
        if looser[0] - slack <= fact.mean <= looser[1] + slack:
            corner = f" (only if both ends were rounded by {rounded:g} could it just be {best:.4g})"
        yield _Seen("mean", True, f"printed mean {fact.mean:g}, but {between}{corner}")
    else:
        yield _Seen("mean", False, f"printed mean {fact.mean:g}; {between}")


def _extremes(low: float, high: float, n: int | None) -> tuple[float, float]:
    """The lowest and highest mean that n values with this range can have."""
    if not n or n < 2:
        return low, high
    return (low * (n - 1) + high) / n, (low + high * (n - 1)) / n


def _shown_decimals(value: float) -> int:
    return 0 if value.is_integer() else _decimals(repr(value))


# ---- p-values ----


def _p_value(indication: Indication, fact: Fact) -> Iterator[_Seen]:
    if fact.compares is None or fact.p_value is None:
        return
    (_, t), (_, c) = (indication.records[name] for name in fact.compares)
    if t.n is None or t.responders is None or c.n is None or c.responders is None:
        unread = " and ".join(o.id for o in (t, c) if not o.countable)
        yield _Seen(
            "p_value", False, f"printed {fact.p_value}, not recomputed: the count of {unread} was not read", note=True
        )
        return
    table = f"{t.responders}/{t.n} v {c.responders}/{c.n}"
    if t.n + c.n > MAX_N:
        yield _Seen("p_value", False, f"{table}: more than {MAX_N:,} patients, not recomputed", note=True)
        return
    tests = p_values(t.responders, t.n, c.responders, c.n)
    digits = max(4, _decimals(fact.p_value) + 1)
    value, matches = float(fact.p_value.lstrip("<>")), giving(fact.p_value, tests)
    fisher = f"{FISHER} {tests[FISHER]:.{digits}f}"
    verb = "holds for" if fact.p_value[0] in "<>" else "="
    if value <= 0.05 < tests[FISHER] and not fact.p_value.startswith(">"):
        fisher += ", above 0.05"
    if not matches:
        close = min(tests, key=lambda name: abs(tests[name] - value))
        nearest = fisher if close == FISHER else f"{close} {tests[close]:.{digits}f}; {fisher}"
        yield _Seen("p_value", True, f"{table}: no test gives the printed {fact.p_value}; nearest {nearest}")
    elif FISHER in matches:
        yield _Seen("p_value", False, f"{table}: printed {fact.p_value} {verb} {fisher}")
    else:
        said = " = ".join(f"{name} {tests[name]:.{digits}f}" for name in matches)
        yield _Seen("p_value", False, f"{table}: printed {fact.p_value} {verb} {said}; {fisher}", note=True)


# ---- nested endpoints, overlap, recipes ----


def _good(indication: Indication, outcome: Outcome) -> tuple[int, int] | None:
    """Lowest and highest number of patients with the good outcome that the record allows."""
    counts = outcome.compatible if outcome.responders is None else (outcome.responders,)
    if not counts or outcome.n is None:
        return None
    if indication.endpoints[outcome.endpoint].better == "fewer":
        return outcome.n - max(counts), outcome.n - min(counts)
    return min(counts), max(counts)


def _weaker(indication: Indication, endpoint: str) -> list[str]:
    """The endpoints that every responder on this one also meets, nearest first."""
    found: list[str] = []
    step = indication.endpoints[endpoint].nested_in
    while step is not None and step not in found and step != endpoint:
        found.append(step)
        step = indication.endpoints[step].nested_in
    return found


def _nested(indication: Indication, study: Study, outcome: Outcome) -> Iterator[_Seen]:
    """Responders must not exceed those on a weaker endpoint: same study, arm, visit and n."""
    weaker, mine = _weaker(indication, outcome.endpoint), _good(indication, outcome)
    if not weaker or mine is None:
        return
    same: Callable[[Outcome], tuple[object, ...]] = lambda o: (o.arm, o.visit, o.n)  # noqa: E731 - a key, used twice
    compared = [
        (e, o, _good(indication, o))
        for e in weaker
        for o in study.outcomes
        if o.endpoint == e and same(o) == same(outcome)
    ]
    told = [(e, o, theirs) for e, o, theirs in compared if theirs is not None]
    if told:
        words = [f"{'<=' if mine[0] <= g[1] else 'exceeds'} {e} {_span(g)} ({o.id})" for e, o, g in told]
        wrong = any(mine[0] > g[1] for _, _, g in told)
        yield _Seen("nested", wrong, f"{outcome.endpoint} {_span(mine)} of {outcome.n} {', '.join(words)}")


def _span(counts: tuple[int, int]) -> str:
    return str(counts[0]) if counts[0] == counts[1] else f"{counts[0]} to {counts[1]}"


def _overlaps(indication: Indication) -> Iterator[Finding]:
    groups: dict[str, list[str]] = defaultdict(list)
    for study in indication.studies:
        for outcome in study.outcomes:
            for group in outcome.overlap:
                groups[group].append(outcome.id)
    for group, ids in groups.items():
        recipes = indication.priors.items()
        used = [f"{name} uses {o}" for name, r in recipes for o in indication.outcomes_of(r) if o in ids]
        said = f"{len(ids)} records of one cohort: {', '.join(ids)}; {', '.join(used) or 'no prior uses any'}"
        if len(ids) > 1:
            yield Finding(indication.indication, group, "", "overlap", "note", said)


def _equated(indication: Indication) -> Iterator[Finding]:
    """What a recipe treats as the same: endpoints, visits, analysis sets; with its reasons."""
    for name, recipe in indication.priors.items():
        if not isinstance(recipe, Counted) or not recipe.treated_as_same:
            continue
        used = [o for _, records in indication.baskets_of(recipe) for _, o in records]
        wanted = indication.endpoints[recipe.endpoint].visit
        parts = [
            _differing("endpoint", {o.id: o.endpoint for o in used}, recipe.endpoint),
            _differing("visit", {o.id: o.visit for o in used}, wanted),
            _differing("analysis set", {o.id: o.analysis_set for o in used}, used[0].analysis_set),
        ]
        said = "; ".join(filter(None, parts)) or "nothing differs"
        why = " / ".join(dict.fromkeys(same.why for same in recipe.treated_as_same))
        yield Finding(indication.indication, name, "", "endpoint", "note", f"treated as the same: {said}", why)


def _differing(what: str, by_record: dict[str, str], own: str) -> str:
    kinds: dict[str, list[str]] = defaultdict(list)
    for record, value in by_record.items():
        kinds[value].append(record)
    others = [f"{value} ({', '.join(ids)})" for value, ids in kinds.items() if value != own]
    return f"{what} {own} and {', '.join(others)}" if others else ""
