"""A Spark with Delta Lake that runs statements for the tests: one JSON line in, one JSON line out.

In: {"sql": "..."}; {"rows": "SELECT ..."}: its rows in the plain form of delta-engines.py; {"set": {...}}: settings;
{"put": {"path", "line", "lines"}}, {"list": "folder"}: of the LogStore that Delta uses; {"features": {...}, "out": "file"}:
arguments of sentinela.spark.features, and the Arrow file that its frame goes to.
"""

import datetime
import decimal
import json
import math
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
# Of this process alone: workers have no Sentinela of their own.
sys.path.insert(0, os.path.join(HERE, "../../clients/python/src"))
from spark_with_delta import session  # noqa: E402

from py4j.protocol import Py4JJavaError  # noqa: E402
from pyspark.sql import types  # noqa: E402

decimal.getcontext().prec = 60
EPOCH = datetime.datetime(1970, 1, 1)


def plain(value, kind):
    if value is None:
        return None
    if isinstance(kind, (types.TimestampType, types.TimestampNTZType)):
        delta = value.replace(tzinfo=None) - EPOCH
        return str((delta.days * 86400 + delta.seconds) * 1000000 + delta.microseconds)
    if isinstance(kind, types.DateType):
        return str((value - datetime.date(1970, 1, 1)).days)
    if isinstance(kind, types.StructType):
        return {field.name: plain(value[field.name], field.dataType) for field in kind.fields}
    if isinstance(kind, types.ArrayType):
        return [plain(item, kind.elementType) for item in value]
    if isinstance(kind, types.MapType):
        return [[plain(k, kind.keyType), plain(v, kind.valueType)] for k, v in value.items()]
    if isinstance(kind, types.VariantType):
        return value.toJson()
    if isinstance(value, decimal.Decimal):
        # Python keeps digits that the type has not.
        return format(value.quantize(decimal.Decimal(1).scaleb(-kind.scale)), "f")
    if isinstance(value, bool) or isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if isinstance(kind, types.FloatType) and not math.isnan(value) and not math.isinf(value):
            return repr(value)
        return "NaN" if math.isnan(value) else repr(value)
    return bytes(value).hex()


def log_store(spark, path):
    """The LogStore that Delta takes for a path."""
    stores = spark._jvm.org.apache.spark.sql.delta.storage.LogStore.apply(spark._jsparkSession)
    return stores.getDelegate(path).logStoreImpl()


def put_if_absent(spark, put):
    """Writes a file that must not exist, by the LogStore.

    Another's file is read at once: it must be whole from its first moment on.
    """
    jvm = spark._jvm
    path = jvm.org.apache.hadoop.fs.Path("file://" + put["path"])
    lines = jvm.java.util.Collections.nCopies(put["lines"], put["line"]).iterator()
    store = log_store(spark, path)
    try:
        store.write(path, lines, False, spark._jsparkSession.sessionState().newHadoopConf())
        outcome = "created"
    except Py4JJavaError as error:
        if error.java_exception.getClass().getName() != "java.nio.file.FileAlreadyExistsException":
            raise
        with open(put["path"], encoding="utf-8") as file:
            outcome = file.read()
    return {"store": store.getClass().getName(), "outcome": outcome}


def listed(spark, folder):
    """All that the LogStore lists in a folder."""
    path = spark._jvm.org.apache.hadoop.fs.Path("file://" + folder, "!")
    conf = spark._jsparkSession.sessionState().newHadoopConf()
    return {"names": [status.getPath().getName() for status in log_store(spark, path).listFrom(path, conf)]}


def features(spark, arguments, out):
    """The frame of sentinela.spark.features, in one file."""
    import pyarrow
    import sentinela.spark

    table = sentinela.spark.features(spark, **arguments).toArrow()
    with pyarrow.ipc.new_file(out, table.schema) as file:
        file.write_table(table)
    return {"rows": table.num_rows}


def answer(spark, request):
    if "sql" in request:
        spark.sql(request["sql"]).collect()
        return {}
    if "put" in request:
        return put_if_absent(spark, request["put"])
    if "list" in request:
        return listed(spark, request["list"])
    if "features" in request:
        return features(spark, request["features"], request["out"])
    if "set" in request:
        for name, value in request["set"].items():
            spark.conf.set(name, value)
        return {}
    frame = spark.sql(request["rows"])
    return {"rows": [{f.name: plain(row[i], f.dataType) for i, f in enumerate(frame.schema.fields)} for row in frame.collect()]}


def main():
    out = os.fdopen(os.dup(1), "w")
    # Spark and its JVM print what they like to 1; answers go out by a copy of it.
    os.dup2(2, 1)
    spark = session()
    print(json.dumps({"ready": True}), file=out, flush=True)
    for line in sys.stdin:
        try:
            reply = answer(spark, json.loads(line))
        except Exception as error:  # the test decides what a failure means
            reply = {"error": str(error)[:4000]}
        print(json.dumps(reply), file=out, flush=True)


main()
