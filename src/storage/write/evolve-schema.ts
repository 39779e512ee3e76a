import { AppError } from '../../base/errors.ts';
import type { Metadata, Protocol } from '../log/actions.ts';
import { columnMappingMode } from '../log/physical-schema.ts';
import { isSupported } from '../log/table-features.ts';
import { isEnabled } from '../log/table-properties.ts';
import type { Snapshot } from '../scan/snapshot.ts';
import {
  type DeltaType,
  isNested,
  isSameType,
  type StructField,
  type StructType,
  structOf,
  typeName,
} from '../types/delta-type.ts';
import { serializeSchema } from '../types/schema-json.ts';
import { mappedFields } from './column-ids.ts';
import { widened } from './widen-type.ts';

/** A snapshot as a write leaves it: with new columns and wider types. */
export interface EvolvedSnapshot {
  readonly snapshot: Snapshot;
  /** What the commit must carry; absent where nothing changed. */
  readonly metadata?: Metadata;
  readonly protocol?: Protocol;
}

/**
 * The table that takes rows of a schema: as it is, or, where that is wanted, with the columns that it
 * lacks (they are null in older files) and its types widened, where it may.
 *
 * @throws AppError invalid_request where the rows do not fit.
 */
export function evolvedFor(snapshot: Snapshot, rows: StructType, mayEvolve: boolean): EvolvedSnapshot {
  if (!mayEvolve) return { snapshot };
  const merged = mergedStruct(snapshot, snapshot.schema, rows, '');
  if (serializeSchema(merged) === serializeSchema(snapshot.schema)) return { snapshot };
  return evolvedTo(snapshot, merged);
}

/** A snapshot with another schema, whose new columns get ids where the table maps columns. */
export function evolvedTo(snapshot: Snapshot, wanted: StructType): EvolvedSnapshot {
  const { metadata } = snapshot;
  const mapped =
    columnMappingMode(snapshot) === 'none' ? { schema: wanted, configuration: {} } : mappedFields(wanted, metadata);
  const next: Metadata = {
    ...metadata,
    schemaString: serializeSchema(mapped.schema),
    configuration: { ...metadata.configuration, ...mapped.configuration },
  };
  return { snapshot: { ...copyOf(snapshot), schema: mapped.schema, metadata: next }, metadata: next };
}

/** A copy that keeps what a snapshot computes when it is asked. */
function copyOf(snapshot: Snapshot): Snapshot {
  return Object.defineProperties({}, Object.getOwnPropertyDescriptors(snapshot)) as Snapshot;
}

function mergedStruct(snapshot: Snapshot, own: StructType, rows: StructType, path: string): StructType {
  const find = (name: string): StructField | undefined =>
    rows.fields.find((item) => item.name.toLowerCase() === name.toLowerCase());
  const kept = own.fields.map((item) => {
    const found = find(item.name);
    return found === undefined ? item : mergedField(snapshot, item, found, `${path}${item.name}`);
  });
  const names = new Set(own.fields.map(({ name }) => name.toLowerCase()));
  const added = rows.fields
    .filter(({ name }) => !names.has(name.toLowerCase()))
    .map((item) => ({ ...item, nullable: true, metadata: {} }));
  return structOf([...kept, ...added]);
}

function mergedField(snapshot: Snapshot, own: StructField, rows: StructField, path: string): StructField {
  if (isSameType(own.type, rows.type)) return own;
  if (isStruct(own.type) && isStruct(rows.type)) {
    return { ...own, type: mergedStruct(snapshot, own.type, rows.type, `${path}.`) };
  }
  const mayWiden =
    isSupported(snapshot.protocol, 'typeWidening') && isEnabled(snapshot.metadata, 'delta.enableTypeWidening');
  const wider = mayWiden ? widened(own, rows.type) : undefined;
  // A narrower type of the rows fits as it is.
  if (wider === undefined && widened(rows, own.type) !== undefined) return own;
  if (wider !== undefined) return wider;
  throw new AppError(
    'invalid_request',
    `The column ${path} is ${typeName(own.type)} and the rows have ${typeName(rows.type)}`,
    { column: path },
  );
}

function isStruct(type: DeltaType): type is StructType {
  return isNested(type) && type.type === 'struct';
}
