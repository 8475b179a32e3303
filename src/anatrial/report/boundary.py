"""The boundary in words: what success needs, table by table."""

from __future__ import annotations

from anatrial.domain.counts import Region, Run
from anatrial.report.numbers import wrapped

MOST_COLUMNS = 9


def boundary_lines(region: Region, treatment: str, control: str) -> list[str]:
    """Success needs at least k of n on treatment, given j responders on control; holes are shown as they are."""
    look = region.look
    needs = [_needs(region, x_c) for x_c in range(look.n_c + 1)]
    if look.n_c == 0:
        head = f"Success needs, of {look.n_t} on {treatment}, at least "
        return [head + needs[0]] if needs[0] != "never" else ["Success is not possible with any result"]
    head = f"Success needs, given {control} responders of {look.n_c}, on {treatment} (of {look.n_t}) at least"
    last = max((x for x, text in enumerate(needs) if text != "never"), default=-1)
    if last < 0:
        return ["Success is not possible with any result"]
    step = max(1, -(-(last + 1) // MOST_COLUMNS))
    shown = [x for x in range(last + 1) if x % step == 0 or x == last or "," in needs[x] or "-" in needs[x]]
    said = [f"{x}: {needs[x]}" for x in shown]
    if last < look.n_c:
        said.append(f"{last + 1}{' or more' if last + 1 < look.n_c else ''}: never")
    return [head, *wrapped("   ".join(text.replace(" ", "\u00a0") for text in said), indent="  ")]


def _needs(region: Region, x_c: int) -> str:
    runs = [run for run in region.runs if run.x_c == x_c]
    if not runs:
        return "never"
    if len(runs) == 1 and runs[0].last == region.look.n_t:
        return str(runs[0].first)
    return ", ".join(map(span, runs))  # after a hole "16" alone would not mean 16 or more


def span(run: Run) -> str:
    """The treatment counts of a run, first to last."""
    return f"{run.first}-{run.last}" if run.first < run.last else f"{run.first}"


def runs_lines(region: Region, treatment: str, control: str, what: str) -> list[str]:
    """What a decision needs: of the treatment counts any of these, at most so many where they start at 0."""
    look, needs = region.look, _any_of(region)
    if not look.n_c:
        return [f"{what} with {needs.get(0, 'no number of')} responders of {look.n_t} on {treatment}"]
    step = -(-(look.n_c + 1) // MOST_COLUMNS)
    said = [f"{x}: {needs.get(x, 'never')}" for x in [*range(0, look.n_c, step), look.n_c]]
    head = f"{what}, given {control} responders of {look.n_c}, with this many on {treatment} (of {look.n_t})"
    return [head, *wrapped("   ".join(text.replace(" ", "\u00a0") for text in said), indent="  ")]


def _any_of(region: Region) -> dict[int, str]:
    """Deciding treatment counts per control count."""
    found: dict[int, list[str]] = {}
    for run in region.runs:
        said = span(run)
        if run.first == 0 and run.last:
            said = f"up to {run.last}"
        elif run.last == region.look.n_t and run.first < run.last:
            said = f"{run.first} or more"
        found.setdefault(run.x_c, []).append(said)
    return {x_c: " or ".join(parts) for x_c, parts in found.items()}
