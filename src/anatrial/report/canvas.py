"""What every picture shares: colours, file formats, and figures as the same bytes every time."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anatrial.errors import Fault, InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe & Ito (2008), Color Universal Design: told apart with every common colour blindness.
BLUE, ORANGE, GREEN, VERMILION, PURPLE = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7"
GREY, FAINT, INK = "#6b6b6b", "#e6e6e6", "#1a1a1a"
ROLE_COLOURS = {"anakinra": BLUE, "placebo": VERMILION, "other_active": GREEN, "active_control": PURPLE}

DASHED = (0, (4, 3))
PAPER = {"boxstyle": "square,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}

FORMATS = ("png", "svg", "pdf")
DPI = 150
_NO_DATE = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}, "pdf": {"CreationDate": None}}


def picture_format(path: Path) -> str:
    """The format that a file's ending asks for; ``InputError`` for an ending that is no picture."""
    ending = path.suffix.lower().removeprefix(".")
    if ending not in FORMATS:
        got = f"the ending {path.suffix!r}" if ending else "no ending"
        fix = f"name it {path.with_suffix('.png').name}" if path.name else "give a file name"
        raise InputError(Fault(str(path), got, "a picture: .png, .svg or .pdf", fix))
    return ending


def panels(columns: int, rows: int, size: tuple[float, float]) -> tuple[Figure, Any]:
    """A figure of this size in inches and its axes, shape (rows, columns)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color=FAINT, linewidth=0.8)
        axes.set_axisbelow(True)
    return figure, grid


def bar_width(n: int) -> float:
    """The width of one of n bars: with gaps, unless these would be narrower than a pixel."""
    return 0.8 if n <= 100 else 1.0


def figure_bytes(figure: Figure, fmt: str) -> bytes:
    """A figure as a picture file: the same figure gives the same bytes, without dates or random ids."""
    import matplotlib as mpl

    target = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "anatrial"}):  # taken back on leaving
        figure.savefig(target, format=fmt, dpi=DPI, metadata=_NO_DATE[fmt])
    return target.getvalue()
