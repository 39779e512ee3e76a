import type { ExactJson } from '../../base/exact-json.ts';
import type { Action, CommitInfo, Metadata } from '../log/actions.ts';
import { UNSEALED } from '../log/commit-checksum.ts';
import { commitInfoOf, inCommitTimestamp } from '../log/read-commit.ts';
import { isEnabled } from '../log/table-properties.ts';
import type { Snapshot } from '../scan/snapshot.ts';
import { isBlindAppend, isolationOf } from './isolation.ts';
import { givesRowIds, trackRows } from './row-ids.ts';
import type { TransactionContext, Work } from './work.ts';

/** What a try to commit is made from. */
export interface Attempt {
  readonly work: Work;
  /** The version that the transaction read. */
  readonly readVersion: number;
  /** The newest version known, which this try follows. */
  readonly base: Snapshot;
  /** Fresh for each try: what was refused must not be taken for ours. */
  readonly txnId: string;
}

/**
 * The actions of a try: those of the work, with what depends on the version that they follow: the
 * in-commit timestamp, row ids, the versions of rows.
 */
export async function commitBody(context: TransactionContext, attempt: Attempt): Promise<Action[]> {
  const { work, base, txnId, readVersion } = attempt;
  const version = base.version + 1;
  const nowMs = context.nowMs();
  const protocol = work.protocol ?? base.protocol;
  const timed = await withTime(context, attempt, version, nowMs);
  const isTracked = givesRowIds(protocol, timed.metadata ?? base.metadata);
  const tracked = isTracked ? trackRows(base.state, work.adds ?? [], version) : { adds: work.adds ?? [], domains: [] };
  const commitInfo: CommitInfo = {
    ...(timed.timestampMs === undefined ? {} : { inCommitTimestamp: timed.timestampMs }),
    timestamp: nowMs,
    operation: work.operation,
    operationParameters: textsOf(work.parameters ?? {}),
    ...(readVersion < 0 ? {} : { readVersion }),
    isolationLevel: isolationOf(base.metadata, work),
    isBlindAppend: isBlindAppend(work),
    operationMetrics: work.metrics ?? {},
    ...(work.userMetadata === undefined ? {} : { userMetadata: work.userMetadata }),
    ...(isTracked ? { tags: { 'delta.rowTracking.preserved': String(work.keepsRowIds ?? false) } } : {}),
    engineInfo: context.engineInfo,
    txnId,
    ...UNSEALED,
  };
  return [
    { commitInfo },
    ...(work.protocol === undefined ? [] : [{ protocol: work.protocol }]),
    ...(timed.metadata === undefined ? [] : [{ metaData: timed.metadata }]),
    ...(work.transactions ?? []).map((txn) => ({ txn: { lastUpdated: nowMs, ...txn } })),
    ...[...(work.domains ?? []), ...tracked.domains].map((domainMetadata) => ({ domainMetadata })),
    ...(work.removes ?? []).map((remove) => ({ remove })),
    ...tracked.adds.map((add) => ({ add })),
    ...(work.cdc ?? []).map((cdc) => ({ cdc })),
  ];
}

/** Spark's history takes texts: anything else is written as the JSON of it. */
function textsOf(parameters: Readonly<Record<string, ExactJson>>): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(parameters)) {
    texts[name] = typeof value === 'string' ? value : JSON.stringify(value);
  }
  return texts;
}

interface Timed {
  readonly timestampMs: number | undefined;
  readonly metadata: Metadata | undefined;
}

/**
 * The in-commit timestamp (PROTOCOL.md, "In-Commit Timestamps"): now, or a millisecond after the
 * commit before. The commit that enables them on a table with commits says since when.
 */
async function withTime(
  context: TransactionContext,
  { work, base }: Attempt,
  version: number,
  nowMs: number,
): Promise<Timed> {
  const metadata = work.metadata ?? base.metadata;
  const enabled = 'delta.enableInCommitTimestamps';
  if (!isEnabled(metadata, enabled)) return { timestampMs: undefined, metadata: work.metadata };
  if (isEnabled(base.metadata, enabled) && base.version >= 0) {
    const before = await timeBefore(context, base);
    return { timestampMs: Math.max(nowMs, before + 1), metadata: work.metadata };
  }
  if (version === 0) return { timestampMs: nowMs, metadata: work.metadata };
  const configuration = {
    ...metadata.configuration,
    'delta.inCommitTimestampEnablementVersion': String(version),
    'delta.inCommitTimestampEnablementTimestamp': String(nowMs),
  };
  return { timestampMs: nowMs, metadata: { ...metadata, configuration } };
}

async function timeBefore({ log }: TransactionContext, { version, state }: Snapshot): Promise<number> {
  const known = inCommitTimestamp(state.commitInfo);
  if (known !== undefined) return known;
  const actions = await log.commit(version);
  return (actions === undefined ? undefined : inCommitTimestamp(commitInfoOf(actions))) ?? 0;
}
