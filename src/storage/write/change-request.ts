import type { ExactJson } from '../../base/exact-json.ts';
import { bindPredicate, type Formula, parseExpression, pruneFile } from '../expression/expressions.ts';
import type { DomainMetadata } from '../log/actions.ts';
import { isEnabled } from '../log/table-properties.ts';
import { factsOf } from '../scan/data-file-facts.ts';
import type { PlaceColumn } from '../scan/read-options.ts';
import { materializedColumn } from '../scan/row-places.ts';
import type { DataFile, Snapshot } from '../scan/snapshot.ts';
import type { ReadFile, Reads } from '../transaction/work.ts';
import { parseStatistics } from '../types/statistics.ts';

/** How far an application has come with this commit. */
export interface Transaction {
  readonly appId: string;
  readonly version: number;
}

/** What every change of a table may be told. */
export interface ChangeRequest {
  /** The snapshot to change; without it the newest, and a lost race is run again. */
  readonly basedOn?: Snapshot;
  /** Makes the change happen once. */
  readonly txn?: Transaction | readonly Transaction[];
  /** Kept in `commitInfo.userMetadata` as JSON. */
  readonly commitMetadata?: Readonly<Record<string, ExactJson>>;
  readonly domains?: readonly DomainMetadata[];
}

/** A condition on a table's rows from its text. @throws AppError invalid_request. */
export function conditionOf(snapshot: Snapshot, text: string, nowMs: number): Formula {
  return bindPredicate(parseExpression(text), snapshot.schema, { now: BigInt(nowMs) * 1000n });
}

/** What of a commit every change tells in one way. */
export function commonWork({ txn, commitMetadata, domains }: ChangeRequest) {
  return {
    transactions: transactionsOf(txn),
    ...(commitMetadata === undefined ? {} : { userMetadata: JSON.stringify(commitMetadata) }),
    ...(domains === undefined ? {} : { domains }),
  };
}

/** The applications of a request. */
export function transactionsOf(txn: ChangeRequest['txn']): readonly Transaction[] {
  if (txn === undefined) return [];
  return isTransactionList(txn) ? txn : [txn];
}

function isTransactionList(txn: Transaction | readonly Transaction[]): txn is readonly Transaction[] {
  return Array.isArray(txn);
}

/** What a change read that looked for the rows of a condition; all rows without one. */
export function readsOf(
  snapshot: Snapshot,
  files: readonly DataFile[],
  request: ChangeRequest,
  condition: Formula | undefined,
): Reads {
  const appIds = new Set(transactionsOf(request.txn).map(({ appId }) => appId));
  if (condition === undefined) return { wholeTable: true, predicates: [], files: new Set(), appIds };
  const facts = factsOf(snapshot);
  const mayPass = ({ partitionValues, stats }: ReadFile): boolean => {
    const statistics = stats === undefined ? undefined : parseStatistics(stats);
    return pruneFile(condition, facts({ partitionValues, statistics: () => statistics })) !== 'none';
  };
  return { wholeTable: false, predicates: [mayPass], files: new Set(files.map(({ key }) => key)), appIds };
}

/** Whether commits to a table must tell which rows changed. */
export function tellsChanges({ metadata }: Pick<Snapshot, 'metadata'>): boolean {
  return isEnabled(metadata, 'delta.enableChangeDataFeed');
}

/** Whether rows that are written anew keep their ids: the table has columns for them. */
export function keepsRowIds(snapshot: Snapshot): boolean {
  return (
    isEnabled(snapshot.metadata, 'delta.enableRowTracking') && materializedColumn(snapshot, '#row_id') !== undefined
  );
}

/** The places that a scan of rows to be written anew must have. */
export function rowIdPlaces(snapshot: Snapshot): readonly PlaceColumn[] {
  return keepsRowIds(snapshot) ? ['#row_id', '#row_version'] : [];
}
