"""Faults that were found in trials with safety and visits: each failed before it was mended."""

from __future__ import annotations

import math
import sys
from itertools import product
from math import comb
from pathlib import Path

import pytest
from tests.tolerances import ROUNDING

from anatrial import evaluate, read_scenario, size
from anatrial.cli import main
from anatrial.designs.visits import Window, counted
from anatrial.documents.scenario import ResolvedScenario, counts_trial
from anatrial.domain.results import Estimate, Evaluation
from anatrial.domain.trial import Column, Figure, Table, TrialEvaluation
from anatrial.report.canvas import panels
from anatrial.report.machine import json_bytes, run_content
from anatrial.report.numbers import WIDEST, chance, hanging
from anatrial.report.run_text import run_text
from anatrial.report.table_lines import shown, table_lines
from anatrial.report.tables_picture import draw_table
from anatrial.spec import spoken
from anatrial.truths.visits import Path as Course
from anatrial.truths.visits import derived

ROOT = Path(__file__).parents[2] / "scenarios"


def changed(tmp_path: Path, name: str, *changes: tuple[str, str]) -> Path:
    """A shipped scenario after some changes, as a file."""
    text = (ROOT / f"{name}.toml").read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file = tmp_path / "trial.toml"
    file.write_text(text)
    return file


@pytest.mark.parametrize("missing", ["non_responder", "last_observation", "observed_only"])
def test_chances_of_a_patient_never_pass_one(missing: str) -> None:
    """Three rounded chances of 0.1 made 1.0000000000000002 patients stay, and no number of the trial."""
    for first, gain, loss, leaves in product((0.1, 0.3, 0.7, 1.0), (0.1, 0.25, 1.0), (0.0, 0.1, 0.35), (0.0, 0.3)):
        found = counted(Course(first, (gain,) * 2, (loss,) * 2, (leaves,) * 3), Window(2, 2), missing)  # type: ignore[arg-type]
        assert 0 <= found.responds <= 1
        assert 0 <= found.analysed <= 1


def test_where_nobody_is_left_the_others_still_have_a_rate() -> None:
    """Sixty visits before each of which all but a millionth leave: nobody stays, and nothing is divided by zero."""
    course = Course(0.4, (0.0,) * 59, (0.0,) * 59, (0.999999,) * 60)
    assert derived(course, 59, 59).kept == pytest.approx(0, abs=1e-300)
    assert counted(course, Window(59, 59), "observed_only").responds == pytest.approx(0.4, abs=ROUNDING)


def test_without_leaving_a_trial_of_the_seen_has_numbers(tmp_path: Path) -> None:
    """The result of such a trial is JSON, which knows no missing numbers."""
    arms = "first = 0.30, gain = [0.10], loss = [0.10], dropout = [0] }"
    old = "first = 0.30, gain = [0.15], loss = [0.30], dropout = [0.12] }"
    file = changed(tmp_path, "as-visits", (old, arms), ('missing = "non_responder"', 'missing = "observed_only"'))
    result = evaluate(read_scenario(file))
    assert isinstance(result, TrialEvaluation)
    json_bytes(run_content(result))
    assert math.isfinite(result.of("no-effect").metric("type_i_error").estimate.value)


def test_an_event_may_be_called_seen(tmp_path: Path) -> None:
    """Its table has a name of its own, and so a file of its own."""
    file = changed(tmp_path, "as-safety", ("serious-infection", "seen"))
    names = [table.name for table in evaluate(read_scenario(file)).tables]
    assert len(set(names)) == len(names)


def test_a_truth_whose_name_ends_in_a_digit_may_have_a_design_prior(tmp_path: Path) -> None:
    """Its prior is said by arm and truth; places count only what stands in a list."""
    assert spoken(("truths", "plan-2", "treatment")) == "truths.plan-2.treatment"
    assert spoken(("targets", 1, "truth")) == "targets 2, truth"
    old = "[safety.rates.uncertain]"
    file = changed(tmp_path, "sjia-safety", ("[truths.uncertain]", "[truths.plan-2]"), (old, "[safety.rates.plan-2]"))
    used = read_scenario(file)
    result = evaluate(used)
    assert isinstance(used, ResolvedScenario)
    assert isinstance(result, Evaluation)
    assert "design prior of anakinra in plan-2" in run_text(result, used)


