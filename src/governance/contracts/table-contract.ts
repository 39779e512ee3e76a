import type { TableDefinition } from '../../storage/maintain/create-table.ts';
import { type DeltaType, field, type StructType, structOf } from '../../storage/types/delta-type.ts';

/** A column of a table, as readers may rely on it. */
export interface ColumnContract {
  readonly name: string;
  readonly type: DeltaType;
  readonly nullable: boolean;
  /** Whether it names or describes a person: such columns are masked, and get no statistics in the log. */
  readonly personal: boolean;
  readonly description: string;
}

/** What must hold of every row of a table; a row that breaks it goes to quarantine. */
export interface Expectation {
  /** Names the expectation in quarantine and figures. */
  readonly code: string;
  /** Says it in words, without values. */
  readonly reason: string;
  readonly column: string;
  readonly rule: ExpectationRule;
}

/** A rule over one column. Except for `not_null`, null passes. */
export type ExpectationRule =
  | { readonly kind: 'not_null' }
  | { readonly kind: 'between'; readonly min: number; readonly max: number }
  | { readonly kind: 'one_of'; readonly values: readonly string[] };

/** A table of the lake: its schema, its layout and what holds of its rows. */
export interface TableContract {
  /** The path in the lake, `<layer>/<table>`. */
  readonly path: string;
  readonly description: string;
  readonly columns: readonly ColumnContract[];
  readonly partitionColumns: readonly string[];
  readonly expectations: readonly Expectation[];
  /** Delta's own properties. */
  readonly configuration: Readonly<Record<string, string>>;
}

/** A column that may be null. */
export function optional(name: string, type: DeltaType, description: string): ColumnContract {
  return { name, type, nullable: true, personal: false, description };
}

/** A column that is never null. */
export function required(name: string, type: DeltaType, description: string): ColumnContract {
  return { ...optional(name, type, description), nullable: false };
}

/** The same column, tagged as personal data. */
export function personal(column: ColumnContract): ColumnContract {
  return { ...column, personal: true };
}

/** The Delta schema of a contract; descriptions and tags stay with the columns. */
export function schemaOf(contract: TableContract): StructType {
  return structOf(
    contract.columns.map(({ name, type, nullable, personal: isPersonal, description }) =>
      field(name, type, {
        nullable,
        metadata: { comment: description, ...(isPersonal ? { 'sentinela.personal': true } : {}) },
      }),
    ),
  );
}

/** Types that Spark takes in `delta.dataSkippingStatsColumns`. */
const SKIPPING_TYPES: readonly DeltaType[] = ['string', 'long', 'integer', 'double', 'date', 'timestamp'];

/** Spark's default: how many columns get statistics. */
const MAX_INDEXED_COLUMNS = 32;

/** What creates the table. Bounds of personal columns would be personal data in the log, so they get none. */
export function definitionOf(contract: TableContract): TableDefinition {
  const { path, description, columns, partitionColumns, configuration } = contract;
  const indexed = columns.filter(
    ({ name, personal: isPersonal, type }) =>
      !isPersonal && !partitionColumns.includes(name) && SKIPPING_TYPES.includes(type),
  );
  const names = indexed.slice(0, MAX_INDEXED_COLUMNS).map(({ name }) => name);
  return {
    path,
    schema: schemaOf(contract),
    partitionColumns,
    description,
    configuration: { 'delta.dataSkippingStatsColumns': names.join(','), ...configuration },
  };
}

/** The first expectation that a row breaks; undefined where it keeps all. */
export function brokenExpectation(
  contract: TableContract,
  row: Readonly<Record<string, unknown>>,
): Expectation | undefined {
  return contract.expectations.find(({ column, rule }) => !holds(rule, row[column]));
}

function holds(rule: ExpectationRule, value: unknown): boolean {
  if (value === null || value === undefined) return rule.kind !== 'not_null';
  switch (rule.kind) {
    case 'not_null':
      return true;
    case 'between':
      return (typeof value === 'number' || typeof value === 'bigint') && value >= rule.min && value <= rule.max;
    case 'one_of':
      return typeof value === 'string' && rule.values.includes(value);
  }
}
