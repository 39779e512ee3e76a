import type { PartitionValues } from '../log/actions.ts';
import type { DataFile, Snapshot } from '../scan/snapshot.ts';

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
  const bins: Bin[] = [];
  for (const group of byPartition(files)) {
    const small = group.filter((file) => file.sizeBytes < targetBytes || isHollow(file));
    // In the order in which they came: rows that were written together stay together.
    let open: DataFile[] = [];
    let bytes = 0;
    const close = (): void => {
      if (open.length > 1 || open.some(isHollow)) bins.push(binOf(open));
      open = [];
      bytes = 0;
    };
    for (const file of small) {
      if (open.length > 0 && bytes + file.sizeBytes > targetBytes) close();
      open.push(file);
      bytes += file.sizeBytes;
    }
    close();
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

/** Whether enough small files lie in one partition to pack them; the rule of auto-compaction. */
export function isCompactionDue(snapshot: Snapshot, smallBytes: number, leastFiles: number): boolean {
  const small = [...snapshot.filesWhere(() => true)].filter(({ sizeBytes }) => sizeBytes < smallBytes);
  return byPartition(small).some(({ length }) => length >= leastFiles);
}

function byPartition(files: Iterable<DataFile>): DataFile[][] {
  const groups = new Map<string, DataFile[]>();
  for (const file of files) {
    const key = JSON.stringify(file.partitionValues);
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
  const deleted = add.deletionVector?.cardinality ?? 0;
  return deleted > MOST_DELETED * (statistics()?.numRecords ?? Number.POSITIVE_INFINITY);
}
