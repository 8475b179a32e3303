"""Long tables of virtual patients as Parquet, written batch by batch: whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from anatrial.files.texts import beside, told


def write_parquet(path: Path, batches: Iterator[dict[str, Any]]) -> int:
    """Write batches of columns, texts as ``(values, codes)``; the number of rows.

    Beside the file first, then renamed over it. ``InputError`` for a place that cannot be written to.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows, writer = 0, None
    with told(path), beside(path) as written:
        for columns in batches:
            table = pa.table({key: _column(value) for key, value in columns.items()})
            if writer is None:
                writer = pq.ParquetWriter(written, table.schema, compression="zstd")
            writer.write_table(table)
            rows += table.num_rows
        if writer is not None:
            writer.close()
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
