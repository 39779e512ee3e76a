import type { Metadata } from '../log/actions.ts';
import type { IsolationLevel, Work } from './work.ts';

/**
 * The isolation of a commit, as Delta Spark chooses it: the table's, which is WriteSerializable
 * unless it says otherwise; but a commit that changes no rows, such as OPTIMIZE, bears every append.
 */
export function isolationOf({ configuration }: Metadata, work: Work): IsolationLevel {
  if (work.isolation !== undefined) return work.isolation;
  const isSerializable = configuration['delta.isolationLevel']?.toLowerCase() === 'serializable';
  return changesRows(work) ? (isSerializable ? 'Serializable' : 'WriteSerializable') : 'SnapshotIsolation';
}

/** Whether a commit brings or takes rows, or changes what the table is. */
function changesRows({ adds = [], removes = [], metadata, protocol, transactions = [], domains = [] }: Work): boolean {
  if (metadata !== undefined || protocol !== undefined || transactions.length > 0) return true;
  if (domains.some(({ domain }) => domain !== 'delta.rowTracking')) return true;
  return adds.some(({ dataChange }) => dataChange) || removes.some(({ dataChange }) => dataChange);
}

/** Whether a commit read no file and only adds some: the flag that other writers' checks rely on. */
export function isBlindAppend({ reads, adds = [], removes = [] }: Work): boolean {
  const readsFiles = reads.wholeTable || reads.predicates.length > 0 || reads.files.size > 0;
  return !readsFiles && removes.length === 0 && adds.every(({ dataChange }) => dataChange);
}
