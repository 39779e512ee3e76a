"""A Spark with Delta Lake that runs statements for the tests: one JSON line in, one JSON line out.

In: {"sql": "..."}; {"rows": "SELECT ..."}: its rows in the plain form of delta-engines.py; {"fails": "..."}.
"""

import datetime
import decimal
import glob
import json
import math
import os
import sys

os.environ["TZ"] = "UTC"
from pyspark.sql import SparkSession, types  # noqa: E402

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


def session():
    home = os.path.join(os.path.dirname(os.path.abspath(sys.executable)), "..", "..")
    builder = (
        SparkSession.builder.master("local[2]")
        .config("spark.jars", ",".join(glob.glob(os.path.join(home, "jars", "*.jar"))))
        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.databricks.delta.snapshotPartitions", "1")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.warehouse.dir", os.environ["SPARK_WAREHOUSE"])
        .config("spark.driver.memory", "1g")
        .config("spark.driver.extraJavaOptions", "-Duser.timezone=UTC -Dderby.system.home=" + os.environ["SPARK_WAREHOUSE"])
    )
    for name, value in json.loads(os.environ.get("SPARK_SETTINGS", "{}")).items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def answer(spark, request):
    if "sql" in request:
        spark.sql(request["sql"]).collect()
        return {}
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
