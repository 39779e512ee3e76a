import { type ExactJson, isJsonObject } from '../../base/exact-json.ts';
import type { FileFacts } from '../expression/file-facts.ts';
import { type ColumnMappingMode, columnMappingMode, storedName } from '../log/physical-schema.ts';
import type { Cell } from '../types/cell.ts';
import { type DeltaType, isNested, type StructField, type StructType } from '../types/delta-type.ts';
import { parsePartitionValue } from '../types/partition-values.ts';
import { boundCell, type StatisticsTree } from '../types/statistics.ts';
import type { DataFile, Snapshot } from './snapshot.ts';

/** What the log says of a file, asked by the names of the table's columns. */
export type FactsOf = (file: Pick<DataFile, 'partitionValues' | 'statistics'>) => FileFacts;

interface Place {
  /** Names by which statistics and partition values go. */
  readonly names: readonly string[];
  readonly type: DeltaType;
  readonly isPartition: boolean;
  /** Whether older files hold it as a float. */
  readonly wasFloat: boolean;
}

/** Facts of a snapshot's files, partition values and statistics. */
export function factsOf(snapshot: Snapshot): FactsOf {
  const placeOf = placeFinder(snapshot);
  return (file) => {
    // Statistics are parsed only where a column asks for them.
    const valueAt = (tree: (of: NonNullable<ReturnType<DataFile['statistics']>>) => StatisticsTree, path: Place) => {
      const statistics = file.statistics();
      return statistics === undefined ? undefined : at(tree(statistics), path.names);
    };
    return {
      get numRecords() {
        return file.statistics()?.numRecords;
      },
      partitionValue(path) {
        const place = placeOf(path);
        if (!place.isPartition) return { known: false };
        const [name = ''] = place.names;
        const text = file.partitionValues[name] ?? null;
        return { known: true, value: parsePartitionValue(place.type, text, path.join('.')) as Cell };
      },
      min: (path) => {
        const place = placeOf(path);
        return boundOf(
          place,
          valueAt(({ minValues }) => minValues, place),
          Math.min,
        );
      },
      max: (path) => {
        const place = placeOf(path);
        return boundOf(
          place,
          valueAt(({ maxValues }) => maxValues, place),
          Math.max,
        );
      },
      nullCount(path) {
        const count = valueAt(({ nullCount }) => nullCount, placeOf(path));
        if (typeof count !== 'number') return undefined;
        const statistics = file.statistics();
        // With loose bounds only "none" and "all" mean something (PROTOCOL.md, "Per-file Statistics").
        const isSure = statistics?.tightBounds !== false || count === 0 || count === statistics.numRecords;
        return isSure ? count : undefined;
      },
    };
  };
}

/**
 * A bound of a column. Writers give bounds of floats in as few digits as tell floats apart: 0.7 stands for
 * 0.699999988079071, which is what a column that is a double by now has.
 *
 * @param outer which of two numbers lies further out.
 */
function boundOf(
  { type, wasFloat }: Place,
  bound: ExactJson | undefined,
  outer: (own: number, asFloat: number) => number,
): Cell | undefined {
  const cell = boundCell(type, bound);
  return wasFloat && typeof cell === 'number' ? outer(cell, Math.fround(cell)) : cell;
}

/** Whether the type of a field was widened from float (PROTOCOL.md, "Type Change Metadata"). */
function isWidenedFloat({ metadata }: StructField): boolean {
  const changes = metadata['delta.typeChanges'];
  return Array.isArray(changes) && changes.some((change) => isJsonObject(change) && change.fromType === 'float');
}

function placeFinder(snapshot: Snapshot): (path: readonly string[]) => Place {
  const mode = columnMappingMode(snapshot);
  const known = new Map<string, Place>();
  return (path) => {
    const key = path.join('\0');
    const found = known.get(key);
    if (found !== undefined) return found;
    const place = findPlace(snapshot, mode, path);
    known.set(key, place);
    return place;
  };
}

function findPlace({ schema, partitionColumns }: Snapshot, mode: ColumnMappingMode, path: readonly string[]): Place {
  const names: string[] = [];
  let type: DeltaType = schema;
  let wasFloat = false;
  for (const name of path) {
    const struct: StructType | undefined = isNested(type) && type.type === 'struct' ? type : undefined;
    const member: StructField | undefined = struct?.fields.find((item) => item.name === name);
    if (member === undefined) break;
    names.push(storedName(member, mode));
    type = member.type;
    wasFloat = isWidenedFloat(member);
  }
  return { names, type, isPartition: path.length === 1 && partitionColumns.includes(path[0] ?? ''), wasFloat };
}

function at(tree: StatisticsTree, names: readonly string[]): StatisticsTree[string] | undefined {
  let value: StatisticsTree[string] | undefined = tree;
  for (const name of names) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    value = (value as StatisticsTree)[name];
  }
  return value;
}
