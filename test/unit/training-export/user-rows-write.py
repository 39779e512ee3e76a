"""Writes one table of rows in every format that an export takes; JSON in, JSON out."""

import json
import sys

import pandas as pd
import polars as pl
import pyarrow as pa

folder = json.load(sys.stdin)["folder"]
frame = pd.DataFrame(
    {
        "account": ["a|1|7", "b||ação"],
        "at": pd.to_datetime(["2026-07-01T12:00:00.123456Z", "2026-07-02T12:00:00Z"], format="ISO8601"),
        "amount_centavos": [1050, 7],
        "fraud": pd.array([1, None], dtype="Int64"),
        "note": ["x", "y"],
    }
)
frame.to_csv(f"{folder}/pandas.csv", index=False)
frame.to_csv(f"{folder}/pandas.csv.gz", index=False)
frame.to_parquet(f"{folder}/pandas.parquet", index=False)
frame.to_feather(f"{folder}/pandas.feather", compression="uncompressed")
pl.from_pandas(frame).write_parquet(f"{folder}/polars.parquet")
table = pa.Table.from_pandas(frame, preserve_index=False)
with pa.ipc.new_file(f"{folder}/pyarrow.arrow", table.schema) as writer:
    writer.write_table(table)
with pa.ipc.new_stream(f"{folder}/pyarrow.arrows", table.schema) as writer:
    writer.write_table(table)
print(json.dumps({}))
