"""A small project on disk, with one indication, one derived prior and one scenario, and the program run inside it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import anatrial
from anatrial.cli import main

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(anatrial.__file__).parents[1])}
"""For the program in a process of its own, in any folder."""

PRIORS = """
version = 1
indication = "made-up"
title = "A disease for tests"

[endpoints.response]
definition = "Response"
visit = "week 12"

[endpoints.remission]
definition = "Remission"
visit = "week 12"

[[studies]]
id = "old"
title = "Old 2001"
citation = "Old 2001"
tier = "rct_double_blind"
arms = [{ id = "placebo", role = "placebo", drug = "placebo" }]

[[studies.outcomes]]
id = "old-1"
source_id = "O1"
arm = "placebo"
endpoint = "response"
visit = "week 12"
analysis_set = "itt"
n = 40
responders = 10
locator = "Table 1"

[priors.placebo]
title = "Placebo"
method = "pooled"
endpoint = "response"
outcomes = ["old-1"]

[priors.remission]
title = "Remission"
method = "elicited"
endpoint = "remission"
why = "a test"
mean = 0.2
effective_n = 5
"""

SCENARIO = """
version = 1
title = "A trial for tests"
question = "Does it hold?"
indication = "made-up"
endpoint = "response"

[design]
kind = "fixed"
n = { treatment = 12, control = 12 }

[rule]
kind = "posterior"
certainty = 0.95
margin = 0.0

[rule.analysis_prior]
treatment = { a = 1, b = 1 }
control = { prior = "placebo", robust_weight = 0.2 }

[truths.expected]
kind = "points"
rates = { treatment = 0.70, control = 0.25 }

[truths.no-effect]
kind = "no_effect"
control = { from = 0.1, to = 0.4 }
why = "a test"

[truths.uncertain]
kind = "design_prior"
treatment = { mean = 0.6, effective_n = 10 }
control = { prior = "placebo" }

[[targets]]
metric = "power"
truth = "expected"
at_least = 0.5

[size]
per_arm = { from = 8, to = 30 }
"""


class Said(NamedTuple):
    """What a run of the program left behind."""

    code: int
    out: str
    err: str


class Project:
    """A folder with ``priors`` and ``scenarios``; the program runs in this process, inside it."""

    def __init__(self, path: Path, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.path, self._patch, self._capsys = path, patch, capsys
        (path / "priors").mkdir()
        (path / "scenarios").mkdir()
        (path / "priors" / "made-up.toml").write_text(PRIORS)
        patch.chdir(path)
        assert self.anatrial("prior", "derive", "made-up").code == 0

    def anatrial(self, *words: str) -> Said:
        """Run the program with these words."""
        self._patch.setattr(sys, "argv", ["anatrial", *words])
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = self._capsys.readouterr()
        return Said(int(stop.value.code or 0), out, err)

    def scenario(self, *changes: tuple[str, str], name: str = "it") -> str:
        """Write the scenario with some of its text replaced; its path."""
        text = SCENARIO
        for old, new in changes:
            assert old in text, f"the scenario has no {old!r}"
            text = text.replace(old, new)
        path = self.path / "scenarios" / f"{name}.toml"
        path.write_text(text)
        return str(path)

    def files(self) -> set[str]:
        """Every file in the folder."""
        return {str(p.relative_to(self.path)) for p in self.path.rglob("*") if p.is_file()}


def refused(said: Said, *words: str) -> None:
    """Exit code 2, the words among the remarks, no result and no traceback."""
    assert said.code == 2, said.err
    assert said.out == ""
    for word in words:
        assert word in said.err
    for never in ("Traceback", "internal error", "pydantic", "KeyError", 'File "'):
        assert never not in said.err
