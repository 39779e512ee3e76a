import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { AppError, messageOf, systemErrorCode } from '../base/errors.ts';
import { bronzeToSilver } from './bronze-to-silver.ts';
import { commitSteps } from './import-commits.ts';
import { correctedIn, correctionSteps } from './import-corrections.ts';
import { openImportEpoch } from './import-epoch.ts';
import { fileDigest, importJournalId } from './import-identity.ts';
import { knownPayments } from './import-known.ts';
import { importLedger } from './import-ledger.ts';
import { boundedLines, fileRecords } from './import-lines.ts';
import { type ImportMapping, parseMapping } from './import-mapping.ts';
import { type ImportStep, importSteps, labelSteps, mergedSteps, type TimedRow, timedRows } from './import-order.ts';
import { bodyReader, type ImportedRow, mappedReader, type RowReader } from './import-row.ts';
import { type ImportCounts, importRows, noCounts } from './import-rows.ts';
import { sortedRows } from './import-sort.ts';
import type { JobPorts } from './job.ts';
import type { Lake } from './lake.ts';

/** What to import. */
export interface ImportOptions {
  /** CSV or NDJSON, plain or gzip. */
  readonly file: string;
  /** A YAML file; without it lines are bodies of `/v1/score`. */
  readonly mapping?: string;
  /** NDJSON, bodies of `/v1/labels`. */
  readonly labels?: string;
  /** NDJSON, bodies of `/v1/corrections`. */
  readonly corrections?: string;
  /** Told now and then how much of the payments' file was read. */
  readonly onProgress?: (progress: ImportProgress) => void;
}

/** How far an import has come. */
export interface ImportProgress {
  readonly readBytes: number;
  readonly totalBytes: number;
  readonly records: number;
}

/** What an import did. */
export interface ImportFigures extends ImportCounts {
  /** The journal that the import is. */
  readonly journalId: string;
  readonly epoch: number;
  /** Whether the very same import had been done before: then nothing was written. */
  readonly alreadyImported: boolean;
}

/**
 * Brings a file into the lake: payments, labels and corrections with an order and numbers of their own epoch into
 * bronze, what cannot be read into quarantine with its line, and all of it into silver. Killed at
 * any moment and called again with the same files it goes on; called once more it does nothing.
 *
 * The lake must hold every journal that is to come before (run the journals into bronze first).
 *
 * @throws AppError `invalid_file`, `invalid_mapping`, and those of the lake.
 */
export async function importFile(options: ImportOptions, ports: JobPorts): Promise<ImportFigures> {
  const { lake, clock } = ports;
  const mapping = options.mapping === undefined ? null : await readMapping(options.mapping);
  const format = formatOf(options.file, mapping);
  const digest = await fileDigest(options.file);
  const labelsDigest = options.labels === undefined ? null : await fileDigest(options.labels);
  const correctionsDigest = options.corrections === undefined ? null : await fileDigest(options.corrections);
  const journalId = importJournalId([
    digest.sha256,
    mapping?.sha256 ?? '-',
    labelsDigest?.sha256 ?? '-',
    // Without corrections an import is the journal that it was before there were any.
    ...(correctionsDigest === null ? [] : [correctionsDigest.sha256]),
  ]);
  // What was recorded before must be in silver before the epoch names it as its base.
  await bronzeToSilver(ports);
  const done = await isDone(lake, journalId);
  const lines = done ? NO_LINES : await linesOf(options);
  const epoch = await openImportEpoch(lake, journalId, clock.nowMicros());
  if (done) return { journalId, epoch: epoch.epoch, alreadyImported: true, ...noCounts() };

  const corrected = options.corrections === undefined ? NOTHING_CORRECTED : await correctedIn(options.corrections);
  const known = await knownPayments(lake, epoch, corrected.ids);
  const labels = (mapping?.label == null ? 0 : lines.payments) + lines.labels;
  const ledger = await importLedger(
    { payments: lines.payments + known.count, labels: labels + 1, corrections: corrected.count },
    { ...known, corrected: corrected.ids },
  );
  const contentType = format === 'csv' ? 'text/csv' : 'application/json';
  const rows = importRows(journalId, epoch, ledger, contentType, clock.nowMicros());
  const reader = mapping === null ? bodyReader() : mappedReader(mapping, format, basename(options.file));
  const report = (readBytes: number): void =>
    options.onProgress?.({ readBytes, totalBytes: digest.sizeBytes, records: rows.counts.records });
  const read = readFileRows(options.file, format, reader, report);
  const steps = importSteps(
    ordered(timedRows(read, epoch.knownMicros), mapping, ports.temporaryFolder),
    stepsBeside(options, epoch.knownMicros),
    mapping?.label ?? null,
  );
  await commitSteps(lake, journalId, steps, rows);
  await markDone(lake, journalId, rows.position);
  await bronzeToSilver(ports);
  return { journalId, epoch: epoch.epoch, alreadyImported: false, ...rows.counts };
}

