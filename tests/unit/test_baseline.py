"""A baseline tells changed inputs from changed results, and is kept so that nothing of it is lost."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from anatrial import evaluate, read_scenario
from anatrial.domain.cells import CellResult
from anatrial.domain.checked import Entry
from anatrial.domain.results import Estimate, exactly
from anatrial.errors import InputError
from anatrial.files.baselines import baseline_text, read_baseline, write_baseline
from anatrial.plan.baseline import entry, inputs, movement, same, tolerance

POWER = {"expected": {"power": exactly(0.8)}}
PLAN = {"design.n.control": 24, "rule.alpha": 0.025, "targets 1, at_least": 0.8}


def kept(results: dict[str, dict[str, Estimate]] | None = None, **changed: object) -> Entry:
    """A baseline's entry with some inputs changed (underscores for points)."""
    inputs_ = PLAN | {name.replace("_", "."): value for name, value in changed.items()}
    return Entry("0.1.0", inputs_, POWER if results is None else results, {"power at least 0.8 if expected": "PASS"})


def simulated(value: float, draws: int) -> Estimate:
    """A proportion with its Monte Carlo error: sqrt(p (1 - p) / n)."""
    return Estimate(value, 0.0, 1.0, math.sqrt(value * (1 - value) / draws), draws)


@pytest.mark.parametrize(
    ("before", "now", "agree"),
    [
        (exactly(0.5), exactly(0.5 + 0.9e-10), True),
        (exactly(0.5), exactly(0.5 + 1.2e-10), False),
        (exactly(200.0), exactly(200.0 + 1.5e-8), True),  # 1e-10 of 200 is 2e-8
        (exactly(200.0), exactly(200.0 + 2.5e-8), False),
        (Estimate(0.04, 0.04, 0.040001), exactly(0.0400009), True),  # within the wider of the two gaps
        (exactly(0.0400009), Estimate(0.04, 0.04, 0.040001), True),
        (Estimate(0.04, 0.04, 0.040001), exactly(0.0400012), False),
        (exactly(math.nan), exactly(math.nan), True),
        (exactly(math.nan), exactly(0.5), False),
        (exactly(math.inf), exactly(math.inf), True),
        (exactly(math.inf), exactly(0.5), False),
        (exactly(math.inf), exactly(-math.inf), False),
        (exactly(0.5), simulated(0.5, 1000), False),  # a number that is no longer exact is another number
        (simulated(0.5, 1000), exactly(0.5), False),
    ],
)
def test_exact_numbers_agree_within_rounding_or_their_stated_error(
    before: Estimate, now: Estimate, agree: bool
) -> None:
    """1e-10 (of numbers above 1 relatively) or the wider proven gap, whichever is larger; both ways round."""
    assert same(before, now) is agree
    assert same(now, before) is agree


def test_simulated_numbers_agree_within_four_combined_errors() -> None:
    """Halves of 10,000 and of 10,000 draws: errors 0.005 each, together sqrt(0.00005), four of them 0.02828."""
    before = simulated(0.5, 10_000)
    assert tolerance(before, before) == pytest.approx(4 * math.sqrt(5e-5), rel=1e-12)
    assert same(before, replace_value(before, 0.5282))
    assert not same(before, replace_value(before, 0.5284))


def test_a_simulated_number_without_error_may_round() -> None:
    """A mean that is 12.3 in every trial rounds differently over other trials: that is no change; 1e-6 of it is one."""
    before = Estimate(12.3, 12.3, 12.3, 0.0, 300)
    assert same(before, Estimate(12.3 * (1 + 4e-16), 12.3, 12.3, 0.0, 3000))
    assert not same(before, Estimate(12.3 * (1 + 1e-6), 12.3, 12.3, 0.0, 3000))


@pytest.mark.parametrize(("draws", "agree"), [(20, True), (200, False)])
def test_a_number_that_a_short_run_could_not_see_is_no_change(draws: int, agree: bool) -> None:
    """A mean over trials in which something rare happened: 20 in all are missed by a tenth (exp(-2)), 200 are not."""
    full, none = Estimate(8.0, 7.0, 9.0, 0.3, draws), Estimate(math.nan, math.nan, math.nan, math.nan, 0)
    assert (same(full, none), same(none, full)) == (agree, agree)


def replace_value(estimate: Estimate, value: float) -> Estimate:
    """The same error about another number."""
    return estimate._replace(value=value)


def test_a_rare_event_that_a_short_run_never_saw_is_no_change() -> None:
    """0 of 2,000 beside 20 of 20,000 is likely (exp(-2)); 0 of 20,000 beside 20 of 2,000 is not."""
    assert same(simulated(0.0, 2000), simulated(0.001, 20_000))
    assert not same(simulated(0.0, 20_000), simulated(0.01, 2000))
    pooled = 20 / 22_000
    error = math.sqrt(pooled * (1 - pooled) * (1 / 2000 + 1 / 20_000))
    assert tolerance(simulated(0.0, 2000), simulated(0.001, 20_000)) == pytest.approx(4 * error, rel=1e-3)


