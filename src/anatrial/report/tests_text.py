"""What ``anatrial tests`` prints, and its JSON content."""

from __future__ import annotations

import math
from typing import Any

from anatrial.documents.scenario import ResolvedScenario
from anatrial.domain.counts import Region, ties_said
from anatrial.domain.results import Outcome
from anatrial.domain.test_menu import ComparedTest, ComparedTests
from anatrial.report.boundary import span
from anatrial.report.machine import SCHEMA_VERSION, plain
from anatrial.report.numbers import WIDTH, beside, chance, percent, rate, table, wrapped
from anatrial.report.size_text import MARKS
from anatrial.truths import AnyTruth
from anatrial.truths.points import Points

SHORT = 30
"""Control patients up to which every control count has its column."""
FEW = 9
HELD: dict[Outcome, str] = {"PASS": "held", "FAIL": "BROKEN", "INCONCLUSIVE": "cannot tell"}


def comparison_text(found: ComparedTests, used: ResolvedScenario) -> str:
    """Every test's size, its power, and the tables on which it succeeds."""
    arms = used.scenario.arms
    blocks = [
        _head(found, used),
        _sizes(found, arms.control),
        _powers(found, used),
        _rejection(found, arms.treatment, arms.control),
        _cautions(found),
        [f"anatrial {found.tool_version} | scenario {found.scenario_digest[:4]}.."],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def level_said(found: ComparedTests) -> str:
    """The level with its sides, as in "two-sided 5 %"."""
    return f"{'two' if found.two_sided else 'one'}-sided {percent(found.level)}"


def _head(found: ComparedTests, used: ResolvedScenario) -> list[str]:
    arms, look = used.scenario.arms, found.look
    beyond = "" if found.margin == 0 else f", against a margin of {found.margin:+g}"
    said = f"{look.n_t} on {arms.treatment} v {look.n_c} on {arms.control}: every test at {level_said(found)}{beyond}"
    alike = "Tests with the same letter decide alike on every table; * marks the rule of the scenario."
    return [found.title, *wrapped(f"{said}. Exact."), alike]


def _label(test: ComparedTest) -> str:
    return f"{test.name}{' *' if test.own else ''}"


def _sizes(found: ComparedTests, control: str) -> list[str]:
    """What each test promises, and the certificate of its largest type I error."""
    sizes = found.tests[0].decision.type_i_errors
    narrower = [k for k, s in enumerate(sizes) if (s.lowest, s.highest) != (sizes[0].lowest, sizes[0].highest)]
    heads = [str(sizes[k].truth) for k in narrower]
    rows = [("Type I error", "", "promised", "[found, proven]", "", percent(found.level), *heads)]
    for test in found.tests:
        overall = test.decision.type_i_errors[0]
        within = [test.decision.type_i_errors[k] for k in narrower]
        certificate = f"[{_down(overall.estimate.lower):.6f}, {_up(overall.estimate.upper):.6f}]"
        cells = [f"{beside(s.estimate.value, found.level)} {MARKS[s.outcome]}" for s in within]
        start = (_label(test), test.decision.letter, "yes" if test.promises_level else "no")
        rows.append((*start, certificate, f"(at {rate(round(overall.at, 3))})", HELD[overall.outcome], *cells))
    said = ["promised: by construction, at every size and rate"]
    said += [f"[found, proven]: the largest at any {control} rate, and the bound that it is proven not to pass"]
    said += [
        f"{sizes[k].truth}: the largest for rates {rate(sizes[k].lowest)}-{rate(sizes[k].highest)}" for k in narrower
    ]
    return [*table(rows), *wrapped("; ".join(said) + ".")]


def _down(value: float) -> float:
    """Rounded to six decimals so that it was surely found."""
    return math.floor(value * 1e6 + 1e-6) / 1e6


def _up(value: float) -> float:
    """Rounded to six decimals so that it stays a bound."""
    return min(1.0, math.ceil(value * 1e6 - 1e-6) / 1e6)


def _powers(found: ComparedTests, used: ResolvedScenario) -> list[str]:
    """P(success) under each truth; P(rejects) too where it is visibly another number."""
    truths = used.resolved.truths
    named = [chances.truth for chances in found.tests[0].decision.chances]
    both = [any(_apart(test, k) for test in found.tests) for k in range(len(named))]
    heads = [head for name, more in zip(named, both, strict=True) for head in ([name, "rejects"] if more else [name])]
    rows = [("P(success) if", "", *heads, "tables")]
    for test in found.tests:
        cells = []
        for (_, _, success, harm), more in zip(test.decision.chances, both, strict=True):
            cells += [chance(success), chance(success + harm)] if more else [chance(success)]
        rows.append((_label(test), test.decision.letter, *cells, str(test.decision.success.tables)))
    said = [f"{name}: {_assumed(truths[name])}" for name in named]
    lines = [*table(rows), *wrapped("; ".join([*said, "tables: how many of them are a success"]) + ".")]
    if found.two_sided and named and not any(both):
        lines += wrapped("P(rejects), in both directions, is the same to the digits shown.")
    return lines


def _apart(test: ComparedTest, index: int) -> bool:
    _, _, success, harm = test.decision.chances[index]
    return chance(success + harm) != chance(success)


def _assumed(truth: AnyTruth) -> str:
    if isinstance(truth, Points):
        return "the rates are " + " v ".join(rate(round(r, 4)) for r in truth.trial_rates())
    return "assurance" if truth.kind == "design_prior" else "the least over its rates"


def _rejection(found: ComparedTests, treatment: str, control: str) -> list[str]:
    """Success, and two-sided harm, per control count: every one in a short table, else a few."""
    look, decisions = found.look, found.decisions
    every = look.n_c <= SHORT
    counts = list(range(look.n_c + 1)) if every else [k * look.n_c // (FEW - 1) for k in range(FEW)]
    lines = [
        f"Success, given so many {control} responders of {look.n_c}, needs on {treatment} (of {look.n_t}) at least"
    ]
    lines += _matrix([(d.letter, d.success) for d in decisions], counts)
    if found.two_sided:
        lines.append(f"Harm ({control} better), given so many {control} responders, is found on {treatment} at most at")
        lines += _matrix([(d.letter, d.harm) for d in decisions], counts)
    if any(_holes(region) for d in decisions for region in (d.success, d.harm)):
        lines += wrapped("A decision with holes has all its counts: 14,16-46 is 14 and 16 to 46, but not 15.")
    return lines if every else [*lines, "All other control counts are in the output of --json."]


def _matrix(rows: list[tuple[str, Region]], counts: list[int]) -> list[str]:
    """A row per decision and a column per control count at which any of them is taken; as wide as the page at most."""
    cells = {letter: {x_c: _needs(region, x_c) for x_c in counts} for letter, region in rows}
    shown = [x_c for x_c in counts if any(row[x_c] != "-" for row in cells.values())]
    lines: list[str] = []
    while shown:
        kept = len(shown)
        while max(map(len, block := _block(cells, shown[:kept]))) > WIDTH and kept > 1:
            kept -= 1
        lines, shown = [*lines, *block], shown[kept:]
    return lines or ["  never"]


def _block(cells: dict[str, dict[int, str]], counts: list[int]) -> list[str]:
    rows = [("", *map(str, counts)), *((letter, *(row[x_c] for x_c in counts)) for letter, row in cells.items())]
    return table(rows, indent="  ")


def _needs(region: Region, x_c: int) -> str:
    """The edge of the treatment counts that decide; all of them where they have a hole or do not reach the end."""
    runs = [run for run in region.runs if run.x_c == x_c]
    if not runs:
        return "-"
    if len(runs) == 1 and runs[0].last == region.look.n_t:
        return str(runs[0].first)
    if len(runs) == 1 and runs[0].first == 0:
        return str(runs[0].last)
    return ",".join(map(span, runs))


def _holes(region: Region) -> bool:
    """Whether some control count has more than an edge."""
    return any(not _needs(region, x_c).isdecimal() for x_c in {run.x_c for run in region.runs})


def _cautions(found: ComparedTests) -> list[str]:
    """Levels that are not held, and the tests that were left out."""
    lines = []
    broken = [test.name for test in found.tests if test.decision.type_i_errors[0].outcome == "FAIL"]
    if broken:
        said = f"type I error passes {percent(found.level)} at some rate under {', '.join(broken)}"
        lines += wrapped(f"WARNING  {said}: part of the power there is bought with it")
    kept = [str(size.truth) for size in found.own.decision.type_i_errors[1:] if size.outcome == "PASS"]
    if found.own.name in broken and kept:
        lines += wrapped(f"NOTE  {found.own.name} holds it in the stated range: {', '.join(kept)}")
    for test in found.tests:
        for said in ties_said(test.ties):
            lines += wrapped(f"NOTE  {test.name}: {said}")
    for why in dict.fromkeys(left.reason for left in found.left_out):
        names = ", ".join(left.name for left in found.left_out if left.reason == why)
        lines += wrapped(f"NOTE  not compared: {names} ({why})")
    return lines


def comparison_content(found: ComparedTests) -> dict[str, Any]:
    """The comparison as JSON content: tests name the letter of their decision, regions are [control, first, last]."""
    content: dict[str, Any] = plain(found)
    for told in content["tests"]:
        told["decision"] = told["decision"]["letter"]
    content["decisions"] = [plain(decision) for decision in found.decisions]
    for told, decision in zip(content["decisions"], found.decisions, strict=True):
        told["success"] = [list(run) for run in decision.success.runs]
        told["harm"] = [list(run) for run in decision.harm.runs]
    return {"format": "anatrial-tests", "version": SCHEMA_VERSION, **content}
