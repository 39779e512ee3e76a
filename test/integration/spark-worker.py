"""Runs what sentinela.spark runs on a worker, without Spark: JSON in and out, see spark-worker.test.ts."""

import json
import os
import signal
import subprocess
import sys

import pyarrow

from sentinela import spark_worker

request = json.load(sys.stdin)
COMMAND = request["command"]
TASK = {request["plan"]["taskKey"]: json.dumps({**request["plan"]["task"], "statuses": False, "epochs": [], "stage": "vector"})}
TYPES = {"string": pyarrow.string(), "binary": pyarrow.binary()}


def batch(first, rows):
    """Payments of no entity: they are answered batch by batch."""
    ids = [f"E{first + row:031}" for row in range(rows)]
    columns = {
        "end_to_end_id": pyarrow.array(ids),
        "side": pyarrow.array(["PAYER"] * rows),
        "part": pyarrow.array([len(request["plan"]["entityKinds"])] * rows, pyarrow.int32()),
        "block_values": pyarrow.nulls(rows, pyarrow.binary()),
        "block_statuses": pyarrow.nulls(rows, pyarrow.binary()),
        "event_time": pyarrow.array([1e15] * rows),
        "entity_count": pyarrow.array([0.0] * rows),
    }
    for column in request["plan"]["vectorColumns"]:
        columns[column["name"]] = pyarrow.nulls(rows, TYPES.get(column["type"], pyarrow.float64()))
    return pyarrow.RecordBatch.from_pydict(columns)


def children():
    """Processes that this one started and that are still there."""
    found = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(os.getpid())], capture_output=True, text=True)
    return [int(line.split()[0]) for line in found.stdout.splitlines() if "spark-worker" in line]


def told(batches, command=COMMAND, task=TASK, each=lambda: None):
    """Rows that were answered, and the error at the end."""
    rows = 0
    try:
        for answer in spark_worker.run([*command, "features", "spark-worker"], task, iter(batches)):
            rows += answer.num_rows
            each()
        error = None
    except Exception as failure:
        error = f"{type(failure).__name__}: {failure}"
    return {"rows": rows, "error": error, "left": len(children())}


def endless():
    first = 0
    while True:
        yield batch(first, 500)
        first += 500


def failing():
    yield batch(0, 10)
    raise ValueError("the shuffle is gone")


def stopped_early():
    answers = spark_worker.run([*COMMAND, "features", "spark-worker"], TASK, endless())
    rows = next(answers).num_rows
    answers.close()
    return {"rows": rows, "error": None, "left": len(children())}


def kill_children():
    for pid in children():
        os.kill(pid, signal.SIGKILL)


whole = [batch(at * 2000, 2000) for at in range(10)]
json.dump(
    {
        "none": told([]),
        "whole": told(whole),
        "killed": told(endless(), each=kill_children),
        "input": told(failing()),
        "early": stopped_early(),
        "protocol": told(whole, task={key: value.replace('"protocol": 1', '"protocol": 0') for key, value in TASK.items()}),
        "column": told([batch(0, 5).drop_columns(["event_time"])]),
        "missing": told(whole, command=["/nowhere/sentinela"]),
    },
    sys.stdout,
)
