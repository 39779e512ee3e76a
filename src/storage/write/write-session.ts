import type { AddCdcFile, AddFile } from '../log/actions.ts';
import { checkWritable } from '../log/table-features.ts';
import { type DuckDb, openDuckDb } from '../parquet/duckdb.ts';
import type { Snapshot } from '../scan/snapshot.ts';
import { type CommitOutcome, isDone } from '../transaction/commit-loop.ts';
import type { TransactionContext } from '../transaction/work.ts';
import { type ChangeRequest, transactionsOf } from './change-request.ts';
import { queryFault } from './guarded-query.ts';

/** What a change of a table is made with. */
export interface WriteSession {
  readonly context: TransactionContext;
  readonly db: DuckDb;
  readonly snapshot: Snapshot;
}

/** What DuckDB may use to change a table: joins and sorts spill to disk beyond it. */
const MEMORY_LIMIT_MB = 1024;
const THREADS = 2;

/** Tries of a change that lost to another writer: each reads the table anew. */
const MAX_TRIES = 10;

/**
 * Makes a change and commits it, unless it was made before; where another writer was first and they do
 * not go together, makes it anew from what the table is then. With `basedOn` a lost race is the outcome.
 *
 * @throws AppError constraint_violated, invalid_request for a row that an expression has no value for.
 */
export async function withSession(
  context: TransactionContext,
  { basedOn, txn }: ChangeRequest,
  change: (session: WriteSession) => Promise<CommitOutcome>,
): Promise<CommitOutcome> {
  for (let attempt = 1; ; attempt += 1) {
    const snapshot = basedOn ?? (await context.snapshot());
    checkWritable(snapshot.table, snapshot.protocol, snapshot.metadata);
    if (isDone(snapshot, { transactions: transactionsOf(txn) })) {
      return { kind: 'already_committed', version: snapshot.version };
    }
    const outcome = await withDuckDb((db) => change({ context, db, snapshot }));
    if (outcome.kind !== 'conflict' || basedOn !== undefined || attempt >= MAX_TRIES) return outcome;
  }
}

/** Runs something with a DuckDB, which may spill, and closes it. What it throws is told by {@link queryFault}. */
export async function withDuckDb<T>(act: (db: DuckDb) => Promise<T>): Promise<T> {
  const db = await openDuckDb({ memoryLimitMb: MEMORY_LIMIT_MB, threads: THREADS, isShared: true });
  try {
    return await act(db);
  } catch (error) {
    throw queryFault(error);
  } finally {
    db.close();
  }
}

/** Deletes files that no commit names. What fails here is left to VACUUM. */
export async function discardFiles(
  { log }: TransactionContext,
  files: readonly Pick<AddFile | AddCdcFile, 'path'>[],
): Promise<void> {
  for (const { path } of files) await log.store.delete(log.keyOf(path)).catch(() => undefined);
}
