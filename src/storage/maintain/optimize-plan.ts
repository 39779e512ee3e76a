import type { PartitionValues } from '../log/actions.ts';
import type { DataFile } from '../scan/snapshot.ts';
import { partitionKey } from '../types/partition-values.ts';

/** Files of one partition that become one file, or a sorted row of files. */
export interface Bin {
  readonly partition: PartitionValues;
  readonly files: readonly DataFile[];
  readonly bytes: number;
}

/** Share of a file's rows from which on a deletion vector is worth writing the file anew for. */
const MOST_DELETED = 0.05;

/**
 * Packs small files, partition by partition, into bins of about the size that a file should have; a
 * file of which many rows are deleted is taken whatever its size. A bin of one file without deleted
 * rows would change nothing and is left out.
 */
export function packFiles(files: Iterable<DataFile>, targetBytes: number): Bin[] {
  const small = [...files].filter((file) => file.sizeBytes < targetBytes || isHollow(file));
  return packAll(small, targetBytes).filter((bin) => bin.files.length > 1 || bin.files.some(isHollow));
}

/** Packs files, partition by partition, into bins of about a size, whatever their own is. */
export function packAll(files: Iterable<DataFile>, targetBytes: number): Bin[] {
  const bins: Bin[] = [];
  for (const group of byPartition(files)) {
    // In the order in which they came: rows that were written together stay together.
    let open: DataFile[] = [];
    let bytes = 0;
    for (const file of group) {
      if (open.length > 0 && bytes + file.sizeBytes > targetBytes) {
        bins.push(binOf(open));
        open = [];
        bytes = 0;
      }
      open.push(file);
      bytes += file.sizeBytes;
    }
    bins.push(binOf(open));
  }
  return bins;
}

/** All files of each partition, to be sorted. */
export function wholePartitions(files: Iterable<DataFile>): Bin[] {
  return byPartition(files).map(binOf);
}

/** Bins that go into one commit: together of a size that is soon written, so that a killed run loses little. */
export function commitGroups(bins: readonly Bin[], groupBytes: number): Bin[][] {
  const groups: Bin[][] = [];
  let open: Bin[] = [];
  let bytes = 0;
  for (const bin of bins) {
    if (open.length > 0 && bytes + bin.bytes > groupBytes) {
      groups.push(open);
      open = [];
      bytes = 0;
    }
    open.push(bin);
    bytes += bin.bytes;
  }
  if (open.length > 0) groups.push(open);
  return groups;
}

function byPartition(files: Iterable<DataFile>): DataFile[][] {
  const groups = new Map<string, DataFile[]>();
  for (const file of files) {
    const key = partitionKey(file.partitionValues);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [file]);
    else group.push(file);
  }
  return [...groups.values()];
}

function binOf(files: readonly DataFile[]): Bin {
  const bytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return { partition: files[0]?.partitionValues ?? {}, files, bytes };
}

function isHollow({ add, statistics }: DataFile): boolean {
  if (add.deletionVector === undefined) return false;
  return add.deletionVector.cardinality > MOST_DELETED * (statistics()?.numRecords ?? Number.POSITIVE_INFINITY);
}
