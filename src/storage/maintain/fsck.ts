import type { AddFile } from '../log/actions.ts';
import type { Snapshot } from '../scan/snapshot.ts';
import { type CommitOutcome, commitWork } from '../transaction/commit-loop.ts';
import { removeOf, type TransactionContext } from '../transaction/work.ts';
import { checkDataFiles, checkVectors } from './fsck-files.ts';
import type { FsckFinding } from './fsck-finding.ts';
import { checkLog } from './fsck-log.ts';

/** How a table is checked. */
export interface FsckRequest {
  /**
   * Takes files whose data is gone out of the table, in one commit, so that the rest can be read. Their rows are
   * lost; nothing else that is found is touched.
   */
  readonly repair?: boolean;
}

/** What a check found. */
export interface FsckReport {
  readonly version: number;
  /** Live files that were looked for. */
  readonly files: number;
  readonly findings: readonly FsckFinding[];
  /** What became of the repair; undefined where none was asked for, or none was needed. */
  readonly repair: CommitOutcome | undefined;
}

/**
 * Holds a table against what its log says of it: data files and their sizes, deletion vectors, checksums,
 * checkpoints (PROTOCOL.md, "Version Checksum File", "Checkpoints", "Deletion Vectors"; Databricks' FSCK REPAIR
 * TABLE). Data files are not opened: their rows are read by whoever reads the table.
 *
 * @throws AppError table_not_found, table_corrupt where the newest version cannot be made out at all, storage_failed.
 */
export async function checkTable(context: TransactionContext, request: FsckRequest = {}): Promise<FsckReport> {
  const snapshot = await context.snapshot();
  const { log } = context;
  const data = await checkDataFiles(log, snapshot.state);
  const vectors = await checkVectors(log, snapshot.state);
  const findings = [...(await checkLog(log)), ...data.findings, ...vectors];
  const isRepaired = request.repair === true && data.missing.length > 0;
  const repair = isRepaired ? await removeMissing(context, snapshot, data.missing) : undefined;
  return { version: snapshot.version, files: snapshot.fileCount, findings, repair };
}

async function removeMissing(
  context: TransactionContext,
  snapshot: Snapshot,
  missing: readonly AddFile[],
): Promise<CommitOutcome> {
  const nowMs = context.nowMs();
  const outcome = await commitWork(context, snapshot, {
    operation: 'FSCK',
    metrics: { numRemovedFiles: String(missing.length) },
    reads: {
      wholeTable: false,
      predicates: [],
      files: new Set(missing.map(({ path }) => context.log.keyOf(path))),
      appIds: new Set(),
    },
    // No change of data, as Databricks has it: nobody took these rows out, and a change feed could not read them.
    removes: missing.map((add) => removeOf(add, nowMs, false)),
  });
  return outcome.kind === 'committed' ? { ...outcome, files: missing.length, rows: 0 } : outcome;
}