def test_files_are_not_written_twice_under_one_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Files are named after scenarios: a second one of the same name is refused, the tables of the first are kept."""
    (tmp_path / "other").mkdir()
    for folder in (tmp_path, tmp_path / "other"):
        (folder / "trial.toml").write_text((ROOT / "as-visits.toml").read_text())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["anatrial", "run", "trial.toml", "other/trial.toml", "--out", "made"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "a second scenario called 'trial'" in capsys.readouterr().err
    tables = ("missing", "visits-expected", "visits-more-leave-placebo", "visits-no-effect")
    made = sorted(path.name for path in (tmp_path / "made").iterdir())
    assert made == ["results.csv", "results.json", *(f"trial-{table}.csv" for table in tables)]
    first = (tmp_path / "made" / "trial-missing.csv").read_text().splitlines()[0]
    assert first == "truth,missing,n_t,share_t,n_c,share_c,success"


WIDE = Table(
    "wide",
    "A table that is too wide",
    (
        Column("rule", "what a long rule is called", "text"),
        *(Column(f"p{k}", f"the chance of number {k} and more there") for k in range(6)),
    ),
    (("no response at all, whatever else", *(0.1 * k for k in range(6))), ("b", -0.00001, -0.5, None, 0, 1, 0.5)),
    figure=Figure("lines", "p0", ("p1", "p2")),
)


def test_a_wide_table_folds_its_labels() -> None:
    """Labels take more lines where one would make lines too long; words stand left, numbers right."""
    lines = table_lines(WIDE)
    assert max(map(len, lines)) <= WIDEST
    assert lines[1].split() == ["the"] * 6
    assert lines[7].split() == [*["what", "a", "long", "rule", "is", "called"], *["there"] * 6]
    assert lines[-2] == "  else"
    assert lines[-1].split() == ["b", ">-.0001", "-0.500", "-", "0.000", "1.000", "0.500"]
    assert lines[-1].startswith("  b ")


def test_a_per_cent_sign_stays_with_its_number() -> None:
    """A label that must be folded is not cut before the sign."""
    columns = tuple(Column(f"c{k}", "n, 80 %", "count") for k in range(30))
    head = table_lines(Table("t", "Narrow", columns, ((1.0,) * 30,)))[1:3]
    assert [line.split() for line in head] == [["n,"] * 30, ["80", "%"] * 30]


def test_the_last_words_of_a_verdict_hang_below_their_start() -> None:
    """No verdict is cut, and none is wider than a table."""
    lines = hanging([("PASS", "power", "if " + "so " * 60), ("FAIL", "x", "if so")])
    assert max(map(len, lines)) <= WIDEST
    assert lines[0].startswith("PASS  power  if so")
    assert lines[1].startswith(" " * 13 + "so")
    assert lines[-1] == "FAIL  x      if so"


@pytest.mark.parametrize(
    ("p", "said"), [(-0.2, "-0.200"), (-0.003, "-0.0030"), (-1e-9, ">-.0001"), (0.0, "0.000"), (1e-9, "<.0001")]
)
def test_a_difference_of_chances_keeps_its_sign(p: float, said: str) -> None:
    """A negative number is not printed as a small positive one."""
    assert chance(p) == said


def test_a_number_that_never_varies_has_no_error() -> None:
    """24 months in every virtual trial are 24 months; a chance of none in so many has its error."""
    constant = Estimate(24.0, 24.0, 24.0, 0.0, 1000)
    assert shown(constant, "number") == "24"
    assert shown(Estimate(0.0, 0.0, 0.01, 0.0, 1000), "chance") == "0.000 ± 0"


def test_every_line_of_a_picture_is_drawn() -> None:
    """Eight truths have eight lines though there are six colours, and those on top of others are dashed."""
    from matplotlib.colors import to_hex

    keys = tuple(f"y{k}" for k in range(8))
    columns = (Column("x", "x", "count"), *(Column(key, key) for key in keys))
    table = Table("t", "t", columns, ((1, *[0.1] * 8), (2, *[0.4] * 8)), figure=Figure("lines", "x", keys))
    _, grid = panels(1, 1, (8, 4))
    draw_table(grid[0, 0], table)
    lines = grid[0, 0].get_lines()
    assert len(lines) == 8
    assert len({(to_hex(line.get_color()), line.get_linestyle()) for line in lines}) == 8


def test_a_size_before_the_first_safety_check_stops_no_trial(tmp_path: Path) -> None:
    """Sizes are searched although the checks stand for a larger trial: of 4 patients none is the tenth."""
    body = """
[design]
kind = "fixed"
n = { treatment = 30 }
[rule]
kind = "exact_binomial"
alpha = 0.05
null_rate = 0.4
[size]
per_arm = { from = 4, to = 12 }
[truths.hoped]
kind = "points"
rates = { treatment = 0.75 }
[[safety.events]]
name = "mas"
checks = "stated"
at = [10, 20]
stop = { kind = "counts", steps = [{ events = 3, patients = 10 }, { events = 5, patients = 25 }] }
[safety.rates.hoped]
mas = { treatment = 0.1 }
[[targets]]
metric = "safety_stop"
truth = "hoped"
at_most = 0.2
"""
    head = 'version = 1\ntitle = "t"\nquestion = "q"\nindication = "sjia"\nendpoint = "complete-response"\n'
    file = tmp_path / "trial.toml"
    file.write_text(head + body)
    found = {point.n: point.estimates[0].value for point in size(counts_trial(read_scenario(file), "size")).points}
    exact = sum(comb(10, x) * 0.1**x * 0.9 ** (10 - x) for x in range(3, 11))
    assert found[4] == 0.0
    assert found[12] == pytest.approx(exact, abs=ROUNDING)
