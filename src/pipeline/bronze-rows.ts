import { unreachable } from '../base/assert.ts';
import { canonicalJson } from '../base/canonical-json.ts';
import { ENTITY_KINDS, type EntityNumbers, hasNumber, NO_NUMBERS } from '../domain/entity-keys.ts';
import type {
  CorrectionRecord,
  DecisionRecord,
  EpochRecord,
  JournalRecord,
  LabelRecord,
  PaymentRecord,
  ScoredRecord,
  SequenceRecord,
} from '../events/journal-record.ts';
import type { PaymentCodec } from '../events/payment-codec.ts';
import { BRONZE_SCHEMA_VERSION } from '../governance/contracts/bronze.ts';

/** A row of a bronze table, by column. */
export type BronzeRow = Readonly<Record<string, unknown>>;

/** A record and where it stands in its journal. */
export interface BronzeEntry {
  readonly position: number;
  readonly record: JournalRecord;
}

/** The bronze tables that rows go to. */
export type BronzeTableName = 'transactions' | 'decisions' | 'labels' | 'corrections' | 'sequences' | 'epochs';

/** Rows by table. */
export type BronzeRows = Readonly<Record<BronzeTableName, BronzeRow[]>>;

/**
 * Turns records into the rows of the bronze tables. Every row is one literal: put together by
 * spreading, rows took a third of the consumer's time.
 */
export function bronzeRows(journalId: string, entries: readonly BronzeEntry[], codec: PaymentCodec): BronzeRows {
  const rows: BronzeRows = { transactions: [], decisions: [], labels: [], corrections: [], sequences: [], epochs: [] };
  for (const entry of entries) addRows(rows, journalId, entry, codec);
  return rows;
}

function addRows(rows: BronzeRows, journalId: string, entry: BronzeEntry, codec: PaymentCodec): void {
  const { record } = entry;
  switch (record.kind) {
    case 'scored':
      rows.transactions.push(paymentRow(journalId, entry, record, record, codec));
      rows.decisions.push(decisionRow(journalId, entry, record));
      return;
    case 'payment':
      rows.transactions.push(paymentRow(journalId, entry, record, undefined, codec));
      return;
    case 'decision':
      rows.decisions.push(decisionRow(journalId, entry, record));
      // A decision that saw nothing knows no number: a sequence record follows.
      if (hasNumber(record.saw) || hasNumber(record.numbers))
        rows.sequences.push(sequenceRow(journalId, entry, record));
      return;
    case 'label':
      rows.labels.push(labelRow(journalId, entry, record));
      return;
    case 'correction':
      rows.corrections.push(correctionRow(journalId, entry, record, codec));
      return;
    case 'sequence':
      rows.sequences.push(sequenceRow(journalId, entry, record));
      return;
    case 'epoch':
      rows.epochs.push(epochRow(journalId, entry, record));
      return;
    case 'intent':
      // What came of it is the correction's own record; by itself it says nothing of any payment.
      return;
    default:
      unreachable(record);
  }
}

const HOUR_MICROS = 3_600_000_000;

function hourOf(micros: number): number {
  return Math.floor(micros / HOUR_MICROS);
}

function paymentRow(
  journalId: string,
  { position }: BronzeEntry,
  record: ScoredRecord | PaymentRecord,
  event: Pick<ScoredRecord, 'isEvent' | 'numbers'> | undefined,
  codec: PaymentCodec,
): BronzeRow {
  const hours = hourOf(record.knownTimeMicros);
  const numbers = event?.numbers ?? NO_NUMBERS;
  return {
    known_time: record.knownTimeMicros,
    known_assumed: false,
    journal_id: journalId,
    journal_position: position,
    source: record.source,
    schema_version: BRONZE_SCHEMA_VERSION,
    ingest_date: Math.floor(hours / 24),
    ingest_hour: hours % 24,
    end_to_end_id: record.endToEndId,
    side: record.side,
    is_event: event?.isEvent ?? null,
    payer_epoch: numbers.payer?.epoch ?? null,
    payer_seq: numbers.payer?.seq ?? null,
    payee_epoch: numbers.payee?.epoch ?? null,
    payee_seq: numbers.payee?.seq ?? null,
    pair_epoch: numbers.pair?.epoch ?? null,
    pair_seq: numbers.pair?.seq ?? null,
    payer_document_epoch: numbers.payer_document?.epoch ?? null,
    payer_document_seq: numbers.payer_document?.seq ?? null,
    payee_document_epoch: numbers.payee_document?.epoch ?? null,
    payee_document_seq: numbers.payee_document?.seq ?? null,
    pix_key_epoch: numbers.pix_key?.epoch ?? null,
    pix_key_seq: numbers.pix_key?.seq ?? null,
    device_epoch: numbers.device?.epoch ?? null,
    device_seq: numbers.device?.seq ?? null,
    source_id: null,
    line: null,
    content_type: codec.contentTypeOf(record.source),
    raw: record.raw,
    payment: canonicalOrNull(() => codec.decodeBody(record.source, record.raw)),
  };
}

