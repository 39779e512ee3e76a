"""Reads and writes Delta tables with other engines, for the tests: JSON in, JSON out.

Values are made comparable: integers as texts, timestamps as texts of microseconds since 1970, dates
as texts of days, floats by repr, bytes in hex, maps as lists of pairs.
"""

import datetime
import decimal
import glob
import json
import math
import os
import sys

import deltalake
import duckdb
import duckdb_extension_delta
import pandas
import polars
import pyarrow
import pyarrow.compute as pc

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def plain(value, kind):
    if value is None:
        return None
    if pyarrow.types.is_timestamp(kind):
        delta = value - (EPOCH if value.tzinfo else EPOCH.replace(tzinfo=None))
        return str((delta.days * 86400 + delta.seconds) * 1000000 + delta.microseconds)
    if pyarrow.types.is_date(kind):
        return str((value - datetime.date(1970, 1, 1)).days)
    if pyarrow.types.is_dictionary(kind):
        return plain(value, kind.value_type)
    if pyarrow.types.is_struct(kind):
        return {field.name: plain(value[field.name], field.type) for field in kind}
    if pyarrow.types.is_map(kind):
        return [[plain(k, kind.key_type), plain(v, kind.item_type)] for k, v in value]
    if pyarrow.types.is_list(kind) or pyarrow.types.is_large_list(kind) or pyarrow.types.is_list_view(kind):
        return [plain(item, kind.value_type) for item in value]
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, bool) or isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else repr(value)
    return bytes(value).hex()


def rows_of(table):
    # datetime cannot hold all microseconds of all years; it holds those of the tests.
    columns = [[plain(v, c.type) for v in c.to_pylist()] for c in table.columns]
    return [dict(zip(table.column_names, row)) for row in zip(*columns)] if columns else []


def connect():
    folder = os.path.dirname(duckdb_extension_delta.__file__)
    (extension,) = glob.glob(folder + "/extensions/*/delta.duckdb_extension")
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    connection.execute(f"LOAD '{extension}'")
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def arrow_of(result):
    return result if isinstance(result, pyarrow.Table) else result.read_all()


