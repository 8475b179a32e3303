"""A sweep as a picture: a tornado, a heat map or curves, as its axes are combined."""

from __future__ import annotations

import textwrap
from typing import NamedTuple

from anatrial.domain.sweeps import Swept
from anatrial.errors import Fault, InputError
from anatrial.report.canvas import figure_bytes

MOST_PANELS = 6


class Picture(NamedTuple):
    """A picture file, and what it leaves out."""

    content: bytes
    remarks: tuple[str, ...]


def refuse_picture(axes: int, layout: str) -> None:
    """``InputError`` where cells differ along more axes than a picture has."""
    if axes == 0:
        raise InputError(Fault("--plot", "a sweep without axes", "[[axes]] along which something can be drawn"))
    if layout == "grid" and axes > 2:
        fix = 'leave --plot out, or use layout = "one_at_a_time", or two axes'
        raise InputError(Fault("--plot", f"a grid of {axes} axes", "one or two axes, or one at a time", fix))


def sweep_picture(swept: Swept, fmt: str) -> Picture:
    """The picture of a sweep (png, svg or pdf), and in words what does not fit into it.

    ``InputError`` where cells differ along more axes than a picture has.
    """
    from anatrial.report.curves_picture import curves_figure
    from anatrial.report.map_picture import map_figure
    from anatrial.report.tornado_picture import tornado_figure

    frame = swept.frame
    refuse_picture(len(frame.axes), frame.layout)
    targets = max(len(one.targets) for one in frame.scenarios)
    if not targets:
        raise InputError(Fault("--plot", "no targets", "a target whose number is drawn"))
    if frame.layout == "grid":
        figure, remarks = curves_figure(swept)
    else:
        shown = list(range(min(len(frame.scenarios), max(MOST_PANELS // targets, 1))))
        left = len(frame.scenarios) - len(shown)
        remarks = [f"drawn: the first {len(shown)} of {len(frame.scenarios)} scenarios"] if left else []
        if frame.layout == "map":
            figure, thinned = map_figure(swept, shown)
            remarks += thinned
        else:
            figure = tornado_figure(swept, shown)
    figure.suptitle(textwrap.fill(frame.title, 95), x=0.01, ha="left", fontsize=11)
    return Picture(figure_bytes(figure, fmt), tuple(remarks))
