import { closeSync, createReadStream, openSync, writeSync } from 'node:fs';
import { AppError, systemErrorCode } from '../base/errors.ts';
import { type ImportedPayment, paymentRow } from '../domain/payment-row.ts';
import type { TimedRow } from './import-order.ts';

/** Sorted rows of an import in a file of its own: a line of JSON each. */
export interface SortedRun {
  readonly path: string;
  readonly rows: number;
}

const PIECE_BYTES = 256 * 1024;
const NEWLINE = 0x0a;

/** Writes some of the bytes of a buffer to a file, as `writeSync` does; gives how many. */
type WriteSome = (file: number, bytes: Buffer, offset: number, length: number) => number;

/**
 * Writes rows to a new file.
 *
 * @param write for tests: a disk that is nearly full takes a part of what it is given.
 * @throws AppError `disk_full` where the folder has no room.
 */
export function writeRun(path: string, rows: readonly TimedRow[], write: WriteSome = writeSync): SortedRun {
  const file = openSync(path, 'wx', 0o600);
  try {
    let lines: string[] = [];
    let length = 0;
    for (const [at, row] of rows.entries()) {
      const line = `${JSON.stringify(spilled(row))}\n`;
      lines.push(line);
      length += line.length;
      if (length < PIECE_BYTES && at < rows.length - 1) continue;
      writeWhole(file, Buffer.from(lines.join('')), write);
      lines = [];
      length = 0;
    }
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOSPC') throw error;
    const hint = 'rows that are sorted take twice the size of the file that is imported';
    throw new AppError('disk_full', `the folder for temporary files has no room: ${hint}`, {}, error);
  } finally {
    closeSync(file);
  }
  return { path, rows: rows.length };
}

function writeWhole(file: number, bytes: Buffer, write: WriteSome): void {
  for (let done = 0; done < bytes.length; ) done += write(file, bytes, done, bytes.length - done);
}

/** A row without what its payment says again. */
function spilled({ row, ...known }: TimedRow): object {
  const raw = row.raw.toString('base64');
  return row.kind === 'bad' ? { known, row: { ...row, raw } } : { known, row: { ...row, raw, row: null } };
}

/**
 * Reads a run back. A row in base64 is longer than a record of a payments file may be: these lines are our own, and have
 * no limit.
 *
 * @throws AppError `storage_failed` where the file does not hold every row that was written to it.
 */
export async function* readRun({ path, rows }: SortedRun): AsyncGenerator<TimedRow> {
  let rest: Buffer = Buffer.alloc(0);
  let read = 0;
  for await (const piece of createReadStream(path, { highWaterMark: PIECE_BYTES }) as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    let at = 0;
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE, at)) {
      read += 1;
      yield restored(rest.toString('utf8', at, end));
      at = end + 1;
    }
    rest = rest.subarray(at);
  }
  if (rest.length === 0 && read === rows) return;
  throw new AppError('storage_failed', `a file of sorted rows has ${read} of ${rows}: start the import again`);
}

function restored(text: string): TimedRow {
  const { known, row } = JSON.parse(text) as { known: Omit<TimedRow, 'row'>; row: TimedRow['row'] & { raw: unknown } };
  const raw = Buffer.from(String(row.raw), 'base64');
  if (row.kind === 'bad') return { ...known, row: { ...row, raw } };
  return { ...known, row: { ...row, raw, row: paymentRow(JSON.parse(row.payment) as ImportedPayment) } };
}
