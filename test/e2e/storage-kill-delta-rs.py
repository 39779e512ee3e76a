"""A program of the kill test: appends by delta-rs in a table that others share, until it is killed.

What it begins and what it is told goes to a file of its own, synced before it goes on.
"""

import json
import os
import sys
import time

import deltalake
import pyarrow

uri, ledger_path, worker, life, until = sys.argv[1:6]
options = {"aws_allow_http": "true", "aws_conditional_put": "etag"} if uri.startswith("s3:") else None
ledger = open(ledger_path, "a", encoding="utf-8")
last = int(worker) * 1_000_000_000 + int(life) * 1_000_000
value = 0


def note(ids, told, why=None):
    entry = {"kind": "append", "ids": ids, "value": value, "told": told}
    if why is not None:
        entry["why"] = why
    ledger.write(json.dumps(entry) + "\n")
    ledger.flush()
    os.fsync(ledger.fileno())


while time.time() * 1000 < float(until):
    value += 1
    ids = [last + 1, last + 2]
    last += 2
    rows = pyarrow.table(
        {
            "id": pyarrow.array(ids, pyarrow.int64()),
            "part": pyarrow.array([str(i % 4) for i in ids]),
            "value": pyarrow.array([value] * len(ids), pyarrow.int64()),
        }
    )
    note(ids, "begun")
    try:
        deltalake.write_deltalake(
            uri,
            rows,
            mode="append",
            storage_options=options,
            commit_properties=deltalake.CommitProperties(max_commit_retries=50),
        )
        note(ids, "committed")
    except Exception as error:  # Whatever it is, it is not known what became of the commit.
        note(ids, "unknown", repr(error)[:300])
    time.sleep(0.2)
