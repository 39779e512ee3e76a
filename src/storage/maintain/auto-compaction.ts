import type { Metadata, PartitionValues } from '../log/actions.ts';
import type { FileTable } from '../log/file-table.ts';
import { isEnabled } from '../log/table-properties.ts';
import type { TableState } from '../log/table-state.ts';
import { dataFileOf, type Snapshot } from '../scan/snapshot.ts';
import type { TransactionContext, Work } from '../transaction/work.ts';
import { partitionKey } from '../types/partition-values.ts';
import { targetFileBytes } from '../write/query-writer.ts';
import { rewriteBins } from './optimize.ts';
import { packFiles } from './optimize-plan.ts';

/*
 * Auto-compaction (Delta Spark, AutoCompact, with its defaults): where `delta.autoOptimize.autoCompact` says so,
 * a commit that added files to a partition of 50 small files, smaller than half of what a file should be, is
 * followed by a commit that writes them together. Streaming writers need no OPTIMIZE of their own then.
 */

/** Small files of a partition that make it worth it. */
const LEAST_FILES = 50;
/** Partitions that one commit is followed up in; the others wait for their next commit. */
const MOST_PARTITIONS = 128;

/** What a process knows of a table's small files. */
export interface AutoCompaction {
  /**
   * Looks at what a commit of ours touched, and compacts where it is due.
   *
   * @param before what the table was before it, where that is at hand: one that does not ask costs no look then.
   */
  after(work: Work, before: Pick<TableState, 'metadata'> | undefined): Promise<void>;
}

// Compaction takes DuckDB's memory and both cores: one at a time in a process. Who comes meanwhile leaves his
// files to the next commit.
let isRunning = false;

/** The auto-compaction of a table. */
export function autoCompaction(context: TransactionContext): AutoCompaction {
  let counts: SmallFileCounts | undefined;
  return {
    async after(work, before) {
      // What moved rows only, as compaction does, calls for no compaction.
      const touched = (work.adds ?? []).filter(({ dataChange }) => dataChange);
      if (touched.length === 0 || isRunning) return;
      const known = work.metadata ?? before?.metadata;
      if (known !== undefined && !isAsked(known)) return;
      const snapshot = await context.snapshot();
      if (!isAsked(snapshot.metadata)) return;
      const smallBytes = targetFileBytes(snapshot) / 2;
      const { state } = snapshot;
      if (counts?.files !== state.files || counts.smallBytes !== smallBytes) {
        counts = new SmallFileCounts(state.files, smallBytes);
      }
      const due = counts.dueOf(
        state,
        touched.map(({ partitionValues }) => partitionValues),
      );
      // Another may have begun while this one read.
      if (due.length === 0 || isRunning) return;
      isRunning = true;
      try {
        await compact(context, snapshot, counts.rowsOf(state, due.slice(0, MOST_PARTITIONS)));
      } finally {
        isRunning = false;
      }
    },
  };
}

/** `auto` is a value of Databricks' own, and `delta.autoOptimize` the older property. */
function isAsked(metadata: Metadata): boolean {
  const value = metadata.configuration['delta.autoOptimize.autoCompact']?.trim().toLowerCase();
  return value === 'true' || value === 'auto' || isEnabled(metadata, 'delta.autoOptimize');
}

async function compact(context: TransactionContext, snapshot: Snapshot, rows: Iterable<number>): Promise<void> {
  const fileBytes = targetFileBytes(snapshot);
  const files = [...rows].map((row) => dataFileOf(snapshot.state.files.addOf(row), context.log.keyOf));
  // Not in the order of clustering: what is not marked as clustered the next OPTIMIZE clusters.
  await rewriteBins(context, snapshot, packFiles(files, fileBytes), {
    columns: [],
    isClustered: false,
    fileBytes,
    operation: 'OPTIMIZE',
    parameters: { predicate: '[]', zOrderBy: '[]', auto: 'true' },
  });
}

/**
 * How many small files partitions have: at least so many as there are, so that a table of a million files is
 * not walked after each commit. A partition is counted when it is first touched; rows that came since are
 * added, whoever wrote them, and none is taken off. Only a count that is due is counted again, which
 * happens after as many new files at the earliest as were missing.
 */
export class SmallFileCounts {
  readonly files: FileTable;
  readonly smallBytes: number;
  /** By the number of a partition's values. */
  readonly #counts = new Map<number, number>();
  /** Numbers of partitions by their values, in one spelling. */
  readonly #numbers = new Map<string, number[]>();
  #numbered = 0;
  #counted = 0;

  constructor(files: FileTable, smallBytes: number) {
    this.files = files;
    this.smallBytes = smallBytes;
  }

  /** Partitions of those touched, by their numbers, in which compaction is due. */
  dueOf(state: TableState, touched: readonly PartitionValues[]): number[] {
    this.#takeNewRows(state);
    const keys = new Set(touched.map(partitionKey));
    const groups = [...keys].map((key) => this.#numbers.get(key) ?? []);
    const unknown = groups.filter((group) => this.#countOf(group) >= LEAST_FILES);
    if (unknown.length === 0) return [];
    this.#count(state, unknown.flat());
    return unknown.filter((group) => this.#countOf(group) >= LEAST_FILES).flat();
  }

  /** Rows of small files in partitions. */
  *rowsOf({ version, fileRows }: TableState, partitions: readonly number[]): Generator<number> {
    const wanted = new Set(partitions);
    for (let row = 0; row < fileRows; row += 1) {
      if (wanted.has(this.files.partitionOf(row)) && this.files.isLive(row, version) && this.#isSmall(row)) yield row;
    }
  }

  #takeNewRows({ fileRows }: TableState): void {
    const { partitionValues } = this.files;
    for (; this.#numbered < partitionValues.length; this.#numbered += 1) {
      const key = partitionKey(partitionValues[this.#numbered] ?? {});
      const known = this.#numbers.get(key);
      if (known === undefined) this.#numbers.set(key, [this.#numbered]);
      else known.push(this.#numbered);
    }
    for (; this.#counted < fileRows; this.#counted += 1) {
      const partition = this.files.partitionOf(this.#counted);
      const count = this.#counts.get(partition);
      if (count !== undefined && this.#isSmall(this.#counted)) this.#counts.set(partition, count + 1);
    }
  }

  /** Small files of a partition; as many as can be of one that was never counted. */
  #countOf(group: readonly number[]): number {
    return group.reduce((sum, partition) => sum + (this.#counts.get(partition) ?? LEAST_FILES), 0);
  }

  #count(state: TableState, partitions: readonly number[]): void {
    for (const partition of partitions) this.#counts.set(partition, 0);
    for (const row of this.rowsOf(state, partitions)) {
      const partition = this.files.partitionOf(row);
      this.#counts.set(partition, (this.#counts.get(partition) ?? 0) + 1);
    }
  }

  #isSmall(row: number): boolean {
    return this.files.sizeOf(row) < this.smallBytes;
  }
}
