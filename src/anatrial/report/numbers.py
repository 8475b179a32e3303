"""How numbers look: rounded for people, never so far that a broken promise looks kept."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

WIDTH = 100  # of sentences
WIDEST = 110  # of tables
METRICS = {
    "power": "power",
    "type_i_error": "type I error",
    "type1_average": "average type I error",
    "assurance": "assurance",
    "true_success": "true success",
    "no_go": "no-go",
    "expected_n": "expected patients",
    "reached": "all recruited in time",
    "power_random_n": "power, numbers random",
    "power_recruited": "power as recruited",
    "assurance_recruited": "assurance as recruited",
    "duration": "duration in months",
    "enough_switched": "enough switch",
    "late_success": "success again",
    "safety_stop": "stop for safety",
    "safe_success": "success, no safety stop",
    "type1_at": "type I error",
    "observed_bias": "bias of the observed effect",
    "observed_mse": "its mean squared error",
    "expected_n_with_safety": "expected patients with safety",
    "expected_share_on_best": "expected share on the best arm",
    "power_all": "power of all",
    "power_any": "power of any",
    "assurance_all": "assurance of all",
    "assurance_any": "assurance of any",
    "any_won": "any basket won",
    "all_right": "all baskets judged rightly",
    "expected_won": "expected baskets won",
    "expected_truly_won": "expected baskets truly won",
    "familywise_error_worst": "worst familywise error",
    "wrong_way": "imbalance the wrong way",
    "too_few": "too few to randomise",
    "expected_imbalance": "expected imbalance",
}
"""Metrics in words."""


def chance(p: float) -> str:
    """A probability: three decimals, four where it is small. A difference of two may lie below 0."""
    if p < 0:
        return f"-{chance(-p)}" if p <= -0.00005 else ">-.0001"
    return f"{p:.3f}" if p >= 0.01 or p == 0 else p_said(p)


def p_said(p: float) -> str:
    """A p-value with four decimals."""
    return f"{p:.4f}" if p >= 0.00005 else "<.0001"


def beside(value: float, threshold: float) -> str:
    """A number with enough digits to stand on the right side of a threshold."""
    for digits in range(1 if threshold > 1 else 3, 10):
        text = f"{value:.{digits}f}"
        if (float(text) > threshold) == (value > threshold) and (float(text) < threshold) == (value < threshold):
            return text
    return f"{value:.12g}"


def limit(threshold: float) -> str:
    """What a target asks for: a probability as a rate, a number plainly."""
    return rate(threshold) if threshold <= 1 else f"{threshold:g}"


def percent(rate: float) -> str:
    """A rate in per cent, without needless digits."""
    return f"{100 * rate:.4g} %"


def rate(value: float) -> str:
    """A rate with two decimals, more where it has them."""
    whole, _, decimals = f"{value:.4f}".rstrip("0").partition(".")
    return f"{whole}.{decimals.ljust(2, '0')}"


def patients(n: int) -> str:
    """A number of patients in words."""
    return "1 patient" if n == 1 else f"{n} patients"


def table(rows: Sequence[tuple[str, ...]], indent: str = "") -> list[str]:
    """Rows of numbers in columns: the first column left, the others right."""
    widths = _widths(rows)
    aligned = ([c.rjust(w) if k else c.ljust(w) for k, (c, w) in enumerate(zip(r, widths, strict=True))] for r in rows)
    return [(indent + "  ".join(cells)).rstrip() for cells in aligned]


def columns(rows: Sequence[tuple[str, ...]], indent: str = "") -> list[str]:
    """Rows of words in columns, all left."""
    widths = _widths(rows)
    return [(indent + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True))).rstrip() for row in rows]


def hanging(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """The same; words of the last column that would make a line too long hang below its start."""
    heads = columns([row[:-1] for row in rows])
    start = max(map(len, heads), default=0) + 2
    lines = []
    for head, row in zip(heads, rows, strict=True):
        first, *more = textwrap.wrap(row[-1], max(WIDEST - start, 40), break_on_hyphens=False) or [""]
        lines += [(head.ljust(start) + first).rstrip(), *(" " * start + words for words in more)]
    return lines


def _widths(rows: Sequence[tuple[str, ...]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*rows, strict=True)]


def wrapped(text: str, width: int = WIDTH, indent: str = "") -> list[str]:
    """Text in lines of at most ``width`` characters; spaces within a line stay as they are."""
    lines, line = [], indent
    for word, gap in re.findall(r"([^ \n]+)([ \n]*)", text):
        if line.strip() and len(line) + len(word) > width:
            lines.append(line.rstrip())
            line = indent
        line += word + gap.replace("\n", " ")
    return [*lines, line.rstrip()]
