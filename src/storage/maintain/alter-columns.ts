import { AppError } from '../../base/errors.ts';
import { columnMappingMode } from '../log/physical-schema.ts';
import { isSupported } from '../log/table-features.ts';
import { isEnabled } from '../log/table-properties.ts';
import type { Snapshot } from '../scan/snapshot.ts';
import type { CommitOutcome } from '../transaction/commit-loop.ts';
import type { TransactionContext } from '../transaction/work.ts';
import {
  type DeltaType,
  findField,
  isNested,
  type StructField,
  type StructType,
  structOf,
  typeName,
} from '../types/delta-type.ts';
import { jsonOfType } from '../types/schema-json.ts';
import { type Redefinition, redefined } from '../write/redefine-table.ts';
import { tableRules } from '../write/table-rules.ts';
import { widened } from '../write/widen-type.ts';
import { type Alteration, alterTable } from './alter-table.ts';
import { clusteringColumns } from './clustering-order.ts';

/**
 * Adds columns, null in all rows that are there. @throws AppError invalid_request for a name that is
 * there, or a column that takes no nulls.
 */
export function addColumns(context: TransactionContext, fields: readonly StructField[]): Promise<CommitOutcome> {
  return alterTable(context, (snapshot) => {
    for (const { name, nullable } of fields) {
      if (findField(snapshot.schema, name) !== undefined)
        throw new AppError('invalid_request', `There is a column ${name} already`, { column: name });
      if (!nullable)
        throw new AppError('invalid_request', `The new column ${name} must take nulls: older rows have no value`);
    }
    return changed(
      snapshot,
      'ADD COLUMNS',
      { columns: JSON.stringify(fields.map(({ name, type }) => ({ column: { name, type: jsonOfType(type) } }))) },
      [...snapshot.schema.fields, ...fields],
    );
  });
}

/** Renames a column; files keep its physical name. @throws AppError invalid_request without column mapping. */
export function renameColumn(
  context: TransactionContext,
  path: readonly string[],
  name: string,
): Promise<CommitOutcome> {
  return alterTable(context, (snapshot) => {
    checkMapped(snapshot);
    checkFree(snapshot, path);
    const fields = changeAt(snapshot.schema, path, (item, siblings) => {
      if (findField(structOf(siblings), name) !== undefined)
        throw new AppError('invalid_request', `There is a column ${name} already`);
      return { ...item, name };
    });
    const partitionColumns = snapshot.partitionColumns.map((own) =>
      path.length === 1 && own === path[0] ? name : own,
    );
    const names = { oldColumnPath: path.join('.'), newColumnPath: [...path.slice(0, -1), name].join('.') };
    return changed(snapshot, 'RENAME COLUMN', names, fields, { partitionColumns });
  });
}

/** Drops a column; its values stay in the files. @throws AppError invalid_request without column mapping. */
export function dropColumn(context: TransactionContext, path: readonly string[]): Promise<CommitOutcome> {
  return alterTable(context, (snapshot) => {
    checkMapped(snapshot);
    checkFree(snapshot, path);
    const [name = ''] = path;
    const isClustered = clusteringColumns(snapshot).some((own) => path.every((part, at) => own[at] === part));
    if (isClustered || (path.length === 1 && snapshot.partitionColumns.includes(name))) {
      throw new AppError('invalid_request', `Files of ${snapshot.table} are laid out by ${name}: it cannot be dropped`);
    }
    return changed(
      snapshot,
      'DROP COLUMNS',
      { columns: JSON.stringify([path.join('.')]) },
      changeAt(snapshot.schema, path, () => undefined),
    );
  });
}

/** Gives a column a wider type; files keep theirs. @throws AppError invalid_request for what is no widening. */
export function widenColumn(
  context: TransactionContext,
  path: readonly string[],
  type: DeltaType,
): Promise<CommitOutcome> {
  return alterTable(context, (snapshot) => {
    if (!isSupported(snapshot.protocol, 'typeWidening') || !isEnabled(snapshot.metadata, 'delta.enableTypeWidening')) {
      throw new AppError(
        'invalid_request',
        `Types of ${snapshot.table} are not widened: set delta.enableTypeWidening first`,
      );
    }
    checkFree(snapshot, path);
    const fields = changeAt(snapshot.schema, path, (item) => {
      const wider = widened(item, type);
      if (wider !== undefined) return wider;
      throw new AppError(
        'invalid_request',
        `${path.join('.')} is ${typeName(item.type)}, which ${typeName(type)} does not widen`,
      );
    });
    return changed(
      snapshot,
      'CHANGE COLUMN',
      { column: JSON.stringify({ name: path.join('.'), type: jsonOfType(type) }) },
      fields,
    );
  });
}

/** Lets a column take nulls. */
export function dropNotNull(context: TransactionContext, path: readonly string[]): Promise<CommitOutcome> {
  return alterTable(context, (snapshot) =>
    changed(
      snapshot,
      'CHANGE COLUMN',
      { column: JSON.stringify({ name: path.join('.'), nullable: true }) },
      changeAt(snapshot.schema, path, (item) => ({ ...item, nullable: true })),
    ),
  );
}

function changed(
  snapshot: Snapshot,
  operation: string,
  parameters: Alteration['parameters'],
  fields: readonly StructField[],
  more: Pick<Redefinition, 'partitionColumns'> = {},
): Alteration {
  return { operation, parameters, ...redefined(snapshot, { schema: structOf(fields), ...more }).change };
}

function changeAt(
  { fields }: StructType,
  path: readonly string[],
  change: (item: StructField, siblings: readonly StructField[]) => StructField | undefined,
): StructField[] {
  const [name = '', ...rest] = path;
  if (!fields.some((item) => item.name === name))
    throw new AppError('not_found', `There is no column ${name}`, { column: name });
  return fields.flatMap((item) => {
    if (item.name !== name) return [item];
    if (rest.length === 0) {
      const next = change(item, fields);
      return next === undefined ? [] : [next];
    }
    if (!isNested(item.type) || item.type.type !== 'struct') {
      throw new AppError('not_found', `${name} has no field ${rest.join('.')}`, { column: name });
    }
    return [{ ...item, type: structOf(changeAt(item.type, rest, change)) }];
  });
}

function checkMapped(snapshot: Snapshot): void {
  if (columnMappingMode(snapshot) !== 'none') return;
  throw new AppError(
    'invalid_request',
    `Files of ${snapshot.table} name its columns: set delta.columnMapping.mode to name first`,
    { table: snapshot.table },
  );
}

/** Refuses to change a column that constraints or other columns are made from. */
function checkFree(snapshot: Snapshot, path: readonly string[]): void {
  const rules = tableRules(snapshot, 0n);
  const uses = [
    ...rules.checks.map(({ name, condition }) => ({ what: `the constraint ${name}`, formula: condition })),
    ...[...rules.generated].map(([name, formula]) => ({ what: `the generated column ${name}`, formula })),
  ];
  const found = uses.find(({ formula }) => formula.columns.some((column) => column.path[0] === path[0]));
  if (found === undefined) return;
  throw new AppError('invalid_request', `The column ${path.join('.')} is used by ${found.what}`, {
    table: snapshot.table,
  });
}
