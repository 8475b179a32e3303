"""How the tests are spread over the cores of a machine."""

from __future__ import annotations

import os

import pytest

for library in ("OMP", "OPENBLAS", "MKL"):  # before NumPy is imported: threads of its own would fight the workers
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """A worker per core for folders; none for named files, which are done before workers would have started."""
    return 0 if all(".py" in argument for argument in config.args) else os.cpu_count() or 1
