import { AppError } from '../base/errors.ts';
import { MEMORY_SPILL } from '../features/spill/memory-spill.ts';
import type { ColumnRead } from '../governance/lake-columns.ts';
import { closeIdleInstances } from '../storage/parquet/duckdb-instance.ts';
import { buildManifest } from './build-manifest.ts';
import { checkOptions } from './check-options.ts';
import { ID_COLUMNS, type IdColumn, idColumnsToRead } from './entity-columns.ts';
import { exportColumns } from './export-columns.ts';
import { MANIFEST_FILE } from './export-format.ts';
import type { ExportOptions, ExportPorts } from './export-options.ts';
import { DECISION_COLUMNS, type ExportRows, exportRows, type RowPorts, readsFor } from './export-rows.ts';
import { LEAKAGE_RULE, leaksOfCounts, leaksOfOrder, leakText } from './leakage-check.ts';
import { type ExportManifest, serializeManifest } from './manifest.ts';
import { ServedSpill } from './served-spill.ts';
import { SERVED_BY_COLUMNS } from './served-vectors.ts';
import { readSilver, type SilverSource } from './silver-source.ts';
import { type TrainingCounts, trainingCounts } from './training-counts.ts';
import { withUserRows } from './user-source.ts';
import { wantedRows } from './wanted-rows.ts';
import { type WrittenSplits, writeSplits } from './write-splits.ts';

/**
 * Makes a training set: a row for each side of each payment of `silver.transactions`, with the
 * features that it had when it was scored and the label that it may know, or for each row of the
 * user's own file. Writes a file for each split that has rows, then `manifest.json`; the same options
 * over the same versions give the same bytes.
 *
 * @throws AppError `usage` for options that have no meaning, `invalid_request` for a condition that is
 * none, `not_found` where no row is left or none goes into a file, `leakage_found` where findings are to fail,
 * `table_not_found`, `version_not_found`, and those of storage.
 */
export async function createExport(options: ExportOptions, ports: ExportPorts): Promise<ExportManifest> {
  const manifest = await writeExport(options, ports);
  // The commit point: an export without its manifest is none.
  await ports.files.put(MANIFEST_FILE, Buffer.from(serializeManifest(manifest)));
  return manifest;
}

/** As {@link createExport}, but for the manifest, which is only given back: of an export in parts that is the caller's to write. */
export async function writeExport(options: ExportOptions, ports: ExportPorts): Promise<ExportManifest> {
  checkOptions(options);
  const served = options.fromDecisions === true ? new ServedSpill(options.set, ports.spill ?? MEMORY_SPILL) : null;
  try {
    return await writeRows(options, { ...ports, served });
  } finally {
    served?.close();
  }
}

async function writeRows(options: ExportOptions, ports: ExportPorts & RowPorts): Promise<ExportManifest> {
  const { served } = ports;
  const nameOf = idNames(options, ports);
  const columns = exportColumns(options);
  const silver = await readSilver(ports.tables, options.set, options.versions ?? {}, {
    ...(served === null ? {} : { reading: (read?: ColumnRead) => served.reading(read) }),
    decisions: served === null ? DECISION_COLUMNS : [...DECISION_COLUMNS, ...SERVED_BY_COLUMNS],
    payments: idColumnsToRead([...(options.group === undefined ? [] : [options.group.entity]), ...idsAsked(options)]),
  });
  const source = options.rows === undefined ? silver : withUserRows(silver, options.rows);
  const isWanted = await wantedRows(source, ports.tables, options);
  closeIdleInstances();
  const rows = exportRows(source, options, columns, isWanted, nameOf, ports);
  if (rows.count === 0) throw new AppError('not_found', nothingServed(options, source));
  const training = trainingCounts(options.set);
  const written = await writeSplits(rows, options, columns, ports, training);
  // An extension may well bring nothing but rows of the embargo, and goes on from there; of an export nothing would be left.
  if (written.files.length === 0 && options.after === undefined) throw nothingWritten(rows.count, written);
  const keyId = options.ids?.form === 'pseudonym' ? (ports.pseudonyms?.keyId ?? null) : null;
  return buildManifest(
    { versions: source.versions, options, columns, keyId },
    {
      ...written,
      rows: rows.count,
      knownAssumedRows: rows.knownAssumed,
      ...(rows.unknownPayments === 0 ? {} : { unknownPaymentRows: rows.unknownPayments }),
      served: rows.served(),
      leakage: leakageOf(source, options, rows, training),
      histograms: training.histograms(),
    },
  );
}

function nothingWritten(count: number, written: WrittenSplits): AppError {
  const { embargoRows: embargo, crossedRows: crossed, unobservedRows, sampledOutRows: sampledOut } = written;
  const unobserved = unobservedRows ?? 0;
  const told = `${embargo} in the embargo, ${crossed} crossed, ${unobserved} unobserved, ${sampledOut} not drawn`;
  const hint = 'choose other cuts, --embargo keep, or --unobserved keep';
  const message = `none of the ${count} rows goes into a file (${told}): ${hint}`;
  return new AppError('not_found', message, { rows: count, embargo, crossed, unobserved, sampledOut });
}

function nothingServed({ set }: ExportOptions, { versions }: SilverSource): string {
  const table = `silver.decisions@${versions['silver/decisions']}`;
  return `${table} has no decision of ${set.name}@${set.version} for the rows: leave --from-decisions out to recompute`;
}

/** @throws AppError `leakage_found` where a finding is to fail. */
function leakageOf(
  source: SilverSource,
  { set, leakage = 'warn' }: ExportOptions,
  { order }: ExportRows,
  training: TrainingCounts,
): ExportManifest['leakage'] {
  if (leakage === 'off') return null;
  const findings = [...leaksOfCounts(set, training.counts()), ...leaksOfOrder(source, set, readsFor(source)(order))];
  const [first] = findings;
  if (leakage === 'fail' && first !== undefined) {
    const others = findings.length > 1 ? `, and ${findings.length - 1} more` : '';
    const hint = 'leave the feature out, or see all findings with --leakage warn';
    throw new AppError('leakage_found', `${leakText(first)}${others}: ${hint}`, { feature: first.feature });
  }
  return { rule: LEAKAGE_RULE, findings };
}

/** What ids are written as. @throws AppError `usage` where pseudonyms are asked for and there is no key. */
function idNames({ ids }: ExportOptions, { pseudonyms }: ExportPorts): (column: IdColumn, id: string) => string {
  if (ids === undefined || ids.form === 'clear') return (_, id) => id;
  if (pseudonyms === undefined) throw new AppError('usage', 'pseudonyms need a key, and none was given');
  return (column, id) => pseudonyms.of(ID_COLUMNS[column].kind, id);
}

function idsAsked({ ids }: ExportOptions): readonly IdColumn[] {
  return ids?.columns ?? [];
}
