import { assert } from '../base/assert.ts';
import { AppError } from '../base/errors.ts';
import type { PaymentCodec } from '../events/payment-codec.ts';
import type { Snapshot } from '../storage/snapshot.ts';
import type { CommitOutcome } from '../storage/transaction.ts';
import { type BronzeEntry, type BronzeRow, type BronzeTableName, bronzeRows } from './bronze-rows.ts';
import type { Lake } from './lake.ts';

/** Writes one journal's records into the bronze tables, each exactly once. */
export interface BronzeWriter {
  /** Everything at or before this position is in bronze. */
  committedPosition(): Promise<number>;
  /**
   * Writes records that follow each other in the journal, in their order. Those that are in bronze
   * already, wholly or in some tables, are left out.
   *
   * @throws AppError commit_conflict, disk_full, storage_failed; the same call may be made again.
   */
  write(entries: readonly BronzeEntry[]): Promise<BronzeWriteFigures>;
}

/** What a write did. */
export interface BronzeWriteFigures {
  readonly lastPosition: number;
  readonly rows: number;
  readonly commits: number;
}

/**
 * The tables in the order of their commits. A crash may come between any two of them, so each
 * table's txn says how far it has come and a repeated write leaves out what the table has. The last
 * one is the anchor: its txn moves with every write, with or without rows, and so says how far all
 * tables have come.
 */
const COMMIT_ORDER: readonly BronzeTableName[] = ['epochs', 'sequences', 'labels', 'decisions', 'transactions'];
const ANCHOR: BronzeTableName = 'transactions';

/** The application that a journal's rows in a table are committed as. */
export function journalAppId(journalId: string, table: string): string {
  return `${journalId}/${table}`;
}

/** Opens the writer of one journal. Two writers of one journal at once do no harm: one of them loses. */
export function bronzeWriter(lake: Lake, journalId: string, codec: PaymentCodec): BronzeWriter {
  const positionIn = (snapshot: Snapshot, table: BronzeTableName): number =>
    snapshot.transactionVersion(journalAppId(journalId, table)) ?? 0;
  const commit = async (table: BronzeTableName, rows: readonly BronzeRow[], lastPosition: number): Promise<boolean> => {
    const isAnchor = table === ANCHOR;
    if (rows.length === 0 && !isAnchor) return false;
    const snapshot = await lake.table(`bronze/${table}`).snapshot();
    const position = positionIn(snapshot, table);
    if (position >= lastPosition) return false;
    const fresh = rows.filter((row) => Number(row.journal_position) > position);
    if (fresh.length === 0 && !isAnchor) return false;
    const outcome = await lake.table(`bronze/${table}`).append({
      rows: fresh,
      txn: { appId: journalAppId(journalId, table), version: lastPosition },
      basedOn: snapshot,
      operation: 'STREAMING UPDATE',
      allowEmpty: isAnchor,
    });
    return isCommitted(table, outcome);
  };
  return {
    async committedPosition() {
      return positionIn(await lake.table(`bronze/${ANCHOR}`).snapshot(), ANCHOR);
    },
    async write(entries) {
      const last = entries.at(-1);
      assert(last !== undefined, 'a write to bronze has records');
      const rows = bronzeRows(journalId, entries, codec);
      let commits = 0;
      for (const table of COMMIT_ORDER) if (await commit(table, rows[table], last.position)) commits += 1;
      const count = COMMIT_ORDER.reduce((sum, table) => sum + rows[table].length, 0);
      return { lastPosition: last.position, rows: count, commits };
    },
  };
}

function isCommitted(table: string, outcome: CommitOutcome): boolean {
  if (outcome.kind === 'conflict') {
    throw new AppError(
      'commit_conflict',
      `bronze/${table} changed under the consumer (${outcome.reason}); it tries again`,
      {
        table,
        version: outcome.version,
      },
    );
  }
  return outcome.kind === 'committed';
}
