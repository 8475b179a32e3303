"""A target may say how precisely a simulated number must be known: trials go on until it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from anatrial import evaluate, read_scenario
from anatrial.documents.scenario import Target
from anatrial.plan.cells import cell_key
from anatrial.plan.trials import settings

TEXT = (Path(__file__).parents[2] / "scenarios" / "sjia-response-adaptive.toml").read_text(encoding="utf-8")
FEW = "\n[simulation]\ntrials = 500\n"
ASKED = "precision = 0.004"


def written(folder: Path, text: str) -> Path:
    path = folder / "it.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_smallest_precision_of_a_file_counts(tmp_path: Path) -> None:
    """That of a target beside that of the simulation; none where nobody asks."""
    text = TEXT.partition("[simulation]")[0] + FEW
    assert settings(read_scenario(written(tmp_path, text)).resolved).target_mcse == 0.004
    finer = read_scenario(written(tmp_path, f"{text}target_mcse = 0.003\n"))
    assert settings(finer.resolved).target_mcse == 0.003
    coarser = read_scenario(written(tmp_path, f"{text}target_mcse = 0.3\n"))
    assert settings(coarser.resolved).target_mcse == 0.004
    none = read_scenario(written(tmp_path, text.replace(ASKED, "")))
    assert settings(none.resolved).target_mcse is None
    assert len({cell_key(one, "e") for one in (finer, coarser, none)}) == 3


def test_trials_go_on_until_the_precision_is_reached(tmp_path: Path) -> None:
    """500 trials know a power of about 0.75 to 0.019; a precision of 0.01 takes at least 1,875 of them."""
    text = TEXT.partition("[simulation]")[0] + FEW
    loose = evaluate(read_scenario(written(tmp_path, text.replace(ASKED, "")))).verdicts[0].estimate
    assert loose.draws == 500
    close = evaluate(read_scenario(written(tmp_path, text.replace(ASKED, "precision = 0.01")))).verdicts[0].estimate
    assert close.mcse is not None
    assert close.mcse <= 0.01
    assert close.draws is not None
    assert close.draws >= 1_500


def test_a_precision_is_that_of_a_probability() -> None:
    """Of a number of patients it is refused."""
    asked = {"metric": "expected_n", "truth": "expected", "at_most": 50, "precision": 0.01}
    with pytest.raises(ValidationError, match=r"a precision of expected_n \| a precision of a probability"):
        Target.model_validate(asked)
    assert Target.model_validate({**asked, "metric": "power", "at_most": 0.5}).precision == 0.01
