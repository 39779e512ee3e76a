import { AppError } from '../../base/errors.ts';
import type { Metadata } from '../log/actions.ts';
import { checkWritable, isSupported, TABLE_FEATURES, tableFeature } from '../log/table-features.ts';
import type { Snapshot } from '../scan/snapshot.ts';
import type { CommitOutcome } from '../transaction/commit-loop.ts';
import { READ_NOTHING, type TransactionContext } from '../transaction/work.ts';
import { checkpointAt } from './after-commit.ts';
import { alterTable } from './alter-table.ts';
import { buryVectors, clearFiles, filesWith } from './drop-feature-files.ts';
import {
  checkHistory,
  commitCheckpoint,
  isTruncatedBefore,
  raiseBarrier,
  truncateHistory,
  truncationMs,
  tryAgain,
} from './drop-feature-history.ts';
import { withoutFeature } from './drop-feature-protocol.ts';
import { droppedDomains, type FeatureTraces, tracesOf } from './drop-feature-traces.ts';
import { isSame } from './same-action.ts';

/** How a feature is dropped. */
export interface DropFeatureRequest {
  /**
   * Deletes the versions that need the feature, once they are a day old, instead of protecting them by the
   * feature checkpointProtection: the table is then read by every client, and goes back no further.
   */
  readonly truncateHistory?: boolean;
}

const PROTECTION = 'checkpointProtection';
const PROTECTED_BEFORE = 'delta.requireCheckpointProtectionBeforeVersion';

/**
 * Takes a feature out of a table, so that clients without it can use it (Delta Spark, ALTER TABLE … DROP
 * FEATURE): its traces first, in commits of their own; then the protocol. A killed run is run again.
 *
 * A feature that readers must know leaves older versions that need it. They stay behind checkpoints that the
 * feature checkpointProtection guards; or, with `truncateHistory`, nothing is dropped before they are gone.
 *
 * @throws AppError invalid_request for a feature that the table lacks, that is in use, or that another one
 * needs; or where older versions need it still, saying when to try again.
 */
export async function dropFeature(
  context: TransactionContext,
  name: string,
  { truncateHistory: truncates = false }: DropFeatureRequest = {},
): Promise<CommitOutcome> {
  const traces = checkDroppable(await context.snapshot(), name, truncates);
  const hadTraces = await removeTraces(context, traces);
  const isReaderFeature = tableFeature(name)?.isReaderFeature === true;
  if (name === PROTECTION) await dropProtected(context);
  else if (isReaderFeature && truncates) await forget(context, name, hadTraces);
  else if (isReaderFeature) await raiseBarrier(context);
  const isProtected = isReaderFeature && !truncates;
  const outcome = await downgrade(context, name, traces, { isProtected, truncates });
  // Clients that hold every commit that they read to its protocol start here.
  if (isProtected) await checkpointAt(context, await context.log.newest());
  return outcome;
}

function checkDroppable(snapshot: Snapshot, name: string, truncates: boolean): FeatureTraces {
  const { table, protocol } = snapshot;
  checkWritable(table, protocol, snapshot.metadata);
  const feature = tableFeature(name);
  if (!isSupported(protocol, name)) throw refusal(table, name, 'the table does not have it');
  const traces = tracesOf(name);
  if (feature === undefined || traces === undefined) throw refusal(table, name, 'how is not known here');
  const dependents = TABLE_FEATURES.filter(
    ({ name: other, needs }) => needs?.includes(name) && isSupported(protocol, other),
  );
  if (dependents.length > 0) {
    throw refusal(table, name, `${dependents.map((other) => other.name).join(', ')} needs it: drop that first`);
  }
  if (truncates && !feature.isReaderFeature && name !== PROTECTION) {
    throw refusal(table, name, 'readers need not know it, so that no history has to go: leave truncateHistory out');
  }
  if (!truncates && name === PROTECTION) throw refusal(table, name, 'it guards history: only truncateHistory ends it');
  const use = traces.inUse?.(snapshot);
  if (use !== undefined) throw refusal(table, name, use);
  return traces;
}

