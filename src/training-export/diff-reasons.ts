import { changedValues } from '../features/definition/changed-values.ts';
import { STATUS_SUFFIX } from '../features/definition/reserved-names.ts';
import type { CellRow } from '../storage/types/cell.ts';
import { isIdColumn } from './entity-columns.ts';
import type { ExportColumn } from './export-columns.ts';
import type { ExportManifest } from './manifest.ts';
import { CORRECTIONS, PINNED_TABLES } from './source-snapshots.ts';

/** What two exports were made of differently: a member of the manifest, with both values. */
export interface MadeOf {
  readonly what: string;
  readonly first: string;
  readonly second: string;
}

const SHORT = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** What two exports were made of differently. */
export function differentOrigins(first: ExportManifest, second: ExportManifest): MadeOf[] {
  const facts = ({ tables, featureSet, labels, split, group, where, sample, ids, ...others }: ExportManifest) => ({
    ...tables,
    [CORRECTIONS]: tables[CORRECTIONS] ?? null,
    featureSet: `${featureSet.name}@${featureSet.version}`,
    fromDecisions: isServed(others),
    rowsFile: others.rowsFile?.sha256 ?? null,
    to: others.to,
    labelsAsOf: labels.asOf,
    horizonMicros: labels.horizonMicros,
    maturityMicros: labels.maturityMicros,
    counted: labels.counted,
    unobserved: others.weighed !== undefined ? 'weigh' : others.unobservedRows === null ? 'keep' : 'drop',
    split,
    group,
    where,
    sample,
    ids,
    featureType: others.featureType,
  });
  const left: Readonly<Record<string, unknown>> = facts(first);
  const right: Readonly<Record<string, unknown>> = facts(second);
  return Object.keys(left)
    .filter((what) => SHORT(left[what]) !== SHORT(right[what]))
    .map((what) => ({ what, first: SHORT(left[what]), second: SHORT(right[what]) }));
}

function isServed({ served }: Pick<ExportManifest, 'served'>): boolean {
  return served !== null;
}

/** Why a value of a column may differ between two exports, for a row that both have. */
export type ReasonOf = (first: CellRow, second: CellRow) => string;

/**
 * Makes the reasons of each column once; a row only chooses among them.
 *
 * @throws ExpressionError `feature_invalid` where an expression of the second export's set cannot be read.
 */
export function reasonsFor(first: ExportManifest, second: ExportManifest): (column: ExportColumn) => ReasonOf {
  const versions = PINNED_TABLES.filter((table) => first.tables[table] !== second.tables[table]);
  const tables = versions.length === 0 ? 'unknown: both were made of the same' : `versions of ${versions.join(', ')}`;
  const changed = changedValues(first.featureSet.definition, second.featureSet.definition);
  const values = isServed(first) === isServed(second) ? tables : 'served in one, recomputed in the other';
  return ({ name, role }) => {
    switch (role) {
      case 'feature':
      case 'status': {
        const feature = name.endsWith(STATUS_SUFFIX) ? name.slice(0, -STATUS_SUFFIX.length) : name;
        const why = changed.has(feature) || (name === 'feature_status' && changed.size > 0) ? 'definition' : values;
        return () => why;
      }
      case 'label':
        return name === 'split' ? () => 'splits' : labelReason(first, second, tables);
      case 'weight':
        return () => 'how negatives are drawn, or outcomes weighed';
      case 'key':
        return () => (isIdColumn(name) && first.ids?.keyId !== second.ids?.keyId ? 'key of the pseudonyms' : tables);
      case 'decision':
        return () => tables;
    }
  };
}

/** A label that one of the exports could not know yet is late; else the policy or the tables differ. */
function labelReason(first: ExportManifest, second: ExportManifest, tables: string): ReasonOf {
  const policyOf = ({ labels: { horizonMicros, maturityMicros, counted }, split }: ExportManifest): string =>
    JSON.stringify([horizonMicros, maturityMicros, counted, split]);
  const hasOtherPolicy = policyOf(first) !== policyOf(second);
  return (one, other) => {
    const [known, then] = [Number(one.label_known_time ?? 0), Number(other.label_known_time ?? 0)];
    if (then !== known && first.labels.asOf !== second.labels.asOf) return 'late label';
    if (hasOtherPolicy) return 'label policy';
    return first.labels.asOf === second.labels.asOf ? tables : 'labels as of';
  };
}
