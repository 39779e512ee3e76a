import type { EntityKeys } from '../domain/entity-keys.ts';
import type { LabelState } from '../domain/label.ts';
import { entityKeys, type ImportedPayment, type PaymentRow, paymentRow } from '../domain/payment-row.ts';
import { type AnswerIndex, fingerprintOf } from './answer-index.ts';
import type { JournalFiles } from './journal-files.ts';
import { readJournal, readJournalId } from './journal-reader.ts';
import type { CorrectionRecord, EpochRecord, JournalRecord, SkimmedRecord } from './journal-record.ts';
import { type PaymentCodec, paymentCodec } from './payment-codec.ts';
import { decodeRecord, skimRecord } from './record-codec.ts';

/** Takes what a journal's tail holds, in order: the shapes of a store's own feed. */
export interface TailSink {
  applyRecorded(payment: { row: PaymentRow; keys: EntityKeys }): unknown;
  applyRecordedLabel(label: {
    endToEndId: string;
    state: LabelState;
    eventTimeMicros: number;
    payeeAccount: string | null;
  }): unknown;
  applyRecordedCorrection(correction: {
    endToEndId: string;
    replacement: { row: PaymentRow; keys: EntityKeys } | null;
  }): unknown;
}

/** What a tail held. */
export interface TailFigures {
  readonly records: number;
  /** The last opening record of an epoch in the tail. */
  readonly lastEpoch: EpochRecord | undefined;
  /** Known time of the last record; 0 where there is none. */
  readonly lastKnownTimeMicros: number;
}

/**
 * Feeds the records of a journal after a position into a store, and every answer into the index.
 * Of payments' events the bodies are decoded: what features read of them may be any column.
 *
 * @param throughPosition the last position to feed; all that stands on the disk unless told.
 * @param onRead told how many records were fed.
 */
export async function feedJournalTail(
  files: JournalFiles,
  folder: string,
  afterPosition: number,
  sink: TailSink,
  index: AnswerIndex,
  throughPosition: number = Number.POSITIVE_INFINITY,
  onRead: (records: number) => void = () => {},
): Promise<TailFigures> {
  const codec = paymentCodec();
  let records = 0;
  let lastEpoch: EpochRecord | undefined;
  let lastKnownTimeMicros = 0;
  for await (const batch of readJournal(files, folder, afterPosition, throughPosition)) {
    onRead(records);
    for (const entry of batch) {
      const record = decodeRecord(entry.payload);
      records += 1;
      lastKnownTimeMicros = Math.max(lastKnownTimeMicros, record.knownTimeMicros);
      if (record.kind === 'epoch') lastEpoch = record;
      if (record.kind === 'scored' || record.kind === 'decision') {
        index.put(record.endToEndId, record.side, entry, fingerprintOf(record.requestSha256), record.knownTimeMicros);
      }
      applyRecord(record, sink, codec);
    }
  }
  return { records, lastEpoch, lastKnownTimeMicros };
}

function applyRecord(record: JournalRecord, sink: TailSink, codec: PaymentCodec): void {
  if (record.kind === 'label') {
    const { endToEndId, state, eventTimeMicros, payeeAccount } = record;
    if (payeeAccount !== null) sink.applyRecordedLabel({ endToEndId, state, eventTimeMicros, payeeAccount });
    return;
  }
  if (record.kind === 'correction') {
    // What the state did not know then, it does not know now: an epoch's base may hold the payment, and not this.
    if (!record.isApplied) return;
    const row = replacementOf(record, codec);
    const replacement = row === null ? null : { row, keys: entityKeys(row) };
    sink.applyRecordedCorrection({ endToEndId: record.endToEndId, replacement });
    return;
  }
  if (record.kind !== 'payment' && !(record.kind === 'scored' && record.isEvent)) return;
  const row = rowOf(record, codec);
  if (row !== null) sink.applyRecorded({ row, keys: entityKeys(row) });
}

/** The payment of a record, of a correction the one that it puts in the place of another; null where it holds none. */
function rowOf(record: JournalRecord, codec: PaymentCodec): PaymentRow | null {
  if (record.kind === 'correction') return replacementOf(record, codec);
  if (record.kind !== 'payment' && record.kind !== 'scored') return null;
  return paymentRow(codec.decodeBody(record.source, record.raw) as ImportedPayment);
}

function replacementOf({ source, raw }: CorrectionRecord, codec: PaymentCodec): PaymentRow | null {
  const { payment } = codec.decodeCorrection(source, raw) as { readonly payment?: ImportedPayment };
  return payment === undefined ? null : paymentRow(payment);
}

/** A record of a tail; of a payment its row, of a correction the row of the payment as it is now. */
export interface TailEntry {
  readonly record: SkimmedRecord;
  readonly row: PaymentRow | null;
  readonly position: number;
}

/** What a journal holds after a position. */
export interface JournalTail {
  readonly journalId: string;
  readonly entries: readonly TailEntry[];
  /** Position of the last record; the position asked for where there is none. */
  readonly lastPosition: number;
}

/**
 * Reads the tails of every instance's journal in a folder.
 *
 * @param after positions by journal, 0 where one is not named.
 * @param own the journal that is open here, and up to where it is durable.
 */
export async function readJournalTails(
  files: JournalFiles,
  journals: string,
  after: ReadonlyMap<string, number>,
  own: { readonly journalId: string; readonly through: number },
): Promise<JournalTail[]> {
  const codec = paymentCodec();
  const tails: JournalTail[] = [];
  for (const instance of await files.list(journals)) {
    const folder = `${journals}/${instance}`;
    const journalId = await readJournalId(files, folder);
    if (journalId === undefined) continue;
    const read: TailEntry[] = [];
    let lastPosition = after.get(journalId) ?? 0;
    const through = journalId === own.journalId ? own.through : Number.POSITIVE_INFINITY;
    for await (const entries of readJournal(files, folder, lastPosition, through)) {
      for (const { payload, position } of entries) {
        // What is kept holds no body: a tail may be hundreds of thousands of records.
        read.push({ record: skimRecord(payload), row: rowOf(decodeRecord(payload), codec), position });
        lastPosition = position;
      }
    }
    tails.push({ journalId, entries: read, lastPosition });
  }
  return tails;
}
