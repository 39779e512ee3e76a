import { AppError } from '../base/errors.ts';
import type { FeatureDefinition } from '../features/definition.ts';
import { arrayOf, type DeltaType, field, type StructType } from '../storage/types/delta-type.ts';
import type { ExportOptions } from './export-options.ts';

/** A column of an export, as the manifest says it. */
export interface ExportColumn {
  readonly name: string;
  readonly type: DeltaType;
  readonly role: 'key' | 'decision' | 'feature' | 'label' | 'weight';
  readonly description: string;
}

/** What of the options says which columns there are. */
export type ColumnOptions = Pick<ExportOptions, 'set' | 'doubles' | 'sample'>;

const column = (name: string, type: DeltaType, role: ExportColumn['role'], description: string): ExportColumn => ({
  name,
  type,
  role,
  description,
});

const KEYS: readonly ExportColumn[] = [
  column('end_to_end_id', 'string', 'key', 'The payment’s id'),
  column('side', 'string', 'key', 'Whose payment service asked: PAYER or PAYEE'),
  column('event_time', 'timestamp', 'key', 'When the payment was accepted'),
  column('known_time', 'timestamp', 'key', 'When we learned of it'),
  column('source_id', 'string', 'key', 'The id in an imported file'),
];

const DECISION: readonly ExportColumn[] = [
  column('decision', 'string', 'decision', 'What was decided; null where nothing was'),
  column('policy_version', 'string', 'decision', 'The policy that decided'),
  column('degraded', arrayOf('string', false), 'decision', 'What the decision was made without'),
  column('outcome_observed', 'boolean', 'decision', 'Whether the payment went through, so that fraud could show'),
];

const LABEL: readonly ExportColumn[] = [
  column('label', 'integer', 'label', '1 fraud, 0 not, null contested, censored or without an outcome'),
  column('label_state', 'string', 'label', 'The latest state of the contest that the row may know'),
  column('label_known_time', 'timestamp', 'label', 'When that state was known'),
  column('split', 'string', 'label', 'The split that the row is in'),
];

const WEIGHT = column(
  'weight',
  'double',
  'weight',
  'How many rows it stands for: 1/keep where rows like it were left out',
);

/**
 * The columns of an export, in their order: keys, decision, features in the order of the set, label, weight.
 *
 * @throws AppError `usage` where a feature has the name of another column.
 */
export function exportColumns({ set, doubles, sample }: ColumnOptions): readonly ExportColumn[] {
  const features = set.definition.features.map(({ name, description }: FeatureDefinition) =>
    column(name, doubles === true ? 'double' : 'float', 'feature', description),
  );
  const columns = [...KEYS, ...DECISION, ...features, ...LABEL, ...(sample === undefined ? [] : [WEIGHT])];
  checkNames(columns);
  return columns;
}

function checkNames(columns: readonly ExportColumn[]): void {
  const names = columns.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice === undefined) return;
  throw new AppError(
    'usage',
    `the export has a column ${twice} of its own: the feature of this name needs another one`,
  );
}

/** The schema of an export's files. */
export function exportSchema(columns: readonly ExportColumn[]): StructType {
  return { type: 'struct', fields: columns.map(({ name, type }) => field(name, type)) };
}
