"""What a person sees on a terminal while a sweep runs, and that nobody else does."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

from tests.cli.project import ENVIRONMENT, Project

AXES = """
[[axes]]
path = "truths.expected.rates.control"
range = { from = 0.1, to = 0.4, points = 30 }

[size]"""


def on_a_terminal(folder: Path, *words: str) -> tuple[int, str]:
    """Exit code, and what a terminal got on stderr."""
    here, there = pty.openpty()
    command = [sys.executable, "-m", "anatrial", *words]
    environment = {**ENVIRONMENT, "TERM": "xterm", "COLUMNS": "120"}
    done = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=there, env=environment)
    os.close(there)
    told = b""
    while True:
        try:
            part = os.read(here, 65_536)
        except OSError:  # how Linux tells that the other end is closed
            break
        if not part:
            break
        told += part
    os.close(here)
    return done.wait(), told.decode()


def test_a_terminal_shows_progress_with_the_time_left(project: Project) -> None:
    """A bar with the name of the sweep as it is, whatever looks like markup in it, a share and a time."""
    path = project.scenario(("[size]", AXES), name="[red]it")
    code, told = on_a_terminal(project.path, "sweep", path)
    assert code == 0
    assert "[red]it" in told
    assert "%" in told
    assert "-:--:--" in told or "0:00:" in told


def test_no_terminal_sees_no_progress(project: Project) -> None:
    """In a file or a pipe stderr has no bar."""
    done = project.anatrial("sweep", project.scenario(("[size]", AXES)))
    assert done.code == 0
    assert done.err == ""
