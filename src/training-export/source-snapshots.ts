import type { Snapshot } from '../storage/scan/snapshot.ts';
import type { DeltaTable } from '../storage/table.ts';

/** The tables that an export reads. */
export const SOURCE_TABLES = ['silver/transactions', 'silver/decisions', 'silver/labels', 'silver/epochs'] as const;
/** A table that an export reads. */
export type SourceTable = (typeof SOURCE_TABLES)[number];
/** Versions of the tables that an export reads; the newest of those that are left out. */
export type SourceVersions = Partial<Record<SourceTable, number>>;

/** The lake's tables, by their paths. */
export interface SourceTables {
  table(name: SourceTable): DeltaTable;
}

/** The tables of an export, each at its version. */
export type SourceSnapshots = Readonly<Record<SourceTable, Snapshot>>;

/**
 * Takes the wanted versions, and of the other tables the newest. A job may be between two of its
 * commits: then the newest payments have no decision yet. Each table says how far it has come with
 * each journal, so an older version of the payments is taken, one that the others have caught up with.
 *
 * @throws AppError `table_not_found`, `version_not_found`.
 */
export async function sourceSnapshots(tables: SourceTables, wanted: SourceVersions): Promise<SourceSnapshots> {
  const at = (name: SourceTable): Promise<Snapshot> => tables.table(name).snapshot(wanted[name]);
  const epochs = await at('silver/epochs');
  const decisions = await at('silver/decisions');
  const labels = await at('silver/labels');
  let transactions = await at('silver/transactions');
  if (wanted['silver/transactions'] === undefined) {
    const others = [epochs, decisions, labels].filter(({ table }) => wanted[table as SourceTable] === undefined);
    while (transactions.version > 0 && others.some((other) => isBehind(other, transactions))) {
      transactions = await tables.table('silver/transactions').snapshot(transactions.version - 1);
    }
  }
  return {
    'silver/transactions': transactions,
    'silver/decisions': decisions,
    'silver/labels': labels,
    'silver/epochs': epochs,
  };
}

/** The version of each table. */
export function versionsOfSnapshots(snapshots: SourceSnapshots): Readonly<Record<SourceTable, number>> {
  return {
    'silver/transactions': snapshots['silver/transactions'].version,
    'silver/decisions': snapshots['silver/decisions'].version,
    'silver/labels': snapshots['silver/labels'].version,
    'silver/epochs': snapshots['silver/epochs'].version,
  };
}

/** Whether the payments have come further with a journal than another table has. */
function isBehind(other: Snapshot, payments: Snapshot): boolean {
  for (const appId of payments.state.transactions.keys()) {
    const position = payments.transactionVersion(appId) ?? 0;
    if (!appId.endsWith('/transactions')) continue;
    const journal = appId.slice(0, -'/transactions'.length);
    const name = other.table.slice('silver/'.length);
    if ((other.transactionVersion(`${journal}/${name}`) ?? 0) < position) return true;
  }
  return false;
}
