import type { Action, AddFile } from '../log/delta-actions.ts';
import { keyOfActionPath } from '../log/delta-path.ts';

/** What a transaction read, and so what a winner must not have changed. */
export interface ReadSet {
  /** `none` for a blind append; `all`, or a test of an add's partition. */
  readonly files: 'none' | 'all' | ((add: Pick<AddFile, 'partitionValues'>) => boolean);
  /** Object keys of the files that the transaction removes. */
  readonly removedKeys: ReadonlySet<string>;
  /** Applications whose txn was read. */
  readonly appIds: ReadonlySet<string>;
}

/** Why a transaction cannot follow a winner. */
export type ConflictReason =
  | 'metadata_changed'
  | 'protocol_changed'
  | 'concurrent_append'
  | 'concurrent_delete'
  | 'concurrent_transaction';

/** The first conflict of a transaction with the actions of a winner; undefined where there is none. */
export function findConflict(table: string, reads: ReadSet, winner: readonly Action[]): ConflictReason | undefined {
  for (const action of winner) {
    if ('metaData' in action) return 'metadata_changed';
    if ('protocol' in action) return 'protocol_changed';
    if ('txn' in action && reads.appIds.has(action.txn.appId)) return 'concurrent_transaction';
    if ('add' in action && wasRead(reads, action.add)) return 'concurrent_append';
    if ('remove' in action) {
      if (reads.removedKeys.has(keyOfActionPath(table, action.remove.path))) return 'concurrent_delete';
      const { partitionValues } = action.remove;
      if (partitionValues === undefined ? reads.files !== 'none' : wasRead(reads, { partitionValues })) {
        return 'concurrent_delete';
      }
    }
  }
  return undefined;
}

function wasRead({ files }: ReadSet, add: Pick<AddFile, 'partitionValues'>): boolean {
  if (files === 'none') return false;
  return files === 'all' || files(add);
}
