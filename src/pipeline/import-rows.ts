import { byKind, type EntityNumber } from '../domain/entity-keys.ts';
import { BRONZE_SCHEMA_VERSION } from '../governance/contracts/bronze.ts';
import { type BronzeRow, prefixedNumbers } from './bronze-rows.ts';
import type { CorrectionPlace, ImportLedger, ImportNumbers, LabelPlace, PaymentPlace } from './import-ledger.ts';
import type { ImportedCorrection, ImportedLabel, ImportStep } from './import-order.ts';
import type { BadRow, GoodRow } from './import-row.ts';

/** The tables that an import writes, beside its opening record. */
export const IMPORT_TABLES = [
  'quarantine/transactions',
  'quarantine/labels',
  'quarantine/corrections',
  'bronze/labels',
  'bronze/corrections',
  'bronze/transactions',
] as const;
/** A table that an import writes. */
export type ImportTable = (typeof IMPORT_TABLES)[number];

/** What became of the records of an import. */
export interface ImportCounts {
  /** Records read from the payments' file, whatever they were. */
  records: number;
  /** Payments that were new: events. */
  payments: number;
  /** Second sides of known payments. */
  secondSides: number;
  /** The same payment again. */
  duplicates: number;
  /** Payments that the lake held before. */
  inLake: number;
  labels: number;
  /** The same state of the same payment at the same time again. */
  duplicateLabels: number;
  /** Corrections of payments that are known. */
  corrections: number;
  /** Corrections that are kept and do nothing: of payments that are not known. */
  ignoredCorrections: number;
  quarantined: number;
  /** Of what was written, how much has an assumed known time. */
  knownAssumed: number;
}

/** Counts of nothing. */
export function noCounts(): ImportCounts {
  return {
    records: 0,
    payments: 0,
    secondSides: 0,
    duplicates: 0,
    inLake: 0,
    labels: 0,
    duplicateLabels: 0,
    corrections: 0,
    ignoredCorrections: 0,
    quarantined: 0,
    knownAssumed: 0,
  };
}

/** A row and where it goes. */
export interface ImportedTableRow {
  readonly table: ImportTable;
  readonly row: BronzeRow;
}

/** Turns steps into rows of tables, in the order of their positions. */
export interface ImportRows {
  /** The rows of one step; undefined where it leaves none. Each call counts and numbers: call it once a step. */
  add(step: ImportStep): ImportedTableRow | undefined;
  readonly counts: Readonly<ImportCounts>;
  /** Position of the last row. */
  readonly position: number;
}

/** What all rows of an import share. */
interface RowContext {
  readonly journalId: string;
  readonly epoch: number;
  readonly contentType: string;
  readonly ingest: IngestColumns;
}

/** @param nowMicros when the rows are written: imports land in the hour in which they are made. */
export function importRows(
  journalId: string,
  { epoch }: { readonly epoch: number },
  ledger: ImportLedger,
  contentType: string,
  nowMicros: number,
): ImportRows {
  const context: RowContext = { journalId, epoch, contentType, ingest: ingestColumns(nowMicros) };
  const counts = noCounts();
  // Position 1 is the opening record.
  let position = 1;
  // Rows that are no payment here: the labels that they hold are none either.
  const refusedLines = new Set<number>();
  const quarantined = (
    step: ImportStep,
    name: 'transactions' | 'labels' | 'corrections',
    bad: BadRow,
  ): ImportedTableRow => {
    counts.quarantined += 1;
    return { table: `quarantine/${name}`, row: quarantineRow(context, position, step, bad) };
  };
  const payment = (step: ImportStep, good: GoodRow): ImportedTableRow | undefined => {
    const place = ledger.place(good.row, good.payment);
    switch (place.kind) {
      case 'duplicate':
        counts.duplicates += 1;
        return undefined;
      case 'in_lake':
        counts.inLake += 1;
        return undefined;
      case 'key_reused': {
        refusedLines.add(good.line);
        const reason = 'another payment came before under this endToEndId and side';
        return quarantined(step, 'transactions', { ...good, kind: 'bad', code: 'key_reused', reason });
      }
      case 'event':
      case 'second_side':
        counts[place.kind === 'event' ? 'payments' : 'secondSides'] += 1;
        counts.knownAssumed += step.assumed ? 1 : 0;
        return { table: 'bronze/transactions', row: paymentRow(context, position, step, good, place) };
    }
  };
  const rowOf = (step: ImportStep): ImportedTableRow | undefined => {
    if (step.kind === 'bad') return quarantined(step, step.table, step.bad);
    if (step.kind === 'payment') return payment(step, step.row);
    if (step.kind === 'correction') {
      const place = ledger.placeCorrection(step.correction.endToEndId, step.correction.replacement);
      counts[place.isApplied ? 'corrections' : 'ignoredCorrections'] += 1;
      counts.knownAssumed += step.assumed ? 1 : 0;
      return { table: 'bronze/corrections', row: correctionRow(context, position, step, step.correction, place) };
    }
    if (step.label.ofRow && refusedLines.has(step.label.line)) return undefined;
    const place = ledger.placeLabel(step.label);
    if (place.kind === 'duplicate') {
      counts.duplicateLabels += 1;
      return undefined;
    }
    counts.labels += 1;
    counts.knownAssumed += step.assumed ? 1 : 0;
    return { table: 'bronze/labels', row: labelRow(context, position, step, step.label, place) };
  };
  return {
    counts,
    get position() {
      return position;
    },
    add(step) {
      // Dropped records take a position too: it then follows from the file alone.
      position += 1;
      if (step.kind === 'payment' || (step.kind === 'bad' && step.table === 'transactions')) counts.records += 1;
      return rowOf(step);
    },
  };
}

