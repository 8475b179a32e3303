"""Figures as they are before they become files."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest


def kept_figures(monkeypatch: pytest.MonkeyPatch, pictures: ModuleType) -> list[Any]:
    """The figures that a module of pictures draws from now on, in their order; none becomes a file."""
    figures: list[Any] = []

    def kept(figure: Any, fmt: str) -> bytes:
        figures.append(figure)
        return fmt.encode()

    monkeypatch.setattr(pictures, "figure_bytes", kept)
    return figures
