"""Writes features by Spark as Parquet, and says how long that took once the session was there.

See spark.bench.mjs and test/truth/by-spark.ts. With SPARK_PROGRESS it tells on stderr how far Spark is.
"""

import json
import os
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(HERE, "../test"), os.path.join(HERE, "../clients/python/src")]
from sentinela.spark import features  # noqa: E402
from spark_with_delta import session  # noqa: E402


def tell_progress(spark, began):
    """A line every 10 s: the tasks of the stages that run."""
    tracker = spark.sparkContext.statusTracker()
    while True:
        time.sleep(10)
        seconds = time.monotonic() - began
        for number in tracker.getActiveStageIds():
            stage = tracker.getStageInfo(number)
            if stage is None or stage.numTasks == 0:
                continue
            done, of = stage.numCompletedTasks, stage.numTasks
            print(f"Spark, stage {number}: {done} of {of} tasks, {seconds:.0f} s since its start", file=sys.stderr)


with open(sys.argv[1], encoding="utf-8") as file:
    request = json.load(file)
spark = session()
began = time.monotonic()
if os.environ.get("SPARK_PROGRESS"):
    threading.Thread(target=tell_progress, args=(spark, began), daemon=True).start()
frame = features(
    spark,
    request["data"],
    "pix-core",
    partitions=request["partitions"],
    command=request["command"],
    statuses=request.get("statuses", False),
    versions=request.get("versions"),
)
frame.write.parquet(request["out"])
seconds = time.monotonic() - began
print(json.dumps({"rows": spark.read.parquet(request["out"]).count(), "seconds": seconds}))
