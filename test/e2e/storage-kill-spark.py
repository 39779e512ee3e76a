"""A program of the kill test: changes a table that others share by Spark, through our LogStore, until it is killed.

What it begins and what it is told goes to a file of its own, synced before it goes on.
"""

import json
import os
import random
import sys
import time

uri, ledger_path, worker, life, until = sys.argv[1:6]
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from spark_with_delta import session  # noqa: E402

from py4j.protocol import Py4JJavaError  # noqa: E402
from pyspark.errors import ParseException  # noqa: E402

TABLE = f"delta.`{uri}`"
# What Delta throws where a commit lost to another; nothing was written then.
CONFLICTS = ("Concurrent", "MetadataChanged", "ProtocolChanged")

dice = random.Random(f"{worker} {life}")
ledger = open(ledger_path, "a", encoding="utf-8")
last = int(worker) * 1_000_000_000 + int(life) * 1_000_000
value = 0
recent = []


def note(kind, ids, told, why=None):
    entry = {"kind": kind, "ids": ids, "value": value, "told": told}
    if why is not None:
        entry["why"] = why
    ledger.write(json.dumps(entry) + "\n")
    ledger.flush()
    os.fsync(ledger.fileno())


def part_of(row_id):
    """A half of the rows lie where others write, and mostly lose to them; the rest where nobody but OPTIMIZE does."""
    return "spark" if row_id % 2 == 1 else str(row_id % 4)


def is_conflict(error):
    if not isinstance(error, Py4JJavaError):
        return False
    package, _, name = error.java_exception.getClass().getName().rpartition(".")
    return package == "io.delta.exceptions" and name.startswith(CONFLICTS)


def change(spark, kind, ids, statement):
    note(kind, ids, "begun")
    try:
        spark.sql(statement).collect()
        note(kind, ids, "committed")
        return True
    except ParseException:
        raise
    except Exception as error:  # Whatever else it is, it is not known what became of the commit.
        if is_conflict(error):
            note(kind, ids, "refused")
        else:
            note(kind, ids, "unknown", "Spark: " + " ".join(str(error).split())[:300])
        return False


def append(spark):
    global last
    ids = [last + 1 + n for n in range(dice.randint(1, 3))]
    last = ids[-1]
    rows = ", ".join(f"({i}, '{part_of(i)}', {value})" for i in ids)
    if change(spark, "append", ids, f"INSERT INTO {TABLE} VALUES {rows}"):
        recent.extend(ids)


def some_recent():
    """Rows of one partition, so that a statement reads no more than that one."""
    part = part_of(dice.choice(recent))
    return part, [i for i in recent if part_of(i) == part][-dice.randint(1, 2) :]


def delete(spark):
    part, ids = some_recent()
    where = f"part = '{part}' AND id IN ({', '.join(map(str, ids))})"
    change(spark, "delete", ids, f"DELETE FROM {TABLE} WHERE {where}")
    # Told or not, they may be gone: nothing more is said of them.
    recent[:] = [i for i in recent if i not in ids]


def merge(spark):
    part, ids = some_recent()
    source = ", ".join(f"({i}, {value})" for i in ids)
    change(
        spark,
        "merge",
        ids,
        f"MERGE INTO {TABLE} AS t USING (SELECT * FROM VALUES {source} AS v(id, value)) AS s "
        f"ON t.part = '{part}' AND t.id = s.id WHEN MATCHED THEN UPDATE SET value = s.value",
    )


spark = session()
while time.time() * 1000 < float(until):
    value += 1
    die = dice.random()
    if die < 0.5 or len(recent) < 4:
        append(spark)
    elif die < 0.75:
        delete(spark)
    else:
        merge(spark)
spark.stop()
