import { unreachable } from '../base/assert.ts';
import { canonicalJson } from '../base/canonical-json.ts';
import type { EntityNumbers } from '../domain/entity-keys.ts';
import type {
  DecisionPart,
  DecisionRecord,
  JournalRecord,
  LabelRecord,
  PaymentRecord,
  ScoredRecord,
} from '../events/journal-record.ts';
import type { PaymentCodec } from '../events/payment-codec.ts';
import { BRONZE_SCHEMA_VERSION } from '../governance/contracts/bronze.ts';

/** A row of a bronze table, by column. */
export type BronzeRow = Readonly<Record<string, unknown>>;

/** A record and where it stands in its journal. */
export interface BronzeEntry {
  readonly position: number;
  readonly record: JournalRecord;
  /** What only an import knows. */
  readonly imported?: ImportedDetails;
}

/** What an import says of a record beyond the record itself. */
export interface ImportedDetails {
  readonly line: number;
  readonly knownAssumed: boolean;
  /** The id in the file. */
  readonly sourceId?: string | null;
}

/** The bronze tables that rows go to. */
export type BronzeTableName = 'transactions' | 'decisions' | 'labels' | 'sequences' | 'epochs';

/** Rows by table. */
export type BronzeRows = Readonly<Record<BronzeTableName, BronzeRow[]>>;

/** Turns records into the rows of the bronze tables. */
export function bronzeRows(journalId: string, entries: readonly BronzeEntry[], codec: PaymentCodec): BronzeRows {
  const rows: BronzeRows = { transactions: [], decisions: [], labels: [], sequences: [], epochs: [] };
  for (const entry of entries) addRows(rows, journalId, entry, codec);
  return rows;
}

function addRows(rows: BronzeRows, journalId: string, entry: BronzeEntry, codec: PaymentCodec): void {
  const { record } = entry;
  const provenance = provenanceOf(journalId, entry);
  switch (record.kind) {
    case 'scored':
      rows.transactions.push({
        ...provenance,
        ...paymentColumns(record, entry, codec),
        ...numbersOf(record.numbers),
        is_event: record.isEvent,
      });
      rows.decisions.push({ ...provenance, ...decisionColumns(record) });
      return;
    case 'payment':
      rows.transactions.push({ ...provenance, ...paymentColumns(record, entry, codec) });
      return;
    case 'decision':
      rows.decisions.push({ ...provenance, ...decisionColumns(record) });
      // A decision that saw nothing knows no number: a sequence record follows.
      if (hasNumber(record.saw) || hasNumber(record.numbers)) {
        rows.sequences.push({ ...provenance, ...sequenceColumns(record) });
      }
      return;
    case 'label':
      rows.labels.push({ ...provenance, ...labelColumns(record, entry) });
      return;
    case 'sequence':
      rows.sequences.push({ ...provenance, ...sequenceColumns(record) });
      return;
    case 'epoch':
      rows.epochs.push({
        ...provenance,
        epoch: record.epoch,
        reason: record.reason,
        silver_version: record.silverVersion,
        offsets: canonicalJson(record.offsets),
      });
      return;
    default:
      unreachable(record);
  }
}

const HOUR_MICROS = 3_600_000_000;

function provenanceOf(journalId: string, { position, record, imported }: BronzeEntry): BronzeRow {
  const hours = Math.floor(record.knownTimeMicros / HOUR_MICROS);
  const day = Math.floor(hours / 24);
  return {
    known_time: record.knownTimeMicros,
    known_assumed: imported?.knownAssumed ?? false,
    journal_id: journalId,
    journal_position: position,
    source: 'source' in record ? record.source : null,
    schema_version: BRONZE_SCHEMA_VERSION,
    ingest_date: day,
    ingest_hour: hours - day * 24,
  };
}

function paymentColumns(
  record: ScoredRecord | PaymentRecord,
  { imported }: BronzeEntry,
  codec: PaymentCodec,
): BronzeRow {
  return {
    end_to_end_id: record.endToEndId,
    side: record.side,
    content_type: codec.contentTypeOf(record.source),
    raw: record.raw,
    payment: canonicalOrNull(() => codec.decodeBody(record.source, record.raw)),
    source_id: imported?.sourceId ?? null,
    line: imported?.line ?? null,
  };
}

function decisionColumns(
  record: DecisionPart & Pick<DecisionRecord, 'endToEndId' | 'side' | 'requestSha256'>,
): BronzeRow {
  return {
    end_to_end_id: record.endToEndId,
    side: record.side,
    request_sha256: hexOf(record.requestSha256),
    answer: textOf(record.answer),
    features: Array.from(record.features, (value) => (Number.isNaN(value) ? null : value)),
    feature_status: record.featureStatus,
    ...numbersOf(record.saw),
  };
}

function labelColumns(record: LabelRecord, { imported }: BronzeEntry): BronzeRow {
  return {
    end_to_end_id: record.endToEndId,
    state: record.state,
    event_time: record.eventTimeMicros,
    payee_account: record.payeeAccount,
    payee_epoch: record.number?.epoch ?? null,
    payee_seq: record.number?.seq ?? null,
    line: imported?.line ?? null,
    raw: record.raw,
    label: canonicalOrNull(() => JSON.parse(textOf(record.raw))),
  };
}

function sequenceColumns(record: {
  readonly endToEndId: string;
  readonly side: string;
  readonly isEvent: boolean;
  readonly numbers: EntityNumbers;
}): BronzeRow {
  return {
    end_to_end_id: record.endToEndId,
    side: record.side,
    is_event: record.isEvent,
    ...numbersOf(record.numbers),
  };
}

function hasNumber({ payer, payee, pair }: EntityNumbers): boolean {
  return payer !== null || payee !== null || pair !== null;
}

/** The six columns of an entity's numbers. */
function numbersOf({ payer, payee, pair }: EntityNumbers): BronzeRow {
  return {
    payer_epoch: payer?.epoch ?? null,
    payer_seq: payer?.seq ?? null,
    payee_epoch: payee?.epoch ?? null,
    payee_seq: payee?.seq ?? null,
    pair_epoch: pair?.epoch ?? null,
    pair_seq: pair?.seq ?? null,
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
