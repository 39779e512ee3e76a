"""Starts a Spark with Delta Lake for the tests."""

import glob
import json
import os
import sys

os.environ["TZ"] = "UTC"
from pyspark.sql import SparkSession  # noqa: E402


def session():
    """A session with the settings of SPARK_SETTINGS, its warehouse in SPARK_WAREHOUSE.

    Our LogStore is on the class path; `spark.delta.logStore.file.impl` says that it is used.
    """
    home = os.path.join(os.path.dirname(os.path.abspath(sys.executable)), "..", "..")
    jars = glob.glob(os.path.join(home, "jars", "*.jar")) + glob.glob(os.path.join(home, "log-store", "*.jar"))
    builder = (
        SparkSession.builder.master("local[2]")
        .config("spark.jars", ",".join(jars))
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
