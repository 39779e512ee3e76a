import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { timeHeap } from '../base/time-heap.ts';
import type { TimedRow } from './import-order.ts';
import { readRun, type SortedRun, writeRun } from './import-run.ts';

/** What is in memory at once: rows, and bytes of them, for a record may have 64 KiB. */
export interface RowsInMemory {
  readonly rows: number;
  /** Of records as they stood in the file; beside it a payment has its canonical form, and its columns. */
  readonly rawBytes: number;
}

/** Rows that are sorted at once: 50,000 are 150 MB, and 64 MiB of the longest 200 MB. */
const RUN: RowsInMemory = { rows: 50_000, rawBytes: 64 * 1024 * 1024 };
/** Rows that are given on at once. */
const BATCH: RowsInMemory = { rows: 1000, rawBytes: 4 * 1024 * 1024 };

/**
 * Sorts rows by (known time, line) in bounded memory: runs are sorted in memory, and where there is
 * more than one they go to files and are merged.
 *
 * @param folder that temporary files may be made in; they are removed.
 * @param most for tests.
 */
export async function* sortedRows(
  batches: AsyncIterable<readonly TimedRow[]>,
  folder: string,
  most = RUN,
): AsyncGenerator<TimedRow[]> {
  let place: string | undefined;
  const runs: SortedRun[] = [];
  let run: TimedRow[] = [];
  let rawBytes = 0;
  try {
    for await (const batch of batches) {
      for (const row of batch) {
        run.push(row);
        rawBytes += row.row.raw.length;
        if (run.length < most.rows && rawBytes < most.rawBytes) continue;
        place ??= temporaryIn(folder);
        runs.push(writeRun(join(place, `run-${runs.length}`), run.sort(byKnownTime)));
        run = [];
        rawBytes = 0;
      }
    }
    run.sort(byKnownTime);
    if (runs.length === 0) {
      for (let at = 0; at < run.length; at += BATCH.rows) yield run.slice(at, at + BATCH.rows);
      return;
    }
    yield* merged([...runs.map(readRun), oneRun(run)]);
  } finally {
    if (place !== undefined) rmSync(place, { recursive: true, force: true });
  }
}

function temporaryIn(folder: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return mkdtempSync(join(folder, 'import-'));
}

function byKnownTime(a: TimedRow, b: TimedRow): number {
  return a.knownMicros - b.knownMicros || a.row.line - b.row.line;
}

async function* oneRun(run: readonly TimedRow[]): AsyncGenerator<TimedRow> {
  yield* run;
}

/**
 * Merges sorted runs; of equal known times the run that was cut first has the earlier lines. All rows of a file may have
 * one known time: nothing is gathered but a batch.
 */
async function* merged(runs: readonly AsyncGenerator<TimedRow>[]): AsyncGenerator<TimedRow[]> {
  const heads = timeHeap<{
    readonly timed: TimedRow;
    readonly run: AsyncGenerator<TimedRow>;
    readonly order: number;
  }>();
  for (const [order, run] of runs.entries()) {
    const first = await nextOf(run);
    if (first !== undefined) heads.push(first.knownMicros, { timed: first, run, order });
  }
  let batch: TimedRow[] = [];
  let rawBytes = 0;
  while (heads.size > 0) {
    const at = heads.nextMicros();
    const tied = [];
    while (heads.nextMicros() === at) tied.push(heads.pop());
    for (const { timed, run, order } of tied.sort((a, b) => a.order - b.order)) {
      let next: TimedRow | undefined = timed;
      for (; next?.knownMicros === at; next = await nextOf(run)) {
        batch.push(next);
        rawBytes += next.row.raw.length;
        if (batch.length < BATCH.rows && rawBytes < BATCH.rawBytes) continue;
        yield batch;
        batch = [];
        rawBytes = 0;
      }
      if (next !== undefined) heads.push(next.knownMicros, { timed: next, run, order });
    }
  }
  if (batch.length > 0) yield batch;
}

async function nextOf(run: AsyncGenerator<TimedRow>): Promise<TimedRow | undefined> {
  const next = await run.next();
  return next.done === true ? undefined : next.value;
}
