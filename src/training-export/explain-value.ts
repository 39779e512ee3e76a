import { AppError } from '../base/errors.ts';
import { didYouMean } from '../base/nearest-name.ts';
import type { PaymentRow } from '../domain/payment-row.ts';
import type { FeatureDefinition } from '../features/definition/definition.ts';
import { parseExpression } from '../features/expression/parse-expression.ts';
import { namesOf } from '../features/expression/syntax.ts';
import type { FeatureOutput } from '../features/feature-output.ts';
import type { FeatureSet } from '../features/feature-set.ts';
import { FEATURE_STATUS_NAMES } from '../features/feature-status.ts';
import { replay } from '../features/replay/replay.ts';
import { type ReplayReads, readsBetween } from '../features/replay/replay-input.ts';
import type { CellRow } from '../storage/types/cell.ts';
import {
  type ExplainedRecord,
  type ExplainedWindow,
  explainLabels,
  explainWindow,
  windowOf,
} from './explained-records.ts';
import type { ExportPorts } from './export-options.ts';
import { exportFileRows } from './export-reader.ts';
import { DECISION_COLUMNS, readsFor } from './export-rows.ts';
import { optionsOfExtension } from './extend-export.ts';
import type { ExportManifest } from './manifest.ts';
import { manifestOptions } from './manifest-options.ts';
import { setOfManifest } from './manifest-set.ts';
import { rowKey } from './ordered-rows.ts';
import { ownRows } from './own-rows.ts';
import { readManifest } from './read-manifest.ts';
import { type SeenRecord, seenRecords } from './seen-records.ts';
import { readSilver, replayRecords, type SilverSource } from './silver-source.ts';
import type { UserFile } from './user-rows.ts';
import { withUserRows } from './user-source.ts';

/** Why a feature of a row has its value. */
export interface ExplainedValue {
  readonly row: string;
  readonly file: string;
  readonly feature: FeatureDefinition;
  /** In the file; null where absent. */
  readonly exported: number | null;
  /** As it is recomputed now, before it is rounded to a float. */
  readonly recomputed: number | null;
  readonly status: string;
  /** The number that the row saw of the feature's entity, and its epoch; null where it is of no entity. */
  readonly saw: { readonly epoch: number; readonly seq: number } | null;
  /** Null for an expression. */
  readonly window: ExplainedWindow | null;
  /** What the row saw of the entity, in the order of the numbers. */
  readonly records: readonly ExplainedRecord[];
  /** What an expression is computed of: features by their values, columns of the payment by name. */
  readonly operands: readonly { readonly name: string; readonly value: number | null; readonly status: string }[];
}

/**
 * Explains a value of an export: what its row saw of the feature's entity, by definition (its number,
 * and the opening of its epoch), and which of that counts. Reads the versions that the row was made of.
 *
 * @param row `END_TO_END_ID SIDE`; the side may be left out where there is one. Of the user's own file its number, from 1.
 * @param rowsFile that file, where the export is made of one.
 * @throws AppError `not_found` for a row or feature that the export does not have, `usage` where that file is not given,
 * `export_mismatch` for another file or feature set, `version_not_found`.
 */
export async function explainValue(
  row: string,
  featureName: string,
  ports: ExportPorts,
  rowsFile: UserFile | null = null,
): Promise<ExplainedValue> {
  const manifest = await readManifest(ports.files);
  const own = await ownRows(manifest, rowsFile);
  if (typeof own === 'string') throw new AppError('export_mismatch', `--rows: ${own}`);
  const set = setOfManifest(manifest);
  const feature = set.definition.features.find(({ name }) => name === featureName);
  if (feature === undefined) {
    throw new AppError('not_found', `the export has no feature ${featureName}${didYouMean(featureName, set.names)}`);
  }
  const found = await findRow(row, manifest, ports);
  const { versions = {} } =
    found.part === 1 ? manifestOptions(manifest, set, own) : optionsOfExtension(manifest, set, found.part - 1);
  const silver = await readSilver(ports.tables, set, versions, { decisions: DECISION_COLUMNS });
  const source = own === null ? silver : withUserRows(silver, own);
  const cell = found.cells[featureName];
  const place =
    source.userRows === null
      ? rowOfKey(source, rowKey(found.cells))
      : source.userRows.first + Number(found.cells.row) - 1;
  const explained = explainRow(source, set, feature, place);
  return { row: rowKey(found.cells), file: found.file, exported: typeof cell === 'number' ? cell : null, ...explained };
}