function decisionRow(journalId: string, { position }: BronzeEntry, record: ScoredRecord | DecisionRecord): BronzeRow {
  const hours = hourOf(record.knownTimeMicros);
  const { saw, features } = record;
  return {
    known_time: record.knownTimeMicros,
    known_assumed: false,
    journal_id: journalId,
    journal_position: position,
    source: record.source,
    schema_version: BRONZE_SCHEMA_VERSION,
    ingest_date: Math.floor(hours / 24),
    ingest_hour: hours % 24,
    end_to_end_id: record.endToEndId,
    side: record.side,
    request_sha256: hexOf(record.requestSha256),
    payer_epoch: saw.payer?.epoch ?? null,
    payer_seq: saw.payer?.seq ?? null,
    payee_epoch: saw.payee?.epoch ?? null,
    payee_seq: saw.payee?.seq ?? null,
    pair_epoch: saw.pair?.epoch ?? null,
    pair_seq: saw.pair?.seq ?? null,
    payer_document_epoch: saw.payer_document?.epoch ?? null,
    payer_document_seq: saw.payer_document?.seq ?? null,
    payee_document_epoch: saw.payee_document?.epoch ?? null,
    payee_document_seq: saw.payee_document?.seq ?? null,
    pix_key_epoch: saw.pix_key?.epoch ?? null,
    pix_key_seq: saw.pix_key?.seq ?? null,
    device_epoch: saw.device?.epoch ?? null,
    device_seq: saw.device?.seq ?? null,
    answer: textOf(record.answer),
    // A list of floats: NaN is null.
    features,
    feature_status: record.featureStatus,
  };
}

function labelRow(journalId: string, { position }: BronzeEntry, record: LabelRecord): BronzeRow {
  const hours = hourOf(record.knownTimeMicros);
  return {
    known_time: record.knownTimeMicros,
    known_assumed: false,
    journal_id: journalId,
    journal_position: position,
    source: record.source,
    schema_version: BRONZE_SCHEMA_VERSION,
    ingest_date: Math.floor(hours / 24),
    ingest_hour: hours % 24,
    end_to_end_id: record.endToEndId,
    state: record.state,
    event_time: record.eventTimeMicros,
    payee_epoch: record.number?.epoch ?? null,
    payee_seq: record.number?.seq ?? null,
    line: null,
    raw: record.raw,
    label: canonicalOrNull(() => JSON.parse(textOf(record.raw))),
    payee_account: record.payeeAccount,
  };
}

function correctionRow(
  journalId: string,
  { position }: BronzeEntry,
  record: CorrectionRecord,
  codec: PaymentCodec,
): BronzeRow {
  const hours = hourOf(record.knownTimeMicros);
  // Rare: what is put together here costs nothing that counts.
  return {
    known_time: record.knownTimeMicros,
    known_assumed: false,
    journal_id: journalId,
    journal_position: position,
    source: record.source,
    schema_version: BRONZE_SCHEMA_VERSION,
    ingest_date: Math.floor(hours / 24),
    ingest_hour: hours % 24,
    end_to_end_id: record.endToEndId,
    corrected_at: record.correctedAtMicros,
    is_applied: record.isApplied,
    ...prefixedNumbers('retracted_', record.retracted),
    ...prefixedNumbers('replaced_', record.replaced),
    revision: record.settles?.revision ?? null,
    raw: record.raw,
    correction: canonicalOrNull(() => codec.decodeCorrection(record.source, record.raw)),
  };
}

/** The columns of an event's numbers behind a prefix. */
export function prefixedNumbers(prefix: string, numbers: EntityNumbers): BronzeRow {
  const columns = ENTITY_KINDS.flatMap((kind) => [
    [`${prefix}${kind}_epoch`, numbers[kind]?.epoch ?? null],
    [`${prefix}${kind}_seq`, numbers[kind]?.seq ?? null],
  ]);
  return Object.fromEntries(columns);
}

function sequenceRow(
  journalId: string,
  { position }: BronzeEntry,
  record: Pick<SequenceRecord, 'knownTimeMicros' | 'endToEndId' | 'side' | 'isEvent' | 'numbers'>,
): BronzeRow {
  const hours = hourOf(record.knownTimeMicros);
  const { numbers } = record;
  return {
    known_time: record.knownTimeMicros,
    known_assumed: false,
    journal_id: journalId,
    journal_position: position,
    source: null,
    schema_version: BRONZE_SCHEMA_VERSION,
    ingest_date: Math.floor(hours / 24),
    ingest_hour: hours % 24,
    end_to_end_id: record.endToEndId,
    side: record.side,
    is_event: record.isEvent,
    payer_epoch: numbers.payer?.epoch ?? null,
    payer_seq: numbers.payer?.seq ?? null,
    payee_epoch: numbers.payee?.epoch ?? null,
    payee_seq: numbers.payee?.seq ?? null,
    pair_epoch: numbers.pair?.epoch ?? null,
    pair_seq: numbers.pair?.seq ?? null,
    payer_document_epoch: numbers.payer_document?.epoch ?? null,
    payer_document_seq: numbers.payer_document?.seq ?? null,
    payee_document_epoch: numbers.payee_document?.epoch ?? null,
    payee_document_seq: numbers.payee_document?.seq ?? null,
    pix_key_epoch: numbers.pix_key?.epoch ?? null,
    pix_key_seq: numbers.pix_key?.seq ?? null,
    device_epoch: numbers.device?.epoch ?? null,
    device_seq: numbers.device?.seq ?? null,
  };
}

function epochRow(journalId: string, { position }: BronzeEntry, record: EpochRecord): BronzeRow {
  const hours = hourOf(record.knownTimeMicros);
  return {
    known_time: record.knownTimeMicros,
    known_assumed: false,
    journal_id: journalId,
    journal_position: position,
    source: null,
    schema_version: BRONZE_SCHEMA_VERSION,
    ingest_date: Math.floor(hours / 24),
    ingest_hour: hours % 24,
    epoch: record.epoch,
    reason: record.reason,
    silver_version: record.silverVersion,
    offsets: canonicalJson(record.offsets),
  };
}

/** What cannot be read keeps its raw bytes; silver sends it to quarantine. */
function canonicalOrNull(read: () => unknown): string | null {
  try {
    return canonicalJson(read());
  } catch {
    return null;
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}
