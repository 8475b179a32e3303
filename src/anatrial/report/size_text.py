"""What ``anatrial size`` prints."""

from __future__ import annotations

from collections import Counter

from anatrial.documents.scenario import ResolvedScenario
from anatrial.domain.results import SizeAnswer, SizePoint, SizeSearch
from anatrial.report.numbers import METRICS, beside, table, wrapped

MOST_ROWS = 20


def size_text(result: SizeSearch, used: ResolvedScenario) -> str:
    """The sizes that hold, first and for good, and the curve around them."""
    single = used.scenario.design.single_arm
    what = "patients" if single else "control patients"
    lines = [result.title, f"Every size from {result.points[0].n} to {result.last_n} {what} judged exactly.", ""]
    for answer in result.answers:
        lines += wrapped(f"{answer.label}: {'; '.join(_answer(answer, result, single=single))}")
    for each in result.normal:
        looks = f", {each.factor:.4f} times that of one analysis" if each.factor != 1 else ""
        sizes = f"{each.treatment:.1f} + {each.control:.1f} = {each.treatment + each.control:.1f} patients"
        lines += wrapped(f"Normal theory would say {sizes}{looks}, for a power of {each.power:g} ({each.target}).")
    if result.skipped:
        reasons = dict.fromkeys(skipped.why for skipped in result.skipped)
        for why in reasons:
            left_out = [str(skipped.n) for skipped in result.skipped if skipped.why == why]
            said = ", ".join(left_out[:8]) + (", ..." if len(left_out) > 8 else "")
            lines += wrapped(f"NOTE  skipped, because {why}: n = {said}")
    return "\n".join([*lines, "", *_curve(result, single=single)])


def _answer(answer: SizeAnswer, result: SizeSearch, *, single: bool) -> list[str]:
    if answer.first_n is None:
        return [f"no size up to {result.last_n} reaches it", _closest(answer, result)]
    by_n = {point.n: point for point in result.points}
    said = [f"first_n {_patients(by_n[answer.first_n], single=single)}"]
    if answer.safe_n is not None:
        said.append(f"safe_n {_patients(by_n[answer.safe_n], single=single)}")
        said.append(f"every larger size up to {result.last_n} holds too")
    elif answer.holds_from is not None:
        need = answer.holds_from + max(20, -(-answer.holds_from // 10))
        early = "the range ends too soon to call it safe"
        said.append(f"holds from {answer.holds_from} to the end, but {early}: search to {need}")
    else:
        said.append(f"no safe n: the last size of the range, {result.last_n}, fails")
    until = answer.holds_from or result.last_n + 1
    missing = [p.n for p in result.points if answer.first_n < p.n < until and p.n not in answer.meets]
    if missing:
        said.append(f"fails again at {', '.join(map(str, missing[:10]))}{', ...' if len(missing) > 10 else ''}")
    return said


def _patients(point: SizePoint, *, single: bool) -> str:
    if single:
        return str(point.n)
    return f"{point.n} ({point.look.n_t} + {point.look.n_c} = {point.look.n_t + point.look.n_c} patients)"


def _closest(answer: SizeAnswer, result: SizeSearch) -> str:
    """What was reached, and where."""
    for k, target in enumerate(result.targets):
        if target.said == answer.label:
            sign = 1 if target.bound == "at_least" else -1
            best = max(result.points, key=lambda p: sign * p.estimates[k].value)
            return f"the best is {best.estimates[k].value:.3f} at {best.n}"
    most = max(result.points, key=lambda p: p.outcomes.count("PASS"))
    if "PASS" not in most.outcomes:
        return "none holds at any size"
    failing = [t.said for t, outcome in zip(result.targets, most.outcomes, strict=True) if outcome != "PASS"]
    return f"most hold at {most.n}, but not: {'; '.join(failing)}"


def _curve(result: SizeSearch, *, single: bool) -> list[str]:
    """The judged sizes, every one or every few, and those that are answers."""
    answers = {n for a in result.answers for n in (a.first_n, a.safe_n, a.holds_from) if n is not None}
    step = -(-len(result.points) // MOST_ROWS)
    twice = Counter(target.metric for target in result.targets)
    heads = [METRICS[t.metric] + (f" ({t.truth})" if twice[t.metric] > 1 else "") for t in result.targets]
    rows = [("n", *(() if single else ("treatment", "control")), *heads)]
    for k, point in enumerate(result.points):
        if k % step and point.n not in answers and point is not result.points[-1]:
            continue
        cells = [
            f"{beside(estimate.value, target.threshold)} {MARKS[outcome]}"
            for target, estimate, outcome in zip(result.targets, point.estimates, point.outcomes, strict=True)
        ]
        rows.append((str(point.n), *(() if single else (str(point.look.n_t), str(point.look.n_c))), *cells))
    return [*table(rows), "+ meets the target, - does not, ? cannot be told at this precision"]


MARKS = {"PASS": "+", "FAIL": "-", "INCONCLUSIVE": "?"}
