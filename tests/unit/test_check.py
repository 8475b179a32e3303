"""A check gives the verdicts of a run, tells an error from a failure, and lets nothing pass in silence."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.cli.project import PRIORS, SCENARIO

import anatrial.plan.cells
import anatrial.plan.check
from anatrial import evaluate, read_indication, read_scenario
from anatrial.documents.derived import Derived
from anatrial.documents.trials import KINDS, examine_content
from anatrial.domain.cells import CellResult
from anatrial.domain.checked import Checked
from anatrial.domain.results import Estimate
from anatrial.engine.workers import Lost, Workers
from anatrial.errors import ComputationError, Fault, InputError
from anatrial.files.checks import gather
from anatrial.files.indications import Shelf, derived_path, write_derivation
from anatrial.files.scenarios import scenario_paths
from anatrial.plan.asking import Asker, MemoryStore
from anatrial.plan.check import Gathered, against, check, once
from anatrial.plan.derive import derive
from anatrial.spec import toml_data

FIRST = {
    "basket": "il1-basket",
    "response_adaptive": "sjia-response-adaptive",
    "several_arms": "ra-two-doses",
    "several_endpoints": "as-hierarchy",
    "time_to_event": "sjia-flare-time",
    "visits": "as-visits",
    "withdrawal": "sjia-withdrawal",
}
"""A shipped scenario of every further kind."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one indication, its derived priors, and one scenario ``it``."""
    (tmp_path / "priors").mkdir()
    (tmp_path / "priors" / "made-up.toml").write_text(PRIORS)
    shelf = Shelf(tmp_path / "priors", shipped=False)
    for prior in ("placebo", "remission"):
        write_derivation(shelf, derive(read_indication("made-up", shelf), prior))
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "it.toml").write_text(SCENARIO)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def checked(asked: Gathered | None = None) -> Checked:
    """A check in this process, nothing kept."""
    return check(asked or gather([]), Asker(MemoryStore(), "test", Workers()))


def written(folder: Path, *changes: tuple[str, str], name: str = "it") -> None:
    """The scenario with some of its text replaced."""
    text = SCENARIO
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "scenarios" / f"{name}.toml").write_text(text)


def told(found: Checked) -> list[tuple[str, str, int]]:
    """Kind, verdict and exit code of everything that does not pass."""
    return [(item.kind, item.told, item.code) for item in found.items if item.code]


def test_everything_that_holds_passes(folder: Path) -> None:
    """One target, two priors, one evidence file, each once: all pass, and the scenario tells its seconds."""
    del folder
    found = checked()
    assert [item.kind for item in found.items] == ["target", "prior", "prior", "evidence"]
    assert (found.told, found.exit_code) == ("PASS", 0)
    assert found.scenarios[0].seconds is not None


@pytest.mark.parametrize("name", ["anajis", "sjia-next-trial", "as-simon", "as-group-sequential", "as-hierarchy"])
def test_verdicts_are_those_of_a_run(name: str) -> None:
    """The same outcome and the same bits of every number that a target asks about."""
    verdicts = evaluate(read_scenario(name)).verdicts
    found = checked(replace(gather([name]), indications=()))
    assert tuple(item.verdict for item in found.scenarios[0].items) == verdicts


def test_a_failed_target_is_named_with_its_line(folder: Path) -> None:
    """FAIL with exit code 1, at the line of its header; a header in a string or a comment is none."""
    more = 'notes = ["""\n[[targets]]\n"""]\n# [[targets]]\n\n[design]'
    written(folder, ("at_least = 0.5", "at_least = 0.99"), ("[design]", more))
    found = checked()
    assert told(found) == [("target", "FAIL", 1)]
    item = found.scenarios[0].items[0]
    text = (folder / "scenarios" / "it.toml").read_text().split("\n")
    assert (item.file, item.line) == ("scenarios/it.toml", len(text) - text[::-1].index("[[targets]]"))


