import { AppError } from '../../base/errors.ts';
import type { Action } from '../log/actions.ts';
import { encodeCommit } from '../log/commit-checksum.ts';
import { putCommit } from '../log/committer.ts';
import { checkWritable } from '../log/table-features.ts';
import { isAppendOnly } from '../log/table-properties.ts';
import type { Snapshot } from '../scan/snapshot.ts';
import { commitBody } from './commit-body.ts';
import { type ConflictReason, findConflict } from './conflict.ts';
import { isolationOf } from './isolation.ts';
import type { TransactionContext, Work } from './work.ts';

/** What became of a commit. A lost race is a value: whoever asked decides whether to begin anew. */
export type CommitOutcome =
  | { readonly kind: 'committed'; readonly version: number; readonly files: number; readonly rows: number }
  /** The application's version was in the table before; nothing was written. */
  | { readonly kind: 'already_committed'; readonly version: number }
  /** There was nothing to write. */
  | { readonly kind: 'nothing'; readonly version: number }
  /** The winner's version, or the newest one when tries ran out. */
  | { readonly kind: 'conflict'; readonly reason: ConflictReason | 'too_many_attempts'; readonly version: number };

/** What {@link commitWork} found. */
export type WorkOutcome = Extract<CommitOutcome, { kind: 'already_committed' | 'conflict' }> | CommittedWork;

interface CommittedWork {
  readonly kind: 'committed';
  readonly version: number;
}

/** Lost races after which a commit gives up; with ten writers a commit loses four times at most in 99.9 % of cases. */
const MAX_ATTEMPTS = 50;

/**
 * Commits: puts the work after the version that it read, or, where others were first, after them, if
 * none of them did what the work must not follow.
 *
 * @param read the snapshot that the work was made from.
 * @throws AppError table_unsupported, commit_undecided when it stays unknown whether it is there, storage_failed.
 */
export async function commitWork(context: TransactionContext, read: Snapshot, work: Work): Promise<WorkOutcome> {
  checkAllowed(read, work);
  if (isDone(read, work)) return { kind: 'already_committed', version: read.version };
  await settle(context);
  let base = read;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const version = base.version + 1;
    if (await put(context, read, base, work)) {
      await context.committed?.(version, work);
      return { kind: 'committed', version };
    }
    await backOff(attempt);
    const newest = await context.snapshot();
    const stop = await followedBy(context, read, { work, from: version, newest });
    if (stop !== undefined) return stop;
    base = newest;
  }
  return { kind: 'conflict', reason: 'too_many_attempts', version: base.version };
}

/**
 * The error of a conflict, for those who cannot begin anew.
 *
 * @returns commit_conflict, naming the winner.
 */
export function conflictError(
  table: string,
  { reason, version }: Extract<CommitOutcome, { kind: 'conflict' }>,
): AppError {
  return new AppError(
    'commit_conflict',
    `The commit to ${table} lost to version ${version} (${reason}): nothing was written; run it again`,
    { table, version, reason },
  );
}

function checkAllowed({ table, protocol, metadata }: Snapshot, work: Work): void {
  checkWritable(table, work.protocol ?? protocol, work.metadata ?? metadata);
  if ((work.removes ?? []).some(({ dataChange }) => dataChange)) checkTakesRemoves({ table, metadata });
}

/** @throws AppError table_unsupported where the table takes appends only. */
export function checkTakesRemoves({ table, metadata }: Pick<Snapshot, 'table' | 'metadata'>): void {
  if (isAppendOnly(metadata)) {
    throw new AppError('table_unsupported', `The table ${table} takes appends only (delta.appendOnly)`, { table });
  }
}

async function put(context: TransactionContext, read: Snapshot, base: Snapshot, work: Work): Promise<boolean> {
  const { store, table } = context.log;
  const txnId = context.newUuid();
  const actions = await commitBody(context, { work, readVersion: read.version, base, txnId });
  const bytes = encodeCommit(actions);
  const version = base.version + 1;
  try {
    return (await putCommit(store, table, version, bytes, txnId)) === 'created';
  } catch (error) {
    if (error instanceof AppError && error.code === 'commit_undecided') context.undecided = { version, txnId, bytes };
    throw error;
  }
}

/** Puts what is undecided again until it is known, so that this writer never overtakes itself. */
async function settle(context: TransactionContext): Promise<void> {
  const { undecided, log } = context;
  if (undecided === undefined) return;
  const { version, bytes, txnId } = undecided;
  // A version that others went on from is decided; its commit may even be cleaned up already, and must not come back.
  const newest = await context.snapshot();
  if (newest.version < version) await putCommit(log.store, log.table, version, bytes, txnId);
  context.undecided = undefined;
}

interface Race {
  readonly work: Work;
  /** The first version of a winner. */
  readonly from: number;
  readonly newest: Snapshot;
}

/** Checks the work against every winner; undefined where it can follow them all. */
async function followedBy(
  { log }: TransactionContext,
  { protocol, metadata, table }: Snapshot,
  { work, from, newest }: Race,
): Promise<WorkOutcome | undefined> {
  if (isDone(newest, work)) return { kind: 'already_committed', version: newest.version };
  const follower = { work, protocol, metadata, isolation: isolationOf(metadata, work), keyOf: log.keyOf };
  for (let version = from; version <= newest.version; version += 1) {
    const reason = findConflict(follower, await winnerAt(log, version));
    if (reason !== undefined) return { kind: 'conflict', reason, version };
  }
  checkWritable(table, newest.protocol, newest.metadata);
  return undefined;
}

async function winnerAt({ commit, table }: TransactionContext['log'], version: number): Promise<Action[]> {
  const actions = await commit(version);
  if (actions !== undefined) return actions;
  throw new AppError('table_corrupt', `The commit ${version} of ${table} is gone`, { table, version });
}

/** A commit of applications' rows is done when the table has all of their versions, or later ones. */
export function isDone(snapshot: Snapshot, { transactions = [] }: Pick<Work, 'transactions'>): boolean {
  if (transactions.length === 0) return false;
  return transactions.every(({ appId, version }) => (snapshot.transactionVersion(appId) ?? -1) >= version);
}

/** Waits a little longer after each lost race, by chance, so that writers do not stay in step. */
async function backOff(attempt: number): Promise<void> {
  const limitMs = Math.min(200, 2 ** Math.min(attempt, 8));
  await new Promise((resolve) => setTimeout(resolve, Math.random() * limitMs));
}