def test_the_same_inputs_and_numbers_are_unchanged() -> None:
    """Nothing to tell; and a scenario that the baseline does not know is new."""
    assert movement(kept(), kept()) == ("unchanged", (), (), ())
    assert movement(None, kept()).kind == "new"


def test_a_changed_input_is_named_and_may_move_numbers() -> None:
    """Old and new value of the field, and what moved by how much: no failure by itself."""
    found = movement(kept(), kept({"expected": {"power": exactly(0.85)}}, design_n_control=28))
    assert found.kind == "changed inputs"
    assert found.inputs == (("design.n.control", 24, 28),)
    assert found.numbers == (("expected", "power", exactly(0.8), exactly(0.85)),)


def test_a_changed_number_of_the_same_inputs_is_a_changed_result() -> None:
    """So is a number that is gone; one that is new is told and breaks nothing."""
    assert movement(kept(), kept({"expected": {"power": exactly(0.85)}})).kind == "changed results"
    assert movement(kept(), kept({"expected": {}})).kind == "changed results"
    assert movement(kept(), kept({})).kind == "changed results"
    more = movement(kept(), kept({"expected": {"power": exactly(0.8), "harm": exactly(0.0)}}))
    assert (more.kind, more.numbers) == ("unchanged", (("expected", "harm", None, exactly(0.0)),))


def test_the_worst_of_other_rates_is_another_number() -> None:
    """With fewer trials another rate may come out as the worst: what is taken there is not compared; else it is."""
    full, fewer = simulated(0.2, 20_000), simulated(0.4, 2000)
    before, now = kept({"t": {"x": full}}), kept({"t": {"x": fewer}})
    at = [{"t": {"x": 0.1}}, {"t": {"x": 0.3}}]
    assert movement(before, now).kind == "changed results"
    assert movement(replace(before, rates=at[0]), replace(now, rates=at[0])).kind == "changed results"
    assert movement(replace(before, rates=at[0]), replace(now, rates=at[1])).kind == "unchanged"
    same_trials = kept({"t": {"x": simulated(0.4, 20_000)}})
    assert movement(replace(before, rates=at[0]), replace(same_trials, rates=at[1])).kind == "changed results"


def test_a_threshold_is_an_input_that_excuses_no_number() -> None:
    """Another threshold is named; it moves no number, so a number that moved with it is a changed result."""
    judged = Entry("0.1.0", PLAN | {"targets 1, at_least": 0.9}, POWER, {})
    found = movement(kept(), judged)
    assert (found.kind, found.inputs) == ("changed inputs", (("targets 1, at_least", 0.8, 0.9),))
    assert movement(kept(), replace(judged, results={"expected": {"power": exactly(0.9)}})).kind == "changed results"


def test_inputs_that_round_differently_are_the_same() -> None:
    """A computed shape may differ by 1e-13 of itself elsewhere; true is not 1, and 24 is 24.0."""
    assert movement(kept(), kept(rule_alpha=0.025 * (1 + 1e-13))).kind == "unchanged"
    assert movement(kept(), kept(rule_alpha=0.025 * (1 + 1e-11))).kind == "changed inputs"
    assert movement(kept(), kept(design_n_control=24.0)).kind == "unchanged"
    assert movement(kept(rule_alpha=1), kept(rule_alpha=True)).kind == "changed inputs"


def test_inputs_are_what_moves_numbers() -> None:
    """Sizes, rates, rule, thresholds and the history in priors as a person says them; no words, no defaults."""
    used = read_scenario("sjia-next-trial")
    found = inputs(used)
    assert found["design.n.control"] == 24
    assert found["targets 1, at_least"] == 0.8
    assert found["rule.kind"] == "posterior"
    parts = {key: value for key, value in found.items() if key.startswith("rule.analysis_prior.control.parts")}
    assert sum(value for key, value in parts.items() if key.endswith("weight")) == pytest.approx(1.0)
    history = (
        "rule.analysis_prior.control.history 1"  # 28 of 128 at weight 0.25 on a uniform prior, beside the robust part
    )
    assert (found[f"{history}, a"], found[f"{history}, b"]) == (pytest.approx(8), pytest.approx(26))
    words = {"title", "question", "notes", "why", "arms", "version", "size", "seed", "axes", "simulation"}
    assert not {step for key in found for step in key.replace(",", ".").replace(" ", "").split(".")} & words


