"""Cells that were computed once, in an SQLite file that several processes may use at once.

The form of the file is in ``form``, the store in ``kept``, and what happens to a damaged one in ``mending``.
"""

from __future__ import annotations

from anatrial.store.kept import DEFAULT, Store, open_store
from anatrial.store.mending import checked, rebuilt

__all__ = ["DEFAULT", "Store", "checked", "open_store", "rebuilt"]
