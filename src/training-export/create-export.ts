import { AppError } from '../base/errors.ts';
import { type ExportColumn, exportColumns } from './export-columns.ts';
import type { ExportOptions, ExportPorts } from './export-options.ts';
import { DECISION_COLUMNS, exportRows, labelPolicyOf } from './export-rows.ts';
import {
  EXPORT_FORMAT,
  type ExportFile,
  type ExportManifest,
  instantText,
  LABEL_RULE,
  MANIFEST_FILE,
  serializeManifest,
} from './manifest.ts';
import { readSilver, type SilverSource } from './silver-source.ts';
import { SOURCE_TABLES } from './source-snapshots.ts';
import { type SplitWriter, splitWriter } from './split-writer.ts';
import { SPLITS, type SplitName } from './time-split.ts';

/** Rows between two reports of progress. */
const REPORT_ROWS = 65_536;

/**
 * Makes a training set: a row for each side of each payment of `silver.transactions`, with the
 * features that it had when it was scored and the label that it may know. Writes `<split>.parquet`
 * for each split that has rows, then `manifest.json`; the same options over the same versions give
 * the same bytes. Takes about 8 µs a row after silver is read.
 *
 * @throws AppError `usage` for options that have no meaning, `table_not_found`,
 * `version_not_found`, and those of storage.
 */
export async function createExport(options: ExportOptions, ports: ExportPorts): Promise<ExportManifest> {
  checkOptions(options);
  const source = await readSilver(ports.tables, options.set, options.versions ?? {}, DECISION_COLUMNS);
  if (source.payments.count === 0) {
    const version = source.versions['silver/transactions'];
    throw new AppError(
      'not_found',
      `silver.transactions@${version} holds no rows: import a file or score payments, then run bronze-to-silver`,
    );
  }
  const rows = exportRows(source, options);
  const columns = exportColumns(options.set, options.doubles);
  const splits = new Map<SplitName, SplitWriter>();
  let embargoRows = 0;
  for (let at = 0; at < rows.count; at += 1) {
    const row = rows.row(at);
    if (row.split === 'embargo' && options.withEmbargo !== true) {
      embargoRows += 1;
      continue;
    }
    let writer = splits.get(row.split);
    if (writer === undefined) {
      writer = splitWriter(row.split, columns, options.doubles === true);
      splits.set(row.split, writer);
    }
    await writer.add(row);
    if (at % REPORT_ROWS === 0) ports.onProgress?.(at, rows.count);
  }
  const files: ExportFile[] = [];
  for (const name of SPLITS) {
    const writer = splits.get(name);
    if (writer === undefined) continue;
    const { file, bytes } = await writer.finish();
    await ports.files.put(file.name, bytes);
    files.push(file);
  }
  const manifest = manifestOf(source, options, columns, { files, embargoRows, knownAssumedRows: rows.knownAssumed });
  // The commit point: an export without its manifest is none.
  await ports.files.put(MANIFEST_FILE, Buffer.from(serializeManifest(manifest)));
  return manifest;
}

function checkOptions({ horizonMicros, split, countedStates }: ExportOptions): void {
  if (horizonMicros !== undefined && !(horizonMicros > 0))
    throw new AppError('usage', 'the horizon must be longer than 0');
  if (countedStates?.length === 0) throw new AppError('usage', 'at least one state must count as fraud');
  if (countedStates?.includes('CONTESTED')) {
    throw new AppError('usage', 'CONTESTED cannot count as fraud: a contest is a claim, not a finding');
  }
  if (split !== undefined && split.aMicros >= split.bMicros) {
    throw new AppError('usage', 'of --split time:A,B the first instant must be before the second');
  }
}

function manifestOf(
  { versions, payments }: SilverSource,
  options: ExportOptions,
  columns: readonly ExportColumn[],
  written: Pick<ExportManifest, 'files' | 'embargoRows' | 'knownAssumedRows'>,
): ExportManifest {
  const { set, split, withEmbargo = false, doubles = false } = options;
  const { horizonMicros, asOfMicros, counted } = labelPolicyOf(options);
  return {
    format: EXPORT_FORMAT,
    command: commandOf(options, versions),
    tables: versions,
    featureSet: { name: set.name, version: set.version, sha256: set.hash, definition: set.definition },
    labels: { asOf: instantText(asOfMicros), horizonMicros, counted, rule: LABEL_RULE },
    split:
      split === undefined
        ? null
        : { kind: 'time', a: instantText(split.aMicros), b: instantText(split.bMicros), withEmbargo },
    order: ['event_time', 'known_time', 'end_to_end_id', 'side'],
    columns,
    features: set.names,
    featureType: doubles ? 'double' : 'float',
    rows: payments.count,
    reconstructed: false,
    ...written,
  };
}

/** The command that makes it again, but for where it goes. */
function commandOf(options: ExportOptions, versions: SilverSource['versions']): string {
  const { horizonMicros, asOfMicros, counted } = labelPolicyOf(options);
  const parts = [
    'sentinela export create',
    `--from silver.transactions@${versions['silver/transactions']}`,
    `--features ${options.set.name}`,
    `--labels-as-of ${instantText(asOfMicros)}`,
    `--horizon ${spanText(horizonMicros)}`,
  ];
  if (counted.length !== 1 || counted[0] !== 'AGREED') parts.push(`--counted ${counted.join(',')}`);
  if (options.split !== undefined) {
    parts.push(`--split time:${instantText(options.split.aMicros)},${instantText(options.split.bMicros)}`);
  }
  if (options.withEmbargo === true) parts.push('--embargo keep');
  if (options.doubles === true) parts.push('--double');
  const others = SOURCE_TABLES.filter((name) => name !== 'silver/transactions');
  parts.push(`--pin ${others.map((name) => `${name.slice('silver/'.length)}@${versions[name]}`).join(',')}`);
  return parts.join(' ');
}

function spanText(micros: number): string {
  for (const [unit, size] of [
    ['d', 86_400_000_000],
    ['h', 3_600_000_000],
    ['m', 60_000_000],
  ] as const) {
    if (micros % size === 0) return `${micros / size}${unit}`;
  }
  return `${micros / 1_000_000}s`;
}

/** The three lines that read an export in pandas. @param folder as a reader's own machine names it. */
export function pandasLines(manifest: ExportManifest, folder: string): readonly string[] {
  const first = manifest.files[0]?.name ?? 'all.parquet';
  const name = first.slice(0, -'.parquet'.length);
  return [
    'import json, pandas as pd',
    `${name} = pd.read_parquet(${JSON.stringify(`${folder}/${first}`)}).dropna(subset=["label"])`,
    `X, y = ${name}[json.load(open(${JSON.stringify(`${folder}/${MANIFEST_FILE}`)}))["features"]], ${name}["label"].astype(int)`,
  ];
}
