import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { createGunzip } from 'node:zlib';
import { AppError, messageOf, systemErrorCode } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';

/** A record of a file, as bytes without its line end. */
export interface FileRecord {
  /** Line on which it begins, from 1. */
  readonly line: number;
  /** Copied from the file; cut at the limit of a payment where it is longer. */
  readonly bytes: Buffer;
  /** Set where the bytes are no record. */
  readonly problem: { readonly code: 'too_large' | 'invalid_csv'; readonly reason: string } | null;
}

/** How records are told apart: NDJSON by lines; in CSV a quoted field may hold line ends. */
export type RecordFormat = 'ndjson' | 'csv';

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const QUOTE = 0x22;

/**
 * The records of a file in batches (one for each piece that is read), gzip unpacked where the
 * bytes say so. Empty lines are passed over. Memory holds one piece and one record.
 *
 * @param onBytes told how many bytes of the file, as it lies on disk, were read so far.
 * @throws AppError `invalid_file` where it cannot be read or unpacked.
 */
export async function* fileRecords(
  path: string,
  format: RecordFormat,
  onBytes: (readBytes: number) => void = () => {},
): AsyncGenerator<FileRecord[]> {
  const splitter = recordSplitter(format);
  try {
    for await (const piece of unpackedPieces(path, onBytes)) {
      const records = splitter.push(piece);
      if (records.length > 0) yield records;
    }
  } catch (error) {
    throw unreadable(path, error);
  }
  const rest = splitter.end();
  if (rest.length > 0) yield rest;
}

function unreadable(path: string, error: unknown): unknown {
  if (error instanceof AppError) return error;
  const code = systemErrorCode(error) ?? '';
  return new AppError('invalid_file', `${path} cannot be read (${code}): ${messageOf(error)}`, { path, code }, error);
}

/**
 * How many lines a file has, gzip unpacked: no fewer than it has records. It is told before anything of the file is
 * written, for a part of it in the lake is worth nothing to who must cut it.
 *
 * @throws AppError `invalid_file` where it cannot be read or unpacked, or has more than {@link LIMITS.importLines}.
 */
export async function boundedLines(path: string): Promise<number> {
  // The last one may end without a line end.
  let lines = 1;
  try {
    for await (const piece of unpackedPieces(path, () => {})) {
      for (let at = 0; at < piece.length; at += 1) if (piece[at] === NEWLINE) lines += 1;
      if (lines - 1 <= LIMITS.importLines) continue;
      const limit = `${basename(path)} has more than ${LIMITS.importLines} lines, the limit`;
      throw new AppError('invalid_file', `${limit}: cut it and import the parts`, { limit: LIMITS.importLines });
    }
  } catch (error) {
    throw unreadable(path, error);
  }
  return lines;
}

async function* unpackedPieces(path: string, onBytes: (readBytes: number) => void): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: 256 * 1024 });
  let read = 0;
  const counted = async function* (): AsyncGenerator<Buffer> {
    for await (const piece of file as AsyncIterable<Buffer>) {
      read += piece.length;
      onBytes(read);
      yield piece;
    }
  };
  const pieces = counted();
  const first = await pieces.next();
  if (first.done === true) return;
  const packed = first.value[0] === 0x1f && first.value[1] === 0x8b;
  const whole = async function* (): AsyncGenerator<Buffer> {
    yield first.value;
    yield* pieces;
  };
  const plain: AsyncIterable<Buffer> = packed ? gunzipped(whole()) : whole();
  let start = true;
  for await (const piece of plain) {
    // A byte order mark is no part of the first column's name.
    yield start && piece[0] === 0xef && piece[1] === 0xbb && piece[2] === 0xbf ? piece.subarray(3) : piece;
    start = false;
  }
}

async function* gunzipped(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: 256 * 1024 });
  const feed = (async () => {
    for await (const piece of pieces) {
      if (!gunzip.write(piece)) await new Promise((resolve) => gunzip.once('drain', resolve));
    }
    gunzip.end();
  })().catch((error: unknown) => gunzip.destroy(error instanceof Error ? error : new Error(messageOf(error))));
  yield* gunzip as AsyncIterable<Buffer>;
  await feed;
}

