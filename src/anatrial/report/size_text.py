"""What ``anatrial size`` prints."""

from __future__ import annotations

from anatrial.documents.scenario import ResolvedScenario
from anatrial.domain.results import SizeAnswer, SizePoint, SizeSearch
from anatrial.report.numbers import beside, table, wrapped


def size_text(result: SizeSearch, used: ResolvedScenario) -> str:
    """The sizes that hold, first and for good, and the curve around them."""
    single = used.scenario.design.single_arm
    what = "patients" if single else "control patients"
    low, high = result.points[0].n, result.last_n
    lines = [result.title, f"Every size from {low} to {high} {what} judged exactly.", ""]
    for answer in result.answers:
        lines += _answer(answer, result, single)
    if result.skipped:
        said = ", ".join(map(str, result.skipped[:8])) + (", ..." if len(result.skipped) > 8 else "")
        lines += wrapped(f"NOTE  skipped, because the allocation gives no whole patients: n = {said}")
    lines += ["", *_curve(result, single)]
    return "\n".join(lines)


def _answer(answer: SizeAnswer, result: SizeSearch, single: bool) -> list[str]:
    by_n = {point.n: point for point in result.points}
    head = f"{answer.label}: "
    if answer.first_n is None:
        best = _best(answer, result)
        return wrapped(head + f"no size up to {result.last_n} reaches it{best}")
    said = [f"first_n {_patients(by_n[answer.first_n], single)}"]
    if answer.safe_n is not None:
        said.append(f"safe_n {_patients(by_n[answer.safe_n], single)}")
        said.append(f"every larger size up to {result.last_n} holds too")
    elif answer.holds_from is not None:
        need = answer.holds_from + max(20, -(-answer.holds_from // 10))
        said.append(
            f"holds from {answer.holds_from} to the end, but the range ends too soon to call it safe: search to {need}"
        )
    else:
        said.append(f"no safe n: the last size of the range, {result.last_n}, fails")
    missing = [
        p.n
        for p in result.points
        if answer.first_n < p.n < (answer.holds_from or result.last_n + 1) and p.n not in answer.meets
    ]
    if missing:
        shown = ", ".join(map(str, missing[:10])) + (", ..." if len(missing) > 10 else "")
        said.append(f"fails again at {shown}")
    return wrapped(head + "; ".join(said))


def _patients(point: SizePoint, single: bool) -> str:
    if single:
        return str(point.n)
    return f"{point.n} ({point.look.n_t} + {point.look.n_c} = {point.look.n_t + point.look.n_c} patients)"


def _best(answer: SizeAnswer, result: SizeSearch) -> str:
    if answer.label not in result.targets:
        return ""
    k = result.targets.index(answer.label)
    sign = 1 if " at least " in answer.label else -1
    best = max(result.points, key=lambda p: sign * p.estimates[k].value)
    return f"; the best is {best.estimates[k].value:.3f} at {best.n}"


def _curve(result: SizeSearch, single: bool) -> list[str]:
    """The judged sizes around the answers: not more than 25 of them."""
    points = result.points
    answers = {n for a in result.answers for n in (a.first_n, a.safe_n, a.holds_from) if n is not None}
    step = max(1, len(points) // 20)
    shown = [p for k, p in enumerate(points) if k % step == 0 or p.n in answers or p is points[-1]]
    head = ("n", *(() if single else ("treatment", "control")), *result.targets)
    rows = [head]
    for point in shown:
        cells = []
        for estimate, outcome, label in zip(point.estimates, point.outcomes, result.targets, strict=True):
            threshold = float(label.split(" if ")[0].rsplit(" ", 1)[1])
            cells.append(
                f"{beside(estimate.value, threshold)} {'+' if outcome == 'PASS' else '-' if outcome == 'FAIL' else '?'}"
            )
        rows.append((str(point.n), *(() if single else (str(point.look.n_t), str(point.look.n_c))), *cells))
    return table(rows)
