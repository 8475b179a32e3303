"""How numbers look: rounded for people, never so far that a broken promise looks kept."""

from __future__ import annotations


def chance(p: float) -> str:
    """A probability: three decimals, four where it is small."""
    if p >= 0.01 or p == 0:
        return f"{p:.3f}"
    return f"{p:.4f}" if p >= 0.00005 else "<.0001"


def beside(value: float, threshold: float) -> str:
    """A number with enough digits to stand on the right side of a threshold."""
    for digits in range(3, 10):
        text = f"{value:.{digits}f}"
        if (float(text) > threshold) == (value > threshold) and (float(text) < threshold) == (value < threshold):
            return text
    return f"{value:.12g}"


def percent(rate: float) -> str:
    """A rate in per cent, without needless digits."""
    return f"{100 * rate:.4g} %"


def rate(value: float) -> str:
    """A rate with two decimals, more where it has them."""
    text = f"{value:.4f}".rstrip("0")
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.ljust(2, '0')}"


def table(rows: list[tuple[str, ...]], indent: str = "") -> list[str]:
    """Rows of text in columns; the first column left, the others right."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return [
        indent + "  ".join(c.ljust(w) if k == 0 else c.rjust(w) for k, (c, w) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]


def wrapped(text: str, width: int = 100, indent: str = "") -> list[str]:
    """Text in lines of at most ``width`` characters."""
    lines, line = [], ""
    for word in text.split():
        if line and len(indent) + len(line) + 1 + len(word) > width:
            lines.append(indent + line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, indent + line] if line else lines
