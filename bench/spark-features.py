"""Writes features by Spark as Parquet, and says how long that took once the session was there: see spark.bench.mjs."""

import json
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(HERE, "../test"), os.path.join(HERE, "../clients/python/src")]
from sentinela.spark import features  # noqa: E402
from spark_with_delta import session  # noqa: E402

with open(sys.argv[1], encoding="utf-8") as file:
    request = json.load(file)
spark = session()
began = time.monotonic()
frame = features(spark, request["data"], "pix-core", partitions=request["partitions"], command=request["command"])
frame.write.parquet(request["out"])
seconds = time.monotonic() - began
print(json.dumps({"rows": spark.read.parquet(request["out"]).count(), "seconds": seconds}))