interface FoundRow {
  readonly cells: CellRow;
  readonly file: string;
  readonly part: number;
}

async function findRow(
  wanted: string,
  { files, fileFormat, columns, rowsFile }: ExportManifest,
  ports: ExportPorts,
): Promise<FoundRow> {
  const matches: FoundRow[] = [];
  for (const { name, part } of files) {
    for await (const cells of exportFileRows(ports.files, name, fileFormat, columns)) {
      const names = [rowKey(cells), String(cells.row ?? cells.end_to_end_id)];
      if (names.includes(wanted)) matches.push({ cells, file: name, part });
    }
  }
  const [first, ...others] = matches;
  if (first === undefined) {
    const form = rowsFile === null ? 'END_TO_END_ID SIDE' : 'its number in your file, from 1';
    throw new AppError('not_found', `the export has no row ${wanted}: write ${form}`);
  }
  if (others.length === 0) return first;
  throw new AppError(
    'usage',
    `${wanted} has ${matches.length} rows: write its side too (${matches.map(({ cells }) => rowKey(cells)).join(', ')})`,
  );
}

function rowOfKey({ payments, sides }: SilverSource, key: string): number {
  let row = payments.count - 1;
  while (row >= 0 && `${payments.ids.at(row)} ${sides.at(row)}` !== key) row -= 1;
  if (row >= 0) return row;
  throw new AppError(
    'export_mismatch',
    `silver.transactions has no row ${key} any more: the export was made of another one`,
  );
}

type Explained = Omit<ExplainedValue, 'row' | 'file' | 'exported'>;

function explainRow(source: SilverSource, set: FeatureSet, feature: FeatureDefinition, row: number): Explained {
  const reads = readsBetween(readsFor(source)(Int32Array.of(row)), 0, 1);
  const vector = replay(set, { ...replayRecords(source), reads }).vector(0);
  const at = set.indexOf(feature.name);
  const value = { feature, recomputed: valueAt(vector, at), status: statusAt(vector, at) };
  if (feature.kind === 'expression') {
    const names = namesOf(parseExpression(feature.expression, `feature '${feature.name}'`)).map(({ name }) => name);
    const operands = [...new Set(names)].map((name) => {
      const place = set.indexOf(name);
      return place < 0
        ? { name, value: null, status: 'of the payment' }
        : { name, value: valueAt(vector, place), status: statusAt(vector, place) };
    });
    return { ...value, saw: null, window: null, records: [], operands };
  }
  return { ...value, ...explainHistory(source, feature, row, reads), operands: [] };
}

function explainHistory(
  source: SilverSource,
  feature: Exclude<FeatureDefinition, { readonly kind: 'expression' }>,
  row: number,
  reads: ReplayReads,
): Pick<ExplainedValue, 'saw' | 'window' | 'records'> {
  const { payments, records } = source;
  const kind = feature.kind === 'label' ? 'payee' : feature.entity;
  const before = seenRecords(source, kind, reads);
  const seen = feature.kind === 'window' && feature.current === 'include' ? withOwn(source, before, row) : before;
  const payment = {
    endToEndId: payments.ids.at(row) ?? null,
    timeMicros: payments.times[row] as number,
    rowOf: (record: { readonly row: number }): PaymentRow => records.row(record.row),
  };
  return {
    saw: { epoch: reads.saw[kind].epochs[0] as number, seq: reads.saw[kind].seqs[0] as number },
    window: windowOf(feature, payment.timeMicros),
    records: feature.kind === 'label' ? explainLabels(feature, payment, seen) : explainWindow(feature, payment, seen),
  };
}

/** The payment itself too, which a row does not see by its number. */
function withOwn({ payments }: SilverSource, seen: readonly SeenRecord[], row: number): readonly SeenRecord[] {
  const endToEndId = payments.ids.at(row) ?? '';
  if (seen.some((record) => record.endToEndId === endToEndId)) return seen;
  const times = {
    eventTimeMicros: payments.times[row] as number,
    knownTimeMicros: payments.places.knownTimes[row] as number,
  };
  return [...seen, { row, what: 'payment', endToEndId, ...times, epoch: 0, seq: 0, state: null }];
}

function valueAt({ values }: FeatureOutput, at: number): number | null {
  const value = values[at] ?? Number.NaN;
  return Number.isNaN(value) ? null : value;
}

function statusAt({ status }: FeatureOutput, at: number): string {
  return FEATURE_STATUS_NAMES[status[at] ?? 255] ?? 'unknown';
}
