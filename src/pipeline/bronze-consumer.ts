import type { Clock } from '../base/clock.ts';
import { AppError, messageOf } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { JournalFiles } from '../events/journal-files.ts';
import { type JournalCursor, type JournalEntry, journalCursor, readJournal } from '../events/journal-reader.ts';
import type { PaymentCodec } from '../events/payment-codec.ts';
import { decodeRecord } from '../events/record-codec.ts';
import type { BronzeEntry } from './bronze-rows.ts';
import { type BronzeWriter, bronzeWriter } from './bronze-writer.ts';
import type { Lake } from './lake.ts';

/** What the consumer of a journal works with. */
export interface BronzeConsumerPorts {
  readonly files: JournalFiles;
  readonly folder: string;
  readonly journalId: string;
  readonly lake: Lake;
  readonly codec: PaymentCodec;
  readonly clock: Clock;
  /** The last position that the journal's owner knows to be durable: nothing after it is read. */
  durablePosition(): number;
  /** Told after each write: everything at or before the position is in bronze. */
  onCommitted(position: number): void;
  /** Told when a write failed; it is tried again after a pause. */
  onFailure(error: AppError): void;
  /** Ends the consumer, after what is under way. */
  readonly signal: AbortSignal;
}

/** How often the journal is looked at. */
const POLL_MS = 100;
/** A record waits for company no longer than this, so that it is in bronze within the lag that is promised. */
const MAX_WAIT_MS = LIMITS.bronzeLagMs * 0.6;
/** Pauses after failures double up to this. */
const MAX_PAUSE_MS = 30_000;

/**
 * Follows a journal into bronze, from where bronze says that it is. Records are gathered for a
 * second or so, or until there are enough of them; between batches other work gets its turn. Returns
 * when the signal is given, with what was durable by then written.
 */
export async function runBronzeConsumer(ports: BronzeConsumerPorts): Promise<void> {
  const writer = bronzeWriter(ports.lake, ports.journalId, ports.codec);
  const cursor = journalCursor();
  let position: number | undefined;
  let pauseMs = POLL_MS;
  for (;;) {
    const isLast = ports.signal.aborted;
    try {
      position ??= await startPosition(ports, writer);
      if (!isLast) await untilDue(ports, position);
      position = await consume(ports, writer, position, cursor);
      pauseMs = POLL_MS;
    } catch (error) {
      // Some tables may have the batch and others not: the tables themselves say where to go on.
      position = undefined;
      ports.onFailure(asAppError(error));
      pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2);
      if (!isLast) await pause(pauseMs, ports.signal);
    }
    if (isLast) return;
  }
}

async function startPosition(ports: BronzeConsumerPorts, writer: BronzeWriter): Promise<number> {
  const position = await writer.committedPosition();
  ports.onCommitted(position);
  return position;
}

/** Waits until there are records enough, or old enough, or the consumer is to end. */
async function untilDue(ports: BronzeConsumerPorts, position: number): Promise<void> {
  let since: number | undefined;
  while (!ports.signal.aborted) {
    const waiting = ports.durablePosition() - position;
    const nowMs = ports.clock.nowMicros() / 1000;
    if (waiting > 0) since ??= nowMs;
    if (waiting >= LIMITS.bronzeBatchRecords) return;
    if (since !== undefined && nowMs - since >= MAX_WAIT_MS) return;
    await pause(POLL_MS, ports.signal);
  }
}

/** Writes everything that is durable now, batch by batch. */
async function consume(
  ports: BronzeConsumerPorts,
  writer: BronzeWriter,
  after: number,
  cursor: JournalCursor,
): Promise<number> {
  const through = ports.durablePosition();
  let position = after;
  if (through <= after) return position;
  let batch: BronzeEntry[] = [];
  let batchBytes = 0;
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return;
    const { lastPosition } = await writer.write(batch);
    batch = [];
    batchBytes = 0;
    position = lastPosition;
    ports.onCommitted(position);
    await new Promise((resolve) => setImmediate(resolve));
  };
  for await (const group of readJournal(ports.files, ports.folder, after, through, cursor)) {
    for (const entry of group) {
      batch.push(entryOf(entry));
      batchBytes += entry.payload.length;
      if (batch.length >= LIMITS.bronzeBatchRecords || batchBytes >= MAX_BATCH_BYTES) await flush();
    }
  }
  await flush();
  return position;
}

/** Payments are 1 KB and decisions 2 KB: beyond this a batch has records of unusual size. */
const MAX_BATCH_BYTES = 32 * 1024 * 1024;

/** Decoded when it is written: 8,192 decoded records would outlive two garbage collections. */
function entryOf({ position, payload }: JournalEntry): BronzeEntry {
  return {
    position,
    get record() {
      return decodeRecord(payload);
    },
  };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}

function asAppError(error: unknown): AppError {
  return error instanceof AppError ? error : new AppError('internal', messageOf(error), {}, error);
}