def test_a_file_that_cannot_be_read_hides_no_other(folder: Path) -> None:
    """Its faults are one error with exit code 2, and every other file is judged; an unknown name likewise."""
    written(folder, ("version = 1", "version = 7"), name="bad")
    (folder / "scenarios" / "empty.toml").write_text("")
    asked = gather(["scenarios", "nosuch", str(folder / "priors" / "derived")])
    found = checked(asked)
    assert [(one.name, one.code) for one in found.scenarios] == [
        ("bad", 2),
        ("empty", 2),
        ("it", 0),
        ("nosuch", 2),
        (str(folder / "priors" / "derived"), 2),
    ]
    assert "scenarios/bad.toml: version" in found.scenarios[0].items[0].why
    assert found.exit_code == 2


def test_a_scenario_without_targets_is_an_error(folder: Path) -> None:
    """Nothing to judge is no pass."""
    asked = '[[targets]]\nmetric = "power"\ntruth = "expected"\nat_least = 0.5\n'
    written(folder, (asked, ""), ("[design]", "targets = []\n[design]"))
    found = checked()
    assert told(found) == [("scenario", "ERROR", 2)]
    assert "targets" in found.scenarios[0].items[0].why


@pytest.mark.parametrize("name", ["anajis", *sorted(FIRST.values())])
def test_no_kind_of_trial_does_without_targets(name: str) -> None:
    """A file of any kind whose targets are left out, or none, is refused, and says so."""
    assert FIRST.keys() == KINDS.keys()
    data = toml_data(scenario_paths()[name].read_text(), name)
    for without in ({key: value for key, value in data.items() if key != "targets"}, {**data, "targets": []}):
        scenario, faults = examine_content(without, name)
        assert scenario is None
        assert [fault.where for fault in faults] == [f"{name}: targets"]


def failing(error: Exception) -> Callable[[Any], CellResult]:
    """An evaluation that ends like this."""

    def raised(*_: object) -> CellResult:
        raise error

    return raised


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ComputationError("no answer"), 4, "no answer"),
        (InputError(Fault("rule", "a contradiction", "none", "mend it")), 2, "fix       mend it"),
        (ZeroDivisionError("oops"), 5, "ZeroDivisionError"),
    ],
)
def test_a_target_that_cannot_be_evaluated_is_an_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int, said: str
) -> None:
    """Each target of the scenario is one, with the exit code and the words of a run, and nothing passes."""
    del folder
    monkeypatch.setattr(anatrial.plan.cells, "planned", failing(error))
    monkeypatch.setattr(anatrial.plan.check, "evaluate", failing(error))
    found = checked()
    assert told(found) == [("target", "ERROR", code)]
    assert said in found.scenarios[0].items[0].why
    assert found.scenarios[0].entry is None


