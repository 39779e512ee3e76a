import type { FeatureDefinition } from '../features/definition/definition.ts';
import { type ReservedName, STATUS_SUFFIX } from '../features/definition/reserved-names.ts';
import { FEATURE_STATUS_NAMES } from '../features/feature-status.ts';
import { arrayOf, type DeltaType, field, type StructType } from '../storage/types/delta-type.ts';
import { ID_COLUMNS } from './entity-columns.ts';
import { EXPORT_FORMAT } from './export-format.ts';
import type { ExportOptions } from './export-options.ts';

/** A column of an export, as the manifest says it. */
export interface ExportColumn {
  readonly name: string;
  readonly type: DeltaType;
  readonly role: 'key' | 'decision' | 'feature' | 'status' | 'label' | 'weight';
  readonly description: string;
}

/** What of the options says which columns there are. */
export type ColumnOptions = Pick<
  ExportOptions,
  'set' | 'doubles' | 'sample' | 'weighsControl' | 'status' | 'ids' | 'eventKeys' | 'rows'
>;

/** A column that is no feature: its name is one that no feature has. */
const column = (
  name: ReservedName,
  type: DeltaType,
  role: ExportColumn['role'],
  description: string,
): ExportColumn => ({ name, type, role, description });

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

const WEIGHT = column('weight', 'double', 'weight', 'How many rows it stands for, where rows like it were left out');

/** Of rows of the user's own file. */
const USER_KEYS: readonly ExportColumn[] = [
  column('row', 'long', 'key', 'Which row of the file it is, from 1'),
  column('end_to_end_id', 'string', 'key', 'The payment that the row is of, which it does not see'),
  column('side', 'string', 'key', 'PAYER or PAYEE, where the file says'),
  column('event_time', 'timestamp', 'key', 'The instant that the row is at'),
  column('known_time', 'timestamp', 'key', 'What was known then is what the row sees'),
  column('reconstructed', 'boolean', 'key', 'Whether what it sees was chosen by known time, for want of a number'),
];

const EVENT_KEYS: readonly ExportColumn[] = [
  column('journal_id', 'string', 'key', 'The journal that recorded it, as in silver.transactions'),
  column('journal_position', 'long', 'key', 'Its position in that journal'),
];

/** What the numbers of statuses mean, for people. */
export const STATUS_CODES = FEATURE_STATUS_NAMES.map((name, code) => `${code} ${name}`).join(', ');

/**
 * The columns of an export, in their order: keys, decision, features in the order of the set (each
 * with its status behind it, or all statuses packed after the last), label, weight. Each has a name of its own.
 */
export function exportColumns(options: ColumnOptions): readonly ExportColumn[] {
  return [
    ...(options.rows === undefined ? KEYS : USER_KEYS),
    ...(options.eventKeys === true ? EVENT_KEYS : []),
    ...idColumns(options),
    ...(options.rows === undefined ? DECISION : []),
    ...featureColumns(options),
    ...LABEL,
    ...(options.sample === undefined && options.weighsControl !== true ? [] : [WEIGHT]),
  ];
}

function idColumns({ ids }: ColumnOptions): ExportColumn[] {
  if (ids === undefined) return [];
  const form = ids.form === 'pseudonym' ? ': a pseudonym, the same wherever it stands' : '';
  return ids.columns.map((name) => column(name, 'string', 'key', `${ID_COLUMNS[name].description}${form}`));
}

function featureColumns({ set, doubles, status }: ColumnOptions): ExportColumn[] {
  const packed = column('feature_status', 'binary', 'status', `Of each feature in their order a byte: ${STATUS_CODES}`);
  const features = set.definition.features.flatMap(({ name, description }: FeatureDefinition): ExportColumn[] => {
    const feature = { name, type: doubles === true ? 'double' : 'float', role: 'feature', description } as const;
    if (status !== 'columns') return [feature];
    const why = `Why ${name} has a value or none: ${STATUS_CODES}`;
    return [feature, { name: `${name}${STATUS_SUFFIX}`, type: 'byte', role: 'status', description: why }];
  });
  return status === 'packed' ? [...features, packed] : features;
}

/** The schema of an export's files; the meaning of a column is the `comment` of its field. */
export function exportSchema(columns: readonly ExportColumn[]): StructType {
  return {
    type: 'struct',
    fields: columns.map(({ name, type, description }) => field(name, type, { metadata: { comment: description } })),
  };
}

/** The data dictionary that files carry, as JSON: what the set and each column are. */
export function dataDictionary({ set }: ColumnOptions, columns: readonly ExportColumn[]): string {
  return JSON.stringify({
    format: EXPORT_FORMAT,
    featureSet: { name: set.name, version: set.version, description: set.definition.description },
    columns,
  });
}
