import { AppError } from '../../base/errors.ts';
import type { Metadata, Protocol } from '../log/actions.ts';
import { columnMappingMode } from '../log/physical-schema.ts';
import { requiredFeatures } from '../log/required-features.ts';
import { withFeatures } from '../log/table-features.ts';
import type { Snapshot } from '../scan/snapshot.ts';
import { type DeltaType, isNested, type StructType } from '../types/delta-type.ts';
import { serializeSchema } from '../types/schema-json.ts';
import { mappedFields } from './column-ids.ts';
import { tableRules } from './table-rules.ts';

/** What a table is to be. What is left out stays. */
export interface Redefinition {
  readonly schema?: StructType;
  readonly configuration?: Metadata['configuration'];
  readonly partitionColumns?: readonly string[];
  /** Features that nothing in the definition asks for. */
  readonly features?: readonly string[];
}

/** A table with another definition: what a commit must carry, and the snapshot as it is after it. */
export interface RedefinedTable {
  readonly snapshot: Snapshot;
  readonly change: { readonly metadata: Metadata; readonly protocol?: Protocol };
}

/**
 * Gives a table another definition: new columns get ids where the table maps columns, features that the
 * columns and properties need come to the protocol, and what expressions say is understood before a row
 * is held to it.
 *
 * @throws AppError table_unsupported for an expression or a feature that is not.
 */
export function redefined(snapshot: Snapshot, wanted: Redefinition): RedefinedTable {
  const before = snapshot.metadata;
  const own = wanted.configuration ?? before.configuration;
  const asked = wanted.schema ?? snapshot.schema;
  const mapped =
    columnMappingMode(snapshot) === 'none'
      ? { schema: asked, configuration: {} }
      : mappedFields(asked, { configuration: own });
  const configuration = { ...own, ...mapped.configuration };
  const partitionColumns = wanted.partitionColumns ?? before.partitionColumns;
  checkColumns(mapped.schema, partitionColumns);
  const schemaString = serializeSchema(mapped.schema);
  const metadata: Metadata = { ...before, schemaString, partitionColumns, configuration };
  const needed = requiredFeatures({ configuration, schema: mapped.schema });
  const protocol = withFeatures(snapshot.protocol, [...needed, ...(wanted.features ?? [])]);
  // Descriptors, as a snapshot computes some members when they are asked for.
  const copy = Object.defineProperties({}, Object.getOwnPropertyDescriptors(snapshot)) as Snapshot;
  const next: Snapshot = Object.assign(copy, { schema: mapped.schema, metadata, protocol, partitionColumns });
  tableRules(next, 0n);
  return { snapshot: next, change: { metadata, ...(protocol === snapshot.protocol ? {} : { protocol }) } };
}

/**
 * Refuses columns that no file can hold, or no reader tell apart.
 *
 * @throws AppError invalid_request for two fields of one name whatever their case, a struct without fields, a
 * partition column that is not there, and where there is no other column.
 */
export function checkColumns(schema: StructType, partitionColumns: readonly string[]): void {
  checkFields(schema, 'The table');
  for (const name of partitionColumns) {
    if (!schema.fields.some((item) => item.name === name)) {
      throw new AppError('invalid_request', `There is no column ${name} to partition by`, { column: name });
    }
  }
  if (partitionColumns.length >= schema.fields.length) {
    throw new AppError('invalid_request', 'A table needs a column that it is not partitioned by');
  }
}

function checkFields(type: DeltaType, what: string): void {
  if (!isNested(type)) return;
  switch (type.type) {
    case 'struct': {
      if (type.fields.length === 0) throw new AppError('invalid_request', `${what} would have no column left`);
      const names = new Set(type.fields.map(({ name }) => name.toLowerCase()));
      if (names.size < type.fields.length)
        throw new AppError('invalid_request', `${what} would have two columns of one name`);
      for (const { name, type: inner } of type.fields) checkFields(inner, `The column ${name}`);
      return;
    }
    case 'array':
      checkFields(type.elementType, what);
      return;
    case 'map':
      checkFields(type.keyType, what);
      checkFields(type.valueType, what);
  }
}
