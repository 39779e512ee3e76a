"""What runs on Spark's workers: a partition's batches through a child process, Arrow IPC in and out.

It is sent to them by value and names nothing else of this package, which need not be installed there.
"""

from __future__ import annotations

import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# The program's last line says what went wrong; a fault before its start says more.
TOLD_BYTES = 4096


def run(command: Sequence[str], metadata: Mapping[str, str], batches: Iterator[Any]) -> Iterator[Any]:
    """Sends a partition to a program and gives what it answers, a batch at a time.

    A thread writes while this one reads, so that neither waits for the other; both pipes hold back who is ahead.
    A partition without rows starts nothing.

    :param metadata: of the schema that is sent: the task.
    :raises RuntimeError: where the program cannot be started or ends with a fault, with what it said last.
    """
    first = next(batches, None)
    if first is None:
        return
    with tempfile.TemporaryFile() as told:
        child = _start(command, told)
        failures: list[BaseException] = []
        writer = threading.Thread(target=_write, args=(child, metadata, first, batches, failures), daemon=True)
        writer.start()
        try:
            yield from _answers(child)
            writer.join()
            code = child.wait()
            # A child that ended by itself knows why; it is killed where there is nothing right to send it.
            if failures and code <= 0:
                raise failures[0]
            if code != 0:
                raise RuntimeError(f"{' '.join(command)} {_ended(code)}: {_last(told)}")
        finally:
            # Spark may want no more rows than it has: then nobody waits for the child.
            child.kill()
            child.wait()
            writer.join()


def _start(command: Sequence[str], told: Any) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=told)
    except OSError as error:
        raise RuntimeError(
            f"{command[0]} cannot be run on this worker: {error}; install Sentinela there, or give worker_command"
        ) from error


def _write(
    child: subprocess.Popen[bytes],
    metadata: Mapping[str, str],
    first: Any,
    batches: Iterator[Any],
    failures: list[BaseException],
) -> None:
    import pyarrow

    schema = first.schema.with_metadata(dict(metadata))
    try:
        with child.stdin as sink, pyarrow.ipc.new_stream(sink, schema) as stream:  # type: ignore[union-attr]
            for batch in _all(first, batches):
                stream.write_batch(pyarrow.RecordBatch.from_arrays(batch.columns, schema=schema))
    except BrokenPipeError:
        pass  # The child ended: its exit code and its last line say why.
    except BaseException as error:  # noqa: BLE001 - whatever Spark's input fails with is the task's failure
        failures.append(error)
        child.kill()


def _all(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest


def _answers(child: subprocess.Popen[bytes]) -> Iterator[Any]:
    import pyarrow

    try:
        yield from pyarrow.ipc.open_stream(child.stdout)
    except (pyarrow.ArrowInvalid, OSError):
        # Cut off, or never begun.
        if child.wait() == 0:
            raise


def _ended(code: int) -> str:
    return f"was ended by signal {-code}" if code < 0 else f"ended with {code}"


def _last(told: Any) -> str:
    size = told.seek(0, 2)
    told.seek(max(0, size - TOLD_BYTES))
    return told.read().decode("utf-8", "replace").strip() or "it said nothing"
