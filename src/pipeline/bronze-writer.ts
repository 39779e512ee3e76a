import { assert } from '../base/assert.ts';
import { AppError } from '../base/errors.ts';
import type { PaymentCodec } from '../events/payment-codec.ts';
import type { Snapshot } from '../storage/scan/snapshot.ts';
import type { CommitOutcome } from '../storage/transaction/commit-loop.ts';
import type { TableAppend } from '../storage/write/append.ts';
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
const COMMIT_ORDER: readonly BronzeTableName[] = [
  'epochs',
  'sequences',
  'labels',
  'corrections',
  'decisions',
  'transactions',
];
const ANCHOR: BronzeTableName = 'transactions';

/** The application that a journal's rows in a table are committed as. */
export function journalAppId(journalId: string, table: string): string {
  return `${journalId}/${table}`;
}

/** Opens the writer of one journal. Two writers of one journal at once do no harm: one of them loses. */
export function bronzeWriter(lake: Lake, journalId: string, codec: PaymentCodec): BronzeWriter {
  const positionIn = (snapshot: Snapshot, table: BronzeTableName): number =>
    snapshot.transactionVersion(journalAppId(journalId, table)) ?? 0;
  /** An append to a table that lacks something up to a position; undefined where it has all of it. */
  const begin = async (table: BronzeTableName, lastPosition: number): Promise<BegunTable | undefined> => {
    const snapshot = await lake.table(`bronze/${table}`).snapshot();
    const position = positionIn(snapshot, table);
    if (position >= lastPosition) return undefined;
    const append = await lake.table(`bronze/${table}`).startAppend({
      txn: { appId: journalAppId(journalId, table), version: lastPosition },
      basedOn: snapshot,
      operation: 'STREAMING UPDATE',
      allowEmpty: table === ANCHOR,
    });
    return { append, position, rows: 0 };
  };
  /** Turns entries into rows slice by slice, so that what one of them made is garbage soon. */
  const writeRows = async (
    entries: readonly BronzeEntry[],
    lastPosition: number,
    begun: BegunTables,
  ): Promise<void> => {
    for (let from = 0; from < entries.length; from += ROWS_A_SLICE) {
      const rows = bronzeRows(journalId, entries.slice(from, from + ROWS_A_SLICE), codec);
      for (const table of COMMIT_ORDER) {
        if (rows[table].length === 0) continue;
        if (!begun.has(table)) begun.set(table, await begin(table, lastPosition));
        await addFresh(begun.get(table), rows[table]);
      }
    }
  };
  return {
    async committedPosition() {
      return positionIn(await lake.table(`bronze/${ANCHOR}`).snapshot(), ANCHOR);
    },
    async write(entries) {
      const last = entries.at(-1);
      assert(last !== undefined, 'a write to bronze has records');
      const begun: BegunTables = new Map([[ANCHOR, await begin(ANCHOR, last.position)]]);
      try {
        await writeRows(entries, last.position, begun);
      } catch (error) {
        for (const table of begun.values()) await table?.append.discard();
        throw error;
      }
      let rows = 0;
      let commits = 0;
      for (const table of COMMIT_ORDER) {
        const changed = begun.get(table);
        if (changed === undefined || (changed.rows === 0 && table !== ANCHOR)) continue;
        if (!isCommitted(table, await changed.append.commit())) continue;
        commits += 1;
        rows += changed.rows;
      }
      return { lastPosition: last.position, rows, commits };
    },
  };
}

/** A table that is being written. */
interface BegunTable {
  readonly append: TableAppend;
  /** What it has already. */
  readonly position: number;
  rows: number;
}

type BegunTables = Map<BronzeTableName, BegunTable | undefined>;

/** Entries of which the rows live at once. */
const ROWS_A_SLICE = 256;

async function addFresh(table: BegunTable | undefined, rows: readonly BronzeRow[]): Promise<void> {
  if (table === undefined) return;
  const fresh = rows.filter((row) => Number(row.journal_position) > table.position);
  if (fresh.length === 0) return;
  table.rows += fresh.length;
  await table.append.write(fresh);
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
