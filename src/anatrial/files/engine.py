"""The version of everything that computes: results of another one are not taken for this one's."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from anatrial import __version__

COMPUTING = ("designs", "documents", "domain", "engine", "methods", "numerics", "plan", "rules", "truths")
ALONE = ("rng.py", "spec.py")


@cache
def engine_version() -> str:
    """The program's version, a digest of its computing sources, and the versions of numpy and scipy.

    Between two releases the sources tell one state of the program from the next.
    """
    import numpy as np
    import scipy

    package = Path(__file__).parents[1]
    sources = [package / name for name in ALONE]
    sources += sorted(path for folder in COMPUTING for path in (package / folder).glob("*.py"))
    found = hashlib.sha256()
    for path in sources:
        content = path.read_bytes()
        found.update(f"{path.parent.name}/{path.name}\n{len(content)}\n".encode() + content)
    return f"{__version__}+{found.hexdigest()[:12]} numpy {np.__version__} scipy {scipy.__version__}"
