import { deletionVectorPlace } from '../deletion-vectors/deletion-vector.ts';
import type { DeletionVectorDescriptor, FileIdentity } from '../log/actions.ts';
import { keyOfVectorPlace } from '../log/file-path.ts';
import type { TableLog } from '../log/table-log.ts';
import type { ObjectStore } from '../store/object-store.ts';

/**
 * The key of the file that holds a deletion vector; undefined for one that stands in the log, and for
 * one that lies outside the store.
 *
 * @throws AppError table_corrupt for a descriptor that names no place.
 */
export function vectorKey(
  store: Pick<ObjectStore, 'keyOfUri'>,
  table: string,
  vector: DeletionVectorDescriptor | undefined,
): string | undefined {
  const place = vector === undefined ? undefined : deletionVectorPlace(vector);
  if (place === undefined) return undefined;
  return keyOfVectorPlace(store, table, place);
}

/** The keys of the objects that a file action names: its data, and its deletion vector where that is a file. */
export function objectsOf({ store, table, keyOf }: TableLog, { path, deletionVector }: FileIdentity): string[] {
  const vector = vectorKey(store, table, deletionVector);
  return vector === undefined ? [keyOf(path)] : [keyOf(path), vector];
}