def test_a_failure_that_is_another_one_when_told_stops_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell without numbers, whose full run then meets a fault of the program: exit code 5, told beside the rest."""
    del folder
    monkeypatch.setattr(anatrial.plan.cells, "planned", failing(ComputationError("no answer")))
    monkeypatch.setattr(anatrial.plan.check, "evaluate", failing(ZeroDivisionError("oops")))
    assert told(checked()) == [("target", "ERROR", 5)]


@pytest.mark.parametrize("estimate", [None, Estimate(math.nan, math.nan, math.nan, math.nan, 0)])
def test_a_number_that_is_not_there_is_an_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch, estimate: Estimate | None
) -> None:
    """A metric that did not come out, or is defined in no trial, gives no verdict: exit code 4."""
    del folder
    result = anatrial.plan.cells.cell_result(read_scenario("scenarios/it.toml"))

    def changed(_: object) -> CellResult:
        one, *others = result.characteristics
        kept = [m for m in one.metrics if m.name != "power"]
        if estimate is not None:
            kept.append(one.metric("power")._replace(estimate=estimate))
        return replace(result, characteristics=(replace(one, metrics=tuple(kept)), *others))

    monkeypatch.setattr("anatrial.plan.asking.cell_result", changed)
    assert told(checked()) == [("target", "ERROR", 4)]


def rewritten(folder: Path, prior: str, change: Callable[[Derived], Derived]) -> None:
    """A kept prior with another content, sealed as if it had been derived so."""
    path = derived_path(Shelf(folder / "priors", shipped=False), "made-up", prior)
    found = Derived.model_validate_json(path.read_text())
    path.write_text(change(found).sealed().text())


def heavier(found: Derived) -> Derived:
    """With a first shape larger by a millionth of it."""
    first = found.informative[0]
    return found.model_copy(update={"informative": (first.model_copy(update={"a": first.a * (1 + 1e-6)}),)})


def test_a_prior_that_its_recipe_does_not_make_fails(folder: Path) -> None:
    """Another shape under a sound digest is found by deriving again, with the command that mends it; quick is not."""
    rewritten(folder, "placebo", heavier)
    found = checked()
    assert told(found) == [("prior", "FAIL", 1)]
    item = next(item for item in found.priors if item.code)
    assert item.name == "made-up/placebo"
    assert "derived elsewhere or by another version; anatrial prior derive made-up placebo" in item.why
    assert told(checked(replace(gather([]), quick=True))) == []


def test_a_prior_that_rounds_differently_is_the_same(folder: Path) -> None:
    """A relative difference of 1e-12 is rounding."""

    def rounded(found: Derived) -> Derived:
        first = found.informative[0]
        return found.model_copy(update={"informative": (first.model_copy(update={"b": first.b * (1 + 1e-12)}),)})

    rewritten(folder, "placebo", rounded)
    assert told(checked()) == []


@pytest.mark.parametrize(
    ("state", "spoil"),
    [
        ("stale", lambda folder: (folder / "priors" / "made-up.toml").write_text(PRIORS.replace("n = 40", "n = 41"))),
        ("not derived", lambda folder: (folder / "priors" / "derived" / "made-up" / "placebo.json").unlink()),
        ("damaged", lambda folder: (folder / "priors" / "derived" / "made-up" / "placebo.json").write_text("{}")),
    ],
)
@pytest.mark.parametrize("quick", [False, True])
def test_a_prior_that_is_not_fresh_is_an_error(
    folder: Path, state: str, spoil: Callable[[Path], object], quick: bool
) -> None:
    """Exit code 2 with the command that mends it, in a quick check too, even where no scenario uses the prior."""
    written(
        folder,
        ('{ prior = "placebo", robust_weight = 0.2 }', "{ a = 1, b = 1 }"),
        ('{ prior = "placebo" }', "{ a = 1, b = 3 }"),
    )
    spoil(folder)
    found = checked(gather([], quick=quick))
    assert told(found) == [("prior", "ERROR", 2)]
    item = next(item for item in found.priors if item.code)
    assert (item.name, item.file) == ("made-up/placebo", "priors/made-up.toml")
    assert item.why == f"{state}; anatrial prior derive made-up placebo"


def test_evidence_that_contradicts_itself_fails(folder: Path) -> None:
    """10 of 40 printed as 30 %: exit code 1, with the arithmetic."""
    text = PRIORS.replace("responders = 10", 'responders = 10\nprinted_percent = "30"')
    (folder / "priors" / "made-up.toml").write_text(text)
    found = checked()
    assert ("evidence", "FAIL", 1) in told(found)
    assert "old-1" in found.evidence[0].why


def test_an_indication_that_cannot_be_read_is_an_error(folder: Path) -> None:
    """Its evidence and priors cannot be checked: exit code 2, once for the file and for each scenario on it."""
    (folder / "priors" / "made-up.toml").write_text(PRIORS.replace("version = 1", "version = 9"))
    assert told(checked()) == [("scenario", "ERROR", 2), ("evidence", "ERROR", 2)]


@pytest.mark.parametrize("lost", [False, True])
def test_a_prior_that_cannot_be_derived_again_is_an_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch, lost: bool
) -> None:
    """A method that gives no answer is a numerical failure (4), a worker that died a fault of the program (5)."""
    del folder
    if lost:
        monkeypatch.setattr(anatrial.plan.check, "spread", lambda _, jobs, __: ((job, Lost("it died")) for job in jobs))
    else:
        monkeypatch.setattr(anatrial.plan.check, "integrated", failing(ComputationError("no fit")))
    assert told(checked()) == [("prior", "ERROR", 5 if lost else 4)] * 2


def test_a_quick_check_simulates_as_the_file_says() -> None:
    """The verdicts and numbers of a simulated scenario are those of a run, to the bit."""
    found = checked(replace(gather(["sjia-response-adaptive"], quick=True), indications=()))
    verdicts = evaluate(read_scenario("sjia-response-adaptive")).verdicts
    assert verdicts[0].estimate.mcse is not None
    assert tuple(item.verdict for item in found.scenarios[0].items) == verdicts


def test_a_baseline_fails_other_results_and_no_other_inputs(folder: Path) -> None:
    """The same inputs with another number: FAIL; accepted: none; other inputs: told and passed."""
    asked = gather([])
    first = checked(asked)
    entry = first.scenarios[0].entry
    assert entry is not None
    assert told(against(first, {"it": entry}, whole=True)) == []
    off = {"expected": {**entry.results["expected"], "power": Estimate(0.1, 0.1, 0.1)}}
    other = {"it": replace(entry, results={**entry.results, **off})}
    assert told(against(first, other, whole=True)) == [("results", "FAIL", 1)]
    assert told(against(first, other, whole=True, accepted=True)) == []
    written(folder, ("certainty = 0.95", "certainty = 0.96"))
    moved = against(checked(), {"it": entry, "old": entry}, whole=True)
    assert (told(moved), moved.gone) == ([], ("old",))
    found = moved.scenarios[0].movement
    assert found is not None
    assert (found.kind, found.inputs) == ("changed inputs", (("rule.certainty", 0.95, 0.96),))
    assert any((one.truth, one.metric) == ("expected", "power") for one in found.numbers)
    assert against(first, {"old": entry}, whole=False).gone == ()


def test_two_scenarios_of_one_name_have_no_baseline(folder: Path) -> None:
    """A baseline knows scenarios by name: two of one name are a fault, and a check without one is none."""
    (folder / "more").mkdir()
    (folder / "more" / "it.toml").write_text(SCENARIO)
    asked = gather(["scenarios", "more"])
    assert checked(asked).exit_code == 0
    with pytest.raises(InputError, match=r"scenarios/it\.toml, more/it\.toml"):
        once(asked)
    assert once(gather(["more"])).scenarios[0].name == "it"


def test_two_folders_of_priors_are_two(folder: Path) -> None:
    """Scenarios with priors of their own: each folder is checked, and a fault of one is not taken for the other's."""
    other = folder / "team" / "scenarios"
    other.mkdir(parents=True)
    shutil.copy(folder / "scenarios" / "it.toml", other / "theirs.toml")
    shutil.copytree(folder / "priors", folder / "team" / "priors")
    rewritten(folder, "placebo", heavier)
    found = checked(gather(["scenarios", "team/scenarios"]))
    assert [item.file for item in found.priors] == ["priors/made-up.toml"] * 2 + ["team/priors/made-up.toml"] * 2
    assert [(item.name, item.file) for item in found.priors if item.code] == [
        ("made-up/placebo", "priors/made-up.toml")
    ]


