"""Long tables of virtual patients as Parquet, written batch by batch: whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from anatrial.errors import Fault, InputError


def write_parquet(path: Path, batches: Iterator[dict[str, Any]]) -> int:
    """Write batches of columns, texts as ``(values, codes)``; the number of rows.

    Beside the file first, then renamed over it. ``InputError`` for a place that cannot be written to.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        try:
            writer = None
            for columns in batches:
                table = pa.table({key: _column(value) for key, value in columns.items()})
                if writer is None:
                    writer = pq.ParquetWriter(name, table.schema, compression="zstd")
                writer.write_table(table)
                rows += table.num_rows
            if writer is not None:
                writer.close()
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(Fault(str(path), error.strerror or str(error), "a place that can be written to")) from None
    return rows


def _column(value: Any) -> Any:
    """A column of numbers, or of texts in few values."""
    import pyarrow as pa

    if isinstance(value, tuple):
        values, codes = value
        return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(values, pa.string())).cast(
            pa.string()
        )
    return pa.array(value)
