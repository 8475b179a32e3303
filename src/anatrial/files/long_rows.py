"""Long tables of any number of rows, written batch by batch as Parquet and as CSV: each whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from anatrial.files.texts import beside, told

FORMS = {"int": "int64", "double": "float64", "text": "string"}


class LongRows:
    """Takes batches of columns and writes each into all the files, while the next one is being made."""

    def __init__(self, writers: Sequence[tuple[Path, Any]], schema: Any, pool: Executor) -> None:
        self._writers, self._schema, self._pool = writers, schema, pool
        self._written: Future[None] | None = None
        self.rows = 0

    def write(self, batch: Mapping[str, Any]) -> None:
        """Write the columns of a batch, all of one length.

        A column is a list or an array, None where a value is missing; or ``(values, places)``: few values, and for each
        row its place among them, -1 where it is missing. ``InputError`` for a disk that was full at the batch before.
        """
        import pyarrow as pa

        columns = [_column(batch[field.name], field.type) for field in self._schema]
        table = pa.Table.from_arrays(columns, schema=self._schema)
        self.finish()
        self._written = self._pool.submit(self._write, table)
        self.rows += table.num_rows

    def finish(self) -> None:
        """Wait for the last batch; ``InputError`` if the disk was full."""
        if self._written is not None:
            self._written.result()

    def _write(self, table: Any) -> None:
        for path, writer in self._writers:
            with told(path):
                writer.write_table(table)


@contextmanager
def long_rows(paths: Sequence[Path], columns: Sequence[tuple[str, str]]) -> Iterator[LongRows]:
    """Files (.parquet; any other ending is CSV) with these columns, of form ``int``, ``double`` or ``text``, to fill.

    Both are written beside their places first and renamed when everything is there: after an error or an interruption
    what stood there before still does. The same batches give the same bytes. CSV numbers read back as the same doubles;
    texts are quoted, a missing value is empty. ``InputError`` for a place that cannot be written to.
    """
    import pyarrow as pa

    schema = pa.schema([(name, getattr(pa, FORMS[form])()) for name, form in columns])
    with ExitStack() as stack:
        places = [(path, stack.enter_context(beside(path))) for path in paths]  # renamed when all writers are closed
        writers = [(path, stack.enter_context(_writer(path, written, schema))) for path, written in places]
        rows = LongRows(writers, schema, stack.enter_context(ThreadPoolExecutor(1)))
        yield rows
        rows.finish()


@contextmanager
def _writer(path: Path, written: Path, schema: Any) -> Iterator[Any]:
    """What writes the file; its last rows come only at the end."""
    import pyarrow.csv as pc
    import pyarrow.parquet as pq

    with told(path):
        parquet = path.suffix == ".parquet"
        writer = pq.ParquetWriter(written, schema, compression="zstd") if parquet else pc.CSVWriter(written, schema)
    try:
        yield writer
    finally:
        with told(path):
            writer.close()


def _column(value: Any, form: Any) -> Any:
    import pyarrow as pa

    if isinstance(value, tuple):
        values, places = value
        return pa.array(values, form).take(pa.array(places, mask=places < 0))
    return pa.array(value, form)