def read(request):
    path, where, version = request["path"], request.get("where"), request.get("version")
    table = deltalake.DeltaTable(path, version=version)
    answer = {}
    dataset = table.to_pyarrow_dataset()
    condition = None
    if where:
        column, op, value, kind = where["column"], where["op"], where["value"], where["kind"]
        if kind == "timestamp":
            literal = pyarrow.scalar(int(value), pyarrow.timestamp("us", "UTC"))
        elif kind == "date":
            literal = pyarrow.scalar(int(value), pyarrow.date32())
        elif kind == "long":
            literal = pyarrow.scalar(int(value), pyarrow.int64())
        else:
            literal = pyarrow.scalar(value)
        ops = {"=": "__eq__", "<": "__lt__", "<=": "__le__", ">": "__gt__", ">=": "__ge__"}
        condition = getattr(pc.field(column), ops[op])(literal)
    answer["delta-rs"] = rows_of(dataset.to_table(filter=condition))
    if not where:
        frame = table.to_pandas(types_mapper=pandas.ArrowDtype)
        answer["pandas"] = rows_of(pyarrow.Table.from_pandas(frame, preserve_index=False))
    lazy = polars.scan_delta(path, version=version)
    if where:
        ops = {"=": "eq", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
        lazy = lazy.filter(getattr(polars.col(column), ops[op])(polars.lit(literal.as_py())))
    answer["polars"] = rows_of(lazy.collect().to_arrow())
    sql = f"SELECT * FROM delta_scan('{path}'" + (f", version={version}" if version is not None else "") + ")"
    if where:
        text = {
            "timestamp": f"make_timestamptz({value})" if kind == "timestamp" else "",
            "date": f"(DATE '1970-01-01' + {value})" if kind == "date" else "",
        }.get(kind) or ("'" + str(value).replace("'", "''") + "'" if kind == "string" else str(value))
        sql += f' WHERE "{column}" {op} {text}'
    answer["duckdb"] = rows_of(arrow_of(connect().execute(sql).arrow()))
    return answer


def judged(read_rows):
    try:
        table = read_rows()
    except Exception as error:
        return {"error": str(error).split("\n")[0][:300]}
    return {"rows": rows_of(table)}


def judge(request):
    """What delta-rs and DuckDB read of a table, or how they refuse it."""
    path = request["path"]

    def by_delta_rs():
        builder = deltalake.QueryBuilder().register("t", deltalake.DeltaTable(path))
        return pyarrow.table(builder.execute("SELECT * FROM t").read_all())

    def by_duckdb():
        return arrow_of(connect().execute(f"SELECT * FROM delta_scan('{path}')").arrow())

    return {"delta-rs": judged(by_delta_rs), "DuckDB": judged(by_duckdb)}


def read_all(request):
    return {path: read({"path": path}) for path in request["paths"]}


def write(request):
    """Tables that delta-rs writes, every type that it and we share."""
    path = request["path"]
    utc = datetime.timezone.utc
    part = pyarrow.table(
        {
            "id": pyarrow.array([1, 2, 9007199254740993, None], pyarrow.int64()),
            "small": pyarrow.array([1, -2, None, 4], pyarrow.int16()),
            "tiny": pyarrow.array([1, -128, None, 127], pyarrow.int8()),
            "whole": pyarrow.array([1, -2147483648, None, 4], pyarrow.int32()),
            "ratio": pyarrow.array([0.5, float("nan"), None, -0.0], pyarrow.float64()),
            "half": pyarrow.array([0.5, 1.25, None, 3.0], pyarrow.float32()),
            "flag": pyarrow.array([True, False, None, True]),
            "name": pyarrow.array(["ação", "", None, "\U0001f600"]),
            "blob": pyarrow.array([b"\x00\xff", b"", None, b"a"]),
            "day": pyarrow.array([datetime.date(1969, 12, 31), datetime.date(2026, 11, 1), None, datetime.date(1582, 10, 15)]),
            "at": pyarrow.array(
                [datetime.datetime(1969, 12, 31, 23, 59, 59, 999999, utc), datetime.datetime(2026, 11, 1, 12, 0, 0, 1, utc), None, datetime.datetime(1, 1, 1, tzinfo=utc)],
                pyarrow.timestamp("us", "UTC"),
            ),
            "list": pyarrow.array([[1.0, None], [], None, [2.5]], pyarrow.list_(pyarrow.float64())),
            "pair": pyarrow.array([{"a": 1, "b": "x"}, {"a": None, "b": None}, None, {"a": 3, "b": "z"}], pyarrow.struct([("a", pyarrow.int64()), ("b", pyarrow.string())])),
            "map": pyarrow.array([[("k", 1)], [], None, [("a", 2), ("b", None)]], pyarrow.map_(pyarrow.string(), pyarrow.int64())),
            "part": pyarrow.array(["a b", "é/%", None, "x=y"]),
            "hour": pyarrow.array([1, 2, 3, None], pyarrow.int32()),
        }
    )
    for _ in range(request.get("commits", 1)):
        deltalake.write_deltalake(path, part, mode="append", partition_by=["part", "hour"])
    table = deltalake.DeltaTable(path)
    if request.get("checkpoint"):
        table.create_checkpoint()
        deltalake.write_deltalake(path, part, mode="append", partition_by=["part", "hour"])
        table = deltalake.DeltaTable(path)
    return {"rows": rows_of(table.to_pyarrow_table()), "version": table.version()}


def append(request):
    """Appends the rows of a table to itself by delta-rs."""
    table = deltalake.DeltaTable(request["path"])
    deltalake.write_deltalake(table, table.to_pyarrow_table(), mode="append")
    return {"version": table.version()}


request = json.load(sys.stdin)
json.dump({"read": read, "judge": judge, "read-all": read_all, "write": write, "append": append}[request["do"]](request), sys.stdout)