def test_a_file_is_checked_once(folder: Path) -> None:
    """Named as a file, by its folder and by its name: one scenario; only folders alone are all there is."""
    del folder
    asked = gather(["scenarios/it.toml", "scenarios", "it"])
    assert [one.file for one in asked.scenarios] == ["scenarios/it.toml"]
    assert (asked.whole, gather(["scenarios"]).whole, gather([]).whole) == (False, True, True)


@pytest.mark.parametrize("name", ['a"b<c>', "x|y", "two\nlines", "ünïcode", "..hidden", "-x", "per%cent, a:b"])
def test_any_file_name_will_do(folder: Path, name: str) -> None:
    """A scenario is judged whatever its file is called, and is named as it is."""
    (folder / "scenarios" / "it.toml").rename(folder / "scenarios" / f"{name}.toml")
    found = checked()
    assert [(one.name, one.code) for one in found.scenarios] == [(name, 0)]
    assert found.scenarios[0].items[0].file == f"scenarios/{name}.toml"


def test_a_file_name_that_is_no_text_is_written_out(folder: Path) -> None:
    """A byte that is no UTF-8 becomes text that every report can hold, in names, places and faults."""
    (folder / "scenarios" / "it.toml").unlink()
    (folder / "scenarios" / "bad\udcff.toml").write_text("version = 7\n")
    (folder / "scenarios" / "good\udcff.toml").write_text(SCENARIO)
    found = checked()
    assert [(one.name, one.code) for one in found.scenarios] == [("bad\\xff", 2), ("good\\xff", 0)]
    for item in found.items:
        (item.file + item.why + item.name).encode()
