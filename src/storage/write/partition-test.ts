import type { PartitionValues } from '../log/actions.ts';
import { columnMappingMode, storedName } from '../log/physical-schema.ts';
import type { Snapshot } from '../scan/snapshot.ts';
import { partitionValueKey } from '../types/partition-values.ts';

/** Whether a file with these partition values, by the names that files go by, is meant. */
export type PartitionTest = (values: PartitionValues) => boolean;

/**
 * Tests whether a file lies in one of some partitions; columns that one of them does not name are not
 * asked. Values are compared, not their texts: engines write one double as `1` and as `1.0`, one instant
 * with a zone and without.
 *
 * @param partitions values by the names that files go by.
 */
export function partitionTest(
  snapshot: Pick<Snapshot, 'protocol' | 'metadata' | 'schema'>,
  partitions: readonly PartitionValues[],
): PartitionTest {
  const mode = columnMappingMode(snapshot);
  const types = new Map(snapshot.schema.fields.map((item) => [storedName(item, mode), item.type]));
  const keyOf = (values: PartitionValues, names: readonly string[]): string =>
    JSON.stringify(names.map((name) => partitionValueKey(types.get(name) ?? 'string', values[name] ?? null)));
  // A table has thousands of partitions, and a write replaces hundreds: each is looked up.
  const wanted = new Map<string, { readonly names: readonly string[]; readonly keys: Set<string> }>();
  for (const partition of partitions) {
    const names = Object.keys(partition).sort();
    const shape = JSON.stringify(names);
    const group = wanted.get(shape) ?? { names, keys: new Set<string>() };
    wanted.set(shape, group);
    group.keys.add(keyOf(partition, names));
  }
  const groups = [...wanted.values()];
  return (values) => groups.some(({ names, keys }) => keys.has(keyOf(values, names)));
}
