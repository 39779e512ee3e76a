"""The peer of storage-peer.bench.mjs: delta-rs does what a line of JSON asks and answers with its seconds."""

import json
import multiprocessing
import os
import shutil
import sys
import time

import deltalake
import pyarrow.parquet
from deltalake import DeltaTable, write_deltalake


def rows_of(path):
    return pyarrow.parquet.read_table(path)


def append(path, source):
    write_deltalake(path, rows_of(source), mode="append")


def merge(path, source):
    (
        DeltaTable(path)
        .merge(rows_of(source), "target.id = source.id", source_alias="source", target_alias="target")
        .when_matched_update_all()
        .when_not_matched_insert_all()
        .execute()
    )


def scan(path, columns, filters):
    table = DeltaTable(path).to_pyarrow_table(columns=columns, filters=filters)
    return table.num_rows


def query(path, sql):
    from deltalake import QueryBuilder

    reader = QueryBuilder().register("t", DeltaTable(path)).execute(sql)
    return sum(batch.num_rows for batch in reader)


def appender(path, number, commits, source, queue):
    rows = rows_of(source)
    lost = 0
    DeltaTable(path)
    began = time.time()
    for _ in range(commits):
        while True:
            try:
                write_deltalake(path, rows, mode="append", commit_properties=deltalake.CommitProperties(max_commit_retries=100))
                break
            except Exception:
                lost += 1
    queue.put((lost, began, time.time()))


def appenders(path, count, commits, source):
    # Its runtime cannot be forked.
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    workers = [context.Process(target=appender, args=(path, n, commits, source, queue)) for n in range(count)]
    for worker in workers:
        worker.start()
    answers = [queue.get(timeout=300) for _ in workers]
    for worker in workers:
        worker.join()
    # From the first commit to the last: what starting a process costs is not asked.
    spent = max(end for _, _, end in answers) - min(begin for _, begin, _ in answers)
    return {"retries": sum(lost for lost, _, _ in answers), "seconds": spent}


ACTIONS = {
    "append": append,
    "merge": merge,
    "scan": scan,
    "query": query,
    "appenders": appenders,
    "open": lambda path: DeltaTable(path).version(),
    "files": lambda path: len(DeltaTable(path).file_uris()),
    "optimize": lambda path: DeltaTable(path).optimize.compact(),
    "zorder": lambda path, columns: DeltaTable(path).optimize.z_order(columns),
    "checkpoint": lambda path: DeltaTable(path).create_checkpoint(),
}


def main():
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        action = ACTIONS[request.pop("action")]
        began = time.perf_counter()
        try:
            answer = action(**request)
            reply = {"seconds": time.perf_counter() - began, "answer": answer if isinstance(answer, (int, float, dict)) else None}
        except Exception as error:
            reply = {"error": str(error)[:500]}
        print(json.dumps(reply), file=out, flush=True)


if __name__ == "__main__":
    main()