// Each row is one literal: a row that is put together by spreading costs ten times as much.

function paymentRow(
  { journalId, epoch, contentType, ingest }: RowContext,
  position: number,
  step: ImportStep,
  good: GoodRow,
  { kind, numbers }: PaymentPlace & { readonly numbers: ImportNumbers },
): BronzeRow {
  return {
    known_time: step.knownMicros,
    known_assumed: step.assumed,
    journal_id: journalId,
    journal_position: position,
    source: 'import',
    schema_version: BRONZE_SCHEMA_VERSION,
    ingest_date: ingest.ingest_date,
    ingest_hour: ingest.ingest_hour,
    end_to_end_id: good.row.end_to_end_id,
    side: good.row.side,
    is_event: kind === 'event',
    payer_epoch: numbers.payer === null ? null : epoch,
    payer_seq: numbers.payer,
    payee_epoch: numbers.payee === null ? null : epoch,
    payee_seq: numbers.payee,
    pair_epoch: numbers.pair === null ? null : epoch,
    pair_seq: numbers.pair,
    payer_document_epoch: numbers.payer_document === null ? null : epoch,
    payer_document_seq: numbers.payer_document,
    payee_document_epoch: numbers.payee_document === null ? null : epoch,
    payee_document_seq: numbers.payee_document,
    pix_key_epoch: numbers.pix_key === null ? null : epoch,
    pix_key_seq: numbers.pix_key,
    device_epoch: numbers.device === null ? null : epoch,
    device_seq: numbers.device,
    source_id: good.sourceId,
    line: good.line,
    content_type: contentType,
    raw: good.raw,
    payment: good.payment,
  };
}

function labelRow(
  { journalId, epoch, ingest }: RowContext,
  position: number,
  step: ImportStep,
  label: ImportedLabel,
  { payeeAccount, number }: LabelPlace & { readonly kind: 'label' },
): BronzeRow {
  return {
    known_time: step.knownMicros,
    known_assumed: step.assumed,
    journal_id: journalId,
    journal_position: position,
    source: 'import',
    schema_version: BRONZE_SCHEMA_VERSION,
    ingest_date: ingest.ingest_date,
    ingest_hour: ingest.ingest_hour,
    end_to_end_id: label.endToEndId,
    state: label.state,
    event_time: label.eventMicros,
    payee_epoch: number === null ? null : epoch,
    payee_seq: number,
    line: label.line,
    raw: label.raw,
    label: label.label,
    payee_account: payeeAccount,
  };
}

function correctionRow(
  { journalId, epoch, ingest }: RowContext,
  position: number,
  step: ImportStep,
  correction: ImportedCorrection,
  { isApplied, retracted, replaced }: CorrectionPlace,
): BronzeRow {
  // Rare: what is put together here costs nothing that counts.
  return {
    known_time: step.knownMicros,
    known_assumed: step.assumed,
    journal_id: journalId,
    journal_position: position,
    source: 'import',
    schema_version: BRONZE_SCHEMA_VERSION,
    ...ingest,
    end_to_end_id: correction.endToEndId,
    corrected_at: correction.correctedAtMicros,
    is_applied: isApplied,
    ...prefixedNumbers(
      'retracted_',
      byKind((kind) => numberIn(epoch, retracted[kind])),
    ),
    ...prefixedNumbers(
      'replaced_',
      byKind((kind) => numberIn(epoch, replaced[kind])),
    ),
    raw: correction.raw,
    correction: correction.correction,
  };
}

function numberIn(epoch: number, seq: number | null): EntityNumber | null {
  return seq === null ? null : { epoch, seq };
}

function quarantineRow({ journalId }: RowContext, position: number, step: ImportStep, bad: BadRow): BronzeRow {
  return {
    known_time: step.knownMicros,
    journal_id: journalId,
    journal_position: position,
    source: 'import',
    line: bad.line,
    code: bad.code,
    reason: bad.reason,
    raw: bad.raw,
  };
}

/** The partition that a row goes to. */
interface IngestColumns {
  readonly ingest_date: number;
  readonly ingest_hour: number;
}

const HOUR_MICROS = 3_600_000_000;

/** Bronze is partitioned by when rows were written: a year of history lands in one partition, not in 8,760. */
export function ingestColumns(nowMicros: number): IngestColumns {
  const hours = Math.floor(nowMicros / HOUR_MICROS);
  const day = Math.floor(hours / 24);
  return { ingest_date: day, ingest_hour: hours - day * 24 };
}
