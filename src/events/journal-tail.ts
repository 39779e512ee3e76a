import type { EntityKeys } from '../domain/entity-keys.ts';
import type { LabelState } from '../domain/label.ts';
import { entityKeys, type ImportedPayment, paymentRow } from '../domain/payment-row.ts';
import { type AnswerIndex, fingerprintOf } from './answer-index.ts';
import type { JournalFiles } from './journal-files.ts';
import { readJournal } from './journal-reader.ts';
import { decodeRecord, type EpochRecord, type JournalRecord } from './journal-record.ts';
import type { PaymentCodec } from './payment-codec.ts';

/** Takes what a journal's tail holds, in order: the shapes of a store's own feed. */
export interface TailSink {
  applyRecorded(payment: {
    endToEndId: string;
    eventTimeMicros: number;
    amountCentavos: number;
    keys: EntityKeys;
  }): unknown;
  applyRecordedLabel(label: {
    endToEndId: string;
    state: LabelState;
    eventTimeMicros: number;
    payeeAccount: string | null;
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
 * 100 k records take about 1.5 s.
 */
export async function feedJournalTail(
  files: JournalFiles,
  folder: string,
  afterPosition: number,
  codec: PaymentCodec,
  sink: TailSink,
  index: AnswerIndex,
): Promise<TailFigures> {
  let records = 0;
  let lastEpoch: EpochRecord | undefined;
  let lastKnownTimeMicros = 0;
  for await (const batch of readJournal(files, folder, afterPosition)) {
    for (const entry of batch) {
      const record = decodeRecord(entry.payload);
      records += 1;
      lastKnownTimeMicros = Math.max(lastKnownTimeMicros, record.knownTimeMicros);
      if (record.kind === 'epoch') lastEpoch = record;
      if (record.kind === 'scored' || record.kind === 'decision') {
        index.put(record.endToEndId, record.side, entry, fingerprintOf(record.requestSha256), record.knownTimeMicros);
      }
      applyRecord(record, codec, sink);
    }
  }
  return { records, lastEpoch, lastKnownTimeMicros };
}

function applyRecord(record: JournalRecord, codec: PaymentCodec, sink: TailSink): void {
  if (record.kind === 'label') {
    const { endToEndId, state, eventTimeMicros, payeeAccount } = record;
    if (payeeAccount !== null) sink.applyRecordedLabel({ endToEndId, state, eventTimeMicros, payeeAccount });
    return;
  }
  if (record.kind !== 'payment' && !(record.kind === 'scored' && record.isEvent)) return;
  const row = paymentRow(codec.decodeBody(record.source, record.raw) as ImportedPayment);
  sink.applyRecorded({
    endToEndId: record.endToEndId,
    eventTimeMicros: row.event_time,
    amountCentavos: row.amount_centavos,
    keys: entityKeys(row),
  });
}