const NO_LINES = { payments: 0, labels: 0 };

/** How many records there are at most, for the ledger. */
async function linesOf({ file, labels, corrections }: ImportOptions): Promise<typeof NO_LINES> {
  if (corrections !== undefined) await boundedLines(corrections);
  return { payments: await boundedLines(file), labels: labels === undefined ? 0 : await boundedLines(labels) };
}

async function readMapping(path: string): Promise<ImportMapping> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const code = systemErrorCode(error) ?? '';
    throw new AppError('invalid_mapping', `${path} cannot be read (${code}): ${messageOf(error)}`, { path }, error);
  }
  return parseMapping(text, basename(path));
}

function formatOf(file: string, mapping: ImportMapping | null): 'csv' | 'ndjson' {
  if (mapping?.format != null) return mapping.format;
  const csv = /\.csv(\.gz)?$/i.test(file);
  if (csv && mapping === null) {
    throw new AppError(
      'invalid_mapping',
      `${basename(file)} is CSV: a mapping must say what its columns are (--mapping MAP.yaml)`,
      { file: basename(file) },
    );
  }
  return csv ? 'csv' : 'ndjson';
}

async function* readFileRows(
  file: string,
  format: 'csv' | 'ndjson',
  reader: RowReader,
  onBytes: (readBytes: number) => void,
): AsyncGenerator<ImportedRow[]> {
  for await (const records of fileRecords(file, format, onBytes)) {
    const rows: ImportedRow[] = [];
    for (const record of records) {
      const row = reader(record);
      if (row !== null) rows.push(row);
    }
    yield rows;
  }
}

/** Under the running maximum the file's order is the order of known times already. */
function ordered(
  rows: AsyncIterable<readonly TimedRow[]>,
  mapping: ImportMapping | null,
  folder: string,
): AsyncIterable<readonly TimedRow[]> {
  return mapping === null || mapping.knownTime.kind === 'running_max' ? rows : sortedRows(rows, folder);
}

const NOTHING_CORRECTED = { ids: new Set<string>(), count: 0 };

/** What the files beside the payments' hold: of one known time labels before corrections. */
function stepsBeside({ labels, corrections }: ImportOptions, startMicros: number): AsyncIterable<ImportStep[]> {
  const labelled = labels === undefined ? none() : labelSteps(fileRecords(labels, 'ndjson'), startMicros);
  return corrections === undefined ? labelled : mergedSteps(labelled, correctionSteps(corrections, startMicros));
}

async function* none(): AsyncGenerator<ImportStep[]> {}

async function isDone(lake: Lake, journalId: string): Promise<boolean> {
  const snapshot = await lake.table('bronze/transactions').snapshot();
  return snapshot.transactionVersion(`${journalId}/import-done`) !== undefined;
}

async function markDone(lake: Lake, journalId: string, position: number): Promise<void> {
  await lake.table('bronze/transactions').append({
    rows: [],
    txn: { appId: `${journalId}/import-done`, version: position },
    operation: 'IMPORT',
    allowEmpty: true,
  });
}