def test_words_and_further_questions_change_no_input(tmp_path: Path) -> None:
    """A title, a reason, a note and an axis are no inputs: the flattened scenario is the same."""
    text = Path("scenarios/sjia-next-trial.toml")
    source = (Path(__file__).parents[2] / text).read_text()
    changed = source.replace('title = "', 'title = "Another: ').replace('why = "', 'why = "because ')
    changed = changed.replace("[design]", 'notes = ["new"]\n\n[[axes]]\npath = "seed"\nvalues = [1]\n\n[design]', 1)
    assert changed != source
    (tmp_path / "other.toml").write_text(changed)
    assert inputs(read_scenario(tmp_path / "other.toml")) == inputs(read_scenario("sjia-next-trial"))


def test_a_baseline_comes_back_with_the_same_bits(tmp_path: Path) -> None:
    """Every kind of number, hostile names included; writing it again gives the same bytes, in any order."""
    odd = {
        'a"b<c>\n|': kept({"t": {"x": Estimate(1 / 3, 0.1, 0.7, 0.01, 7), "inf": exactly(math.inf)}}),
        "rates": replace(kept(), rates={"t": {"x": 0.1 + 0.2}}),
        "ünïcode": kept({"t": {"tiny": exactly(5e-324), "neg": exactly(-0.1)}}, rule_kind="fisher", flag=True),
    }
    path = tmp_path / "deep" / "baseline.json"
    write_baseline(path, odd)
    found = read_baseline(path)
    assert found == odd
    assert baseline_text(dict(reversed(list(found.items())))).encode() == path.read_bytes()
    assert json.loads(path.read_text())["version"] == 1


def test_a_number_that_is_none_is_kept_as_such(tmp_path: Path) -> None:
    """Not a number stays not a number, in JSON that any reader takes."""
    path = tmp_path / "b.json"
    write_baseline(path, {"it": kept({"t": {"x": Estimate(math.nan, math.nan, math.nan, math.nan, 0)}})})
    found = read_baseline(path)["it"].results["t"]["x"]
    assert math.isnan(found.value)
    assert found.draws == 0
    assert "NaN" not in path.read_text()


def whole() -> str:
    """The text of a sound baseline."""
    return baseline_text({"it": kept({"t": {"x": simulated(0.5, 100), "y": exactly(0.25)}})})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"anatrial-baseline"', '"other"', "foreign"),
        ('"version": 1,', '"version": 2,', "version 2"),
        ('"version": 1,', "", "damaged or foreign"),
        ('"design.n.control": 24', '"design.n.control": 25', "edited"),
        ("0.25", "true", "edited"),
        ("0.25", '"0.25"', "edited"),
        ("0.25", "[0.25]", "edited"),
        ("0.25", "NaN", "damaged"),
        ("0.25", "1" + "0" * 400, "edited"),
        (", 100]", ", null]", "edited"),
        ('"PASS"', "[]", "edited"),
        ('"0.1.0"', "1", "edited"),
        ('"it": {', '<<<<<<< ours\n"it": {', "damaged or foreign"),
        ('"scenarios"', '"scenario"', "edited"),
    ],
)
def test_a_baseline_that_is_not_whole_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    """Damaged, foreign, edited or newer: what was found, and the command that writes it anew; never a wrong number."""
    assert old in whole()
    path = tmp_path / "b.json"
    path.write_text(whole().replace(old, new, 1))
    with pytest.raises(InputError, match=said) as error:
        read_baseline(path)
    assert "--update-baseline" in str(error.value)


@pytest.mark.parametrize("text", ["[]", "1", "null", '"x"', "{}", "[" * 100_000, '{"format": "anatrial-baseline"}'])
def test_any_other_json_is_refused(tmp_path: Path, text: str) -> None:
    """JSON of another form, nested without end included, is a fault of input."""
    (tmp_path / "b.json").write_text(text)
    with pytest.raises(InputError, match="foreign"):
        read_baseline(tmp_path / "b.json")


def test_a_baseline_that_is_missing_says_how_to_make_one(tmp_path: Path) -> None:
    """A fault of input with the command."""
    with pytest.raises(InputError, match="--update-baseline"):
        read_baseline(tmp_path / "none.json")


def test_an_entry_holds_every_number_of_a_run() -> None:
    """Every metric of every truth with its bounds, and the verdicts."""
    used = read_scenario("anajis")
    run = evaluate(used)
    verdicts = [(target.said, verdict) for target, verdict in zip(used.scenario.targets, run.verdicts, strict=True)]
    found = entry(used, CellResult(run.characteristics), verdicts)
    assert found.results["expected"]["power"] == run.verdicts[0].estimate
    assert sum(map(len, found.results.values())) == sum(len(one.metrics) for one in run.characteristics)
    assert set(found.verdicts.values()) == {"PASS"}
