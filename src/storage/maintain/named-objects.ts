import { deletionVectorPlace } from '../deletion-vectors/deletion-vector.ts';
import type { DeletionVectorDescriptor, FileIdentity } from '../log/actions.ts';
import { tablePrefix } from '../log/log-names.ts';
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
  return place.kind === 'relative' ? tablePrefix(table) + place.path : store.keyOfUri(place.path);
}

/** The keys of the objects that a file action names: its data, and its deletion vector where that is a file. */
export function objectsOf({ store, table, keyOf }: TableLog, { path, deletionVector }: FileIdentity): string[] {
  const vector = vectorKey(store, table, deletionVector);
  return vector === undefined ? [keyOf(path)] : [keyOf(path), vector];
}

/** Requests that are under way at once. */
const PARALLEL = 16;

/** Does something with each of many, several at once; what fails first is thrown when the others under way have ended. */
export async function forEachAtOnce<T>(items: Iterable<T>, act: (item: T) => Promise<void>): Promise<void> {
  const next = items[Symbol.iterator]();
  let failure: { readonly error: unknown } | undefined;
  const work = async (): Promise<void> => {
    for (let item = next.next(); item.done !== true && failure === undefined; item = next.next()) {
      await act(item.value).catch((error: unknown) => {
        failure ??= { error };
      });
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  if (failure !== undefined) throw (failure as { readonly error: unknown }).error;
}
