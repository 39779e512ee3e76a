import { AppError } from '../base/errors.ts';
import { buildManifest } from './build-manifest.ts';
import { checkOptions } from './check-options.ts';
import { idColumnsToRead } from './entity-columns.ts';
import { type ExportColumn, exportColumns } from './export-columns.ts';
import type { ExportOptions, ExportPorts } from './export-options.ts';
import { DECISION_COLUMNS, type ExportRows, exportRows } from './export-rows.ts';
import { type ExportFile, type ExportManifest, MANIFEST_FILE, serializeManifest } from './manifest.ts';
import { rowFilter } from './row-filter.ts';
import { readSilver, type SilverSource } from './silver-source.ts';
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
 * @throws AppError `usage` for options that have no meaning, `invalid_request` for a condition that is
 * none, `not_found` where no row is left, `table_not_found`, `version_not_found`, and those of storage.
 */
export async function createExport(options: ExportOptions, ports: ExportPorts): Promise<ExportManifest> {
  checkOptions(options);
  const source = await readSilver(ports.tables, options.set, options.versions ?? {}, {
    decisions: DECISION_COLUMNS,
    payments: options.group === undefined ? [] : idColumnsToRead([options.group.entity]),
  });
  const columns = exportColumns(options);
  const rows = exportRows(source, options, columns, await wantedRows(source, options));
  const { writers, ...leftOut } = await writeRows(rows, options, columns, ports);
  const files: ExportFile[] = [];
  let sampledOutRows = 0;
  for (const name of SPLITS) {
    const writer = writers.get(name);
    if (writer === undefined) continue;
    const written = await writer.finish();
    sampledOutRows += writer.sampledOut;
    if (written === null) continue;
    await ports.files.put(written.file.name, written.bytes);
    files.push(written.file);
  }
  const counts = { rows: rows.count, sampledOutRows, knownAssumedRows: rows.knownAssumed, ...leftOut };
  const manifest = buildManifest(source.versions, options, columns, { files, ...counts });
  // The commit point: an export without its manifest is none.
  await ports.files.put(MANIFEST_FILE, Buffer.from(serializeManifest(manifest)));
  return manifest;
}

/** Which rows of the payments are exported. @throws AppError `not_found` where none is. */
async function wantedRows(source: SilverSource, { where }: ExportOptions): Promise<(row: number) => boolean> {
  const { payments, sides, snapshots, versions } = source;
  const table = `silver.transactions@${versions['silver/transactions']}`;
  if (payments.count === 0) {
    const hint = 'import a file or score payments, then run bronze-to-silver';
    throw new AppError('not_found', `${table} holds no rows: ${hint}`);
  }
  if (where === undefined) return () => true;
  const passes = await rowFilter(snapshots['silver/transactions'], where);
  const isWanted = (row: number): boolean => passes(payments.ids[row] ?? '', sides[row] ?? '');
  if (sides.some((_, row) => isWanted(row))) return isWanted;
  throw new AppError('not_found', `no row of ${table} passes --where, of ${payments.count}: name a wider condition`);
}

interface WrittenSplits {
  readonly writers: ReadonlyMap<SplitName, SplitWriter>;
  readonly embargoRows: number;
  readonly crossedRows: number;
}

async function writeRows(
  rows: ExportRows,
  options: ExportOptions,
  columns: readonly ExportColumn[],
  { onProgress }: ExportPorts,
): Promise<WrittenSplits> {
  const writers = new Map<SplitName, SplitWriter>();
  let embargoRows = 0;
  let crossedRows = 0;
  for (let at = 0; at < rows.count; at += 1) {
    if (at % REPORT_ROWS === 0) onProgress?.(at, rows.count);
    const row = rows.row(at);
    if (row.split === 'crossed') {
      crossedRows += 1;
      continue;
    }
    if (row.split === 'embargo' && options.withEmbargo !== true) {
      embargoRows += 1;
      continue;
    }
    const writer = writers.get(row.split) ?? splitWriter(row.split, columns, options.doubles === true);
    writers.set(row.split, writer);
    await writer.add(row);
  }
  return { writers, embargoRows, crossedRows };
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
