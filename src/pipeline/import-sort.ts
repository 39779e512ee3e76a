import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { timeHeap } from '../base/time-heap.ts';
import { type ImportedPayment, paymentRow } from '../domain/payment-row.ts';
import { fileRecords } from './import-lines.ts';
import type { TimedRow } from './import-order.ts';

/** Rows that are sorted in memory at once: about 150 MB. */
const RUN_ROWS = 50_000;
const BATCH_ROWS = 1_000;

/**
 * Sorts rows by (known time, line) in bounded memory: runs are sorted in memory, and where there is
 * more than one they go to files and are merged.
 *
 * @param folder that temporary files may be made in; they are removed.
 * @param runRows for tests.
 */
export async function* sortedRows(
  batches: AsyncIterable<readonly TimedRow[]>,
  folder: string,
  runRows = RUN_ROWS,
): AsyncGenerator<TimedRow[]> {
  let place: string | undefined;
  const runs: string[] = [];
  let run: TimedRow[] = [];
  try {
    for await (const batch of batches) {
      for (const row of batch) {
        run.push(row);
        if (run.length < runRows) continue;
        place ??= temporaryIn(folder);
        runs.push(writeRun(join(place, `run-${runs.length}`), run));
        run = [];
      }
    }
    run.sort(byKnownTime);
    if (runs.length === 0) {
      for (let at = 0; at < run.length; at += BATCH_ROWS) yield run.slice(at, at + BATCH_ROWS);
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

function writeRun(path: string, run: TimedRow[]): string {
  run.sort(byKnownTime);
  const file = openSync(path, 'wx', 0o600);
  try {
    for (let at = 0; at < run.length; at += BATCH_ROWS) {
      const lines = run.slice(at, at + BATCH_ROWS).map((timed) => `${JSON.stringify(spilled(timed))}\n`);
      writeSync(file, lines.join(''));
    }
  } finally {
    closeSync(file);
  }
  return path;
}

/** A row without what its payment says again. */
function spilled({ row, ...known }: TimedRow): object {
  const raw = row.raw.toString('base64');
  return row.kind === 'bad' ? { known, row: { ...row, raw } } : { known, row: { ...row, raw, row: null } };
}

async function* readRun(path: string): AsyncGenerator<TimedRow> {
  for await (const records of fileRecords(path, 'ndjson')) {
    for (const { bytes } of records) yield restored(bytes.toString());
  }
}

function restored(text: string): TimedRow {
  const { known, row } = JSON.parse(text) as { known: Omit<TimedRow, 'row'>; row: TimedRow['row'] & { raw: unknown } };
  const raw = Buffer.from(String(row.raw), 'base64');
  if (row.kind === 'bad') return { ...known, row: { ...row, raw } };
  return { ...known, row: { ...row, raw, row: paymentRow(JSON.parse(row.payment) as ImportedPayment) } };
}

async function* oneRun(run: readonly TimedRow[]): AsyncGenerator<TimedRow> {
  yield* run;
}

/** Merges sorted runs; of equal known times the run that was cut first has the earlier lines. */
async function* merged(runs: readonly AsyncGenerator<TimedRow>[]): AsyncGenerator<TimedRow[]> {
  const heads = timeHeap<{ readonly timed: TimedRow; readonly run: number }>();
  const advance = async (run: number): Promise<void> => {
    const next = await runs[run]?.next();
    if (next !== undefined && next.done !== true) heads.push(next.value.knownMicros, { timed: next.value, run });
  };
  for (const run of runs.keys()) await advance(run);
  let batch: TimedRow[] = [];
  while (heads.size > 0) {
    // Ties leave the heap by order of push; sorting the tied heads by line keeps the file's order.
    const at = heads.nextMicros();
    const tied = [];
    while (heads.nextMicros() === at) {
      const head = heads.pop();
      tied.push(head.timed);
      await advance(head.run);
    }
    tied.sort(byKnownTime);
    batch.push(...tied);
    if (batch.length >= BATCH_ROWS) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}
