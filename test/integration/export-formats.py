"""Reads the files of an export as its users do, with several programs; JSON in, JSON out."""

import json
import sys

import deltalake
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq


def summary(table: pa.Table, features: list[str]) -> dict:
    sums = []
    for name in features:
        column = table.column(name).combine_chunks()
        values = [value for value in column.to_pylist() if value is not None]
        sums.append([len(values), float(sum(values))])
    return {
        "rows": table.num_rows,
        "ids": table.column("end_to_end_id").to_pylist(),
        "payers": table.column("payer_account").to_pylist(),
        "times": [int(value.timestamp() * 1_000_000) for value in table.column("event_time").to_pylist()],
        "labels": table.column("label").to_pylist(),
        "sums": sums,
    }


def notes(schema: pa.Schema, feature: str) -> list:
    dictionary = json.loads(schema.metadata[b"sentinela"])
    names = [column["name"] for column in dictionary["columns"]]
    return [names == schema.names, schema.field(feature).metadata[b"description"].decode()]


request = json.load(sys.stdin)
paths, features = request["paths"], request["features"]
parquet = pq.read_table(paths["parquet"])
with pa.memory_map(paths["arrow"]) as source:
    arrow = pa.ipc.open_file(source).read_all()
with open(paths["arrow-stream"], "rb") as source:
    stream = pa.ipc.open_stream(source).read_all()
delta = deltalake.DeltaTable(paths["delta"])
rows = {
    "parquet by pyarrow": parquet,
    "parquet by pandas": pa.Table.from_pandas(pd.read_parquet(paths["parquet"], dtype_backend="pyarrow")),
    "parquet by polars": pl.read_parquet(paths["parquet"]).to_arrow(),
    "parquet by DuckDB": duckdb.sql(f"SELECT * FROM '{paths['parquet']}'").to_arrow_table(),
    "arrow by pyarrow": arrow,
    "arrow by polars": pl.read_ipc(paths["arrow"]).to_arrow(),
    "arrow by pandas": pa.Table.from_pandas(pd.read_feather(paths["arrow"], dtype_backend="pyarrow")),
    "stream by pyarrow": stream,
    "csv by DuckDB": duckdb.sql(f"SELECT * FROM read_csv('{paths['csv']}', sample_size=-1)").to_arrow_table(),
    "csv by pandas": pa.Table.from_pandas(
        pd.read_csv(paths["csv"], parse_dates=["event_time"], dtype_backend="pyarrow")
    ),
    "delta by delta-rs": pa.table(delta.to_pyarrow_table()),
}
print(
    json.dumps(
        {
            "rows": {name: summary(table, features) for name, table in rows.items()},
            "notes": {
                "parquet": notes(parquet.schema, features[0]),
                "arrow": notes(arrow.schema, features[0]),
                "stream": notes(stream.schema, features[0]),
            },
            "delta": [delta.version(), json.loads(delta.schema().to_json())["fields"][-1]["metadata"]],
        }
    )
)
