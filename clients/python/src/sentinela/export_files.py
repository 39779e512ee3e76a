"""The files of an export, in each of their formats, as Arrow tables."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentinela.errors import SentinelaError
from sentinela.libraries import deltalake, pyarrow

if TYPE_CHECKING:
    import pyarrow as pa

#: From a column's name to its type, in Delta's words.
Types = Mapping[str, Any]


def read_file(path: Path, file_format: str, columns: Sequence[str], types: Types) -> pa.Table:
    """Columns of a file, in any order. Raises SentinelaError ``invalid_export`` where the format is not known."""
    readers: dict[str, Callable[[Path, list[str], Types], pa.Table]] = {
        "parquet": _parquet,
        "arrow": _arrow_file,
        "arrow-stream": _arrow_stream,
        "csv": _csv,
        "delta": _delta,
    }
    reader = readers.get(file_format)
    if reader is None:
        raise SentinelaError("invalid_export", f"files of the format {file_format} cannot be read: update this package")
    return reader(path, list(columns), types)


def sha256_of(path: Path) -> str:
    """A file's sum; of a folder, the sum of what ``sha256sum`` prints of its files, by their names."""
    if path.is_file():
        with open(path, "rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    names = sorted(one.relative_to(path).as_posix() for one in path.rglob("*") if one.is_file())
    lines = "".join(f"{sha256_of(path / name)}  {name}\n" for name in names)
    return hashlib.sha256(lines.encode()).hexdigest()


def _parquet(path: Path, columns: list[str], types: Types) -> pa.Table:
    return pyarrow("pyarrow.parquet").read_table(path, columns=columns)


def _arrow_file(path: Path, columns: list[str], types: Types) -> pa.Table:
    return pyarrow().ipc.open_file(pyarrow().memory_map(str(path))).read_all().select(columns)


def _arrow_stream(path: Path, columns: list[str], types: Types) -> pa.Table:
    return pyarrow().ipc.open_stream(pyarrow().memory_map(str(path))).read_all().select(columns)


def _delta(path: Path, columns: list[str], types: Types) -> pa.Table:
    return deltalake().DeltaTable(str(path)).to_pyarrow_table(columns=columns)


def _csv(path: Path, columns: list[str], types: Types) -> pa.Table:
    """Null is empty and an empty text is ``""``; lists are JSON and bytes base64."""
    csv = pyarrow("pyarrow.csv")
    # Lists and bytes are texts first.
    texts = {name: _arrow_type(types[name]) if _is_plain(types[name]) else pyarrow().string() for name in columns}
    options = csv.ConvertOptions(
        include_columns=columns,
        column_types=texts,
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    table = csv.read_csv(path, convert_options=options, parse_options=csv.ParseOptions(newlines_in_values=True))
    for at, name in enumerate(columns):
        if not _is_plain(types[name]):
            decode = base64.b64decode if types[name] == "binary" else json.loads
            values = [None if text is None else decode(text) for text in table[name].to_pylist()]
            table = table.set_column(at, name, pyarrow().array(values, _arrow_type(types[name])))
    return table


def _is_plain(delta_type: Any) -> bool:
    return isinstance(delta_type, str) and delta_type != "binary"


def _arrow_type(delta_type: Any) -> Any:
    arrow = pyarrow()
    if isinstance(delta_type, dict) and delta_type.get("type") == "array":
        return arrow.list_(_arrow_type(delta_type["elementType"]))
    plain = {
        "string": arrow.string(),
        "binary": arrow.binary(),
        "boolean": arrow.bool_(),
        "byte": arrow.int8(),
        "short": arrow.int16(),
        "integer": arrow.int32(),
        "long": arrow.int64(),
        "float": arrow.float32(),
        "double": arrow.float64(),
        "date": arrow.date32(),
        "timestamp": arrow.timestamp("us", tz="UTC"),
    }
    if delta_type not in plain:
        raise SentinelaError("invalid_export", f"the type {delta_type} is not known: update this package")
    return plain[delta_type]