/** Cuts pieces of bytes into records. */
interface RecordSplitter {
  push(piece: Buffer): FileRecord[];
  end(): FileRecord[];
}

/** Exported for its tests: where pieces are cut must not matter. */
export function recordSplitter(format: RecordFormat): RecordSplitter {
  let rest: Buffer = Buffer.alloc(0);
  let line = 1;
  // Set while the rest of an endless line is passed over.
  let skipping = false;
  const limit = LIMITS.paymentBytes;

  const record = (bytes: Buffer, problem: FileRecord['problem'], records: FileRecord[]): void => {
    const end = bytes.at(-1) === RETURN ? bytes.length - 1 : bytes.length;
    if (end > limit) {
      const reason = `the record has ${end} bytes: the limit is ${limit}`;
      records.push({ line, bytes: Buffer.from(bytes.subarray(0, limit)), problem: { code: 'too_large', reason } });
    } else if (end > 0) records.push({ line, bytes: Buffer.from(bytes.subarray(0, end)), problem });
  };

  const cut = (last: boolean): FileRecord[] => {
    const records: FileRecord[] = [];
    let at = 0;
    while (at < rest.length) {
      const first = endOfLine(rest, at);
      if (skipping) {
        at = first === -1 ? rest.length : first + 1;
        skipping = first === -1;
        line += skipping ? 0 : 1;
        continue;
      }
      if (first === -1 && !last) {
        if (rest.length - at <= 2 * limit) break;
        record(rest.subarray(at), null, records);
        skipping = true;
        at = rest.length;
        continue;
      }
      const lineEnd = first === -1 ? rest.length : first;
      const end = format === 'csv' ? endOfQuoted(rest, at, lineEnd, last) : lineEnd;
      if (end === 'more') break;
      if (end === 'unclosed') {
        record(
          rest.subarray(at, lineEnd),
          { code: 'invalid_csv', reason: 'a quoted field is opened and not closed' },
          records,
        );
        line += 1;
        at = lineEnd + 1;
        continue;
      }
      record(rest.subarray(at, end), null, records);
      line += countLines(rest, at, end) + 1;
      at = end + 1;
    }
    rest = at >= rest.length ? Buffer.alloc(0) : rest.subarray(at);
    return records;
  };

  return {
    push(piece) {
      rest = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
      return cut(false);
    },
    end: () => cut(true),
  };
}

function endOfLine(bytes: Buffer, from: number): number {
  return bytes.indexOf(NEWLINE, from);
}

/**
 * Where a CSV record ends that begins at `at`: at the first line end with an even number of quotes
 * before it (RFC 4180 doubles a quote within a field, so the count tells).
 */
function endOfQuoted(bytes: Buffer, at: number, lineEnd: number, last: boolean): number | 'more' | 'unclosed' {
  let end = lineEnd;
  let from = at;
  let quotes = 0;
  for (;;) {
    quotes += countBytes(bytes, QUOTE, from, end);
    if (quotes % 2 === 0) return end;
    if (end - at > LIMITS.paymentBytes) return 'unclosed';
    const next = end < bytes.length ? endOfLine(bytes, end + 1) : -1;
    if (next === -1) {
      if (!last) return 'more';
      if (end >= bytes.length) return 'unclosed';
      from = end + 1;
      end = bytes.length;
      continue;
    }
    from = end + 1;
    end = next;
  }
}

function countBytes(bytes: Buffer, byte: number, from: number, to: number): number {
  let count = 0;
  for (let at = bytes.indexOf(byte, from); at !== -1 && at < to; at = bytes.indexOf(byte, at + 1)) count += 1;
  return count;
}

function countLines(bytes: Buffer, from: number, to: number): number {
  return countBytes(bytes, NEWLINE, from, to);
}