function refusal(table: string, feature: string, why: string): AppError {
  return new AppError('invalid_request', `${feature} cannot be dropped from ${table}: ${why}`, { table, feature });
}

/** Turns a feature off, then takes its traces out of the files. @returns whether there were any. */
async function removeTraces(context: TransactionContext, traces: FeatureTraces): Promise<boolean> {
  const { disable, files, settle } = traces;
  let had = false;
  if (disable !== undefined) had = await changeMetadata(context, disable);
  if (files !== undefined) had = (await clearFiles(context, files)) || had;
  if (files === 'vectors') await buryVectors(context);
  if (settle !== undefined) had = (await changeMetadata(context, settle)) || had;
  return had;
}

async function changeMetadata(context: TransactionContext, change: (metadata: Metadata) => Metadata): Promise<boolean> {
  const outcome = await alterTable(context, ({ metadata }) => {
    const changed = change(metadata);
    if (isSame(changed, metadata)) return undefined;
    const properties = Object.keys(metadata.configuration).filter(
      (key) => changed.configuration[key] !== metadata.configuration[key],
    );
    return {
      operation: 'UNSET TBLPROPERTIES',
      parameters: { properties: JSON.stringify(properties) },
      metadata: changed,
    };
  });
  return outcome.kind === 'committed';
}

/** Ends what needs a feature in the versions before: they are gone, or the feature stays. */
async function forget(context: TransactionContext, name: string, hadTraces: boolean): Promise<void> {
  // Clean-ups reach to the newest checkpoint: this one needs the feature no more.
  await commitCheckpoint(context);
  const snapshot = await context.snapshot();
  if (hadTraces) throw tryAgain(snapshot, name, context.nowMs() + truncationMs(snapshot));
  await truncateHistory(context);
  await checkHistory(context, await context.snapshot(), name);
}

async function dropProtected(context: TransactionContext): Promise<void> {
  const snapshot = await context.snapshot();
  const before = Number(snapshot.metadata.configuration[PROTECTED_BEFORE] ?? 0);
  if (before <= 0 || (await isTruncatedBefore(context, before))) return;
  await commitCheckpoint(context);
  await truncateHistory(context);
  if (await isTruncatedBefore(context, before)) return;
  throw tryAgain(snapshot, PROTECTION, context.nowMs() + truncationMs(snapshot));
}

interface Downgrade {
  readonly isProtected: boolean;
  readonly truncates: boolean;
}

function downgrade(
  context: TransactionContext,
  name: string,
  traces: FeatureTraces,
  { isProtected, truncates }: Downgrade,
): Promise<CommitOutcome> {
  return alterTable(context, async (snapshot) => {
    await checkClean(snapshot, name, traces);
    const finished = traces.finish?.(snapshot.metadata) ?? snapshot.metadata;
    const guard: Readonly<Record<string, string>> = isProtected
      ? { [PROTECTED_BEFORE]: String(snapshot.version + 1) }
      : {};
    return {
      operation: 'DROP FEATURE',
      parameters: { featureName: name, truncateHistory: truncates },
      protocol: withoutFeature(snapshot.protocol, name, isProtected ? [PROTECTION] : []),
      metadata: { ...finished, configuration: { ...finished.configuration, ...guard } },
      domains: droppedDomains(snapshot.state, traces),
      // Whatever comes between may hold what was just taken out: it is looked at anew.
      reads: { ...READ_NOTHING, wholeTable: true },
    };
  });
}

/** @throws AppError commit_conflict where another writer began to use the feature again. */
async function checkClean(snapshot: Snapshot, name: string, traces: FeatureTraces): Promise<void> {
  const { metadata, table } = snapshot;
  const isOff = [traces.disable, traces.settle].every(
    (change) => change === undefined || isSame(change(metadata), metadata),
  );
  const held = traces.files === undefined ? [] : await filesWith(snapshot, traces.files);
  if (isOff && held.length === 0 && traces.inUse?.(snapshot) === undefined) return;
  throw new AppError('commit_conflict', `Another writer began to use ${name} again in ${table}: run it again`, {
    table,
  });
}
