import { AppError } from '../base/errors.ts';
import type { Snapshot } from '../storage/scan/snapshot.ts';
import type { DeltaTable } from '../storage/table.ts';

/** The tables that an export reads. */
export const SOURCE_TABLES = ['silver/transactions', 'silver/decisions', 'silver/labels', 'silver/epochs'] as const;
/** A table that an export reads. */
export type SourceTable = (typeof SOURCE_TABLES)[number];
/** What corrections did to payments; a lake that no later program has opened lacks it. */
export const CORRECTIONS = 'silver/corrections';
/** Every table that may be read at a version of one's own. */
export const PINNED_TABLES = [...SOURCE_TABLES, CORRECTIONS] as const;
/** A table that may be read at a version of one's own. */
export type PinnedTable = (typeof PINNED_TABLES)[number];
/** Versions of the tables that an export reads; the newest of those that are left out. */
export type SourceVersions = Partial<Record<PinnedTable, number>>;

/** The lake's tables, by their paths. */
export interface SourceTables {
  table(name: PinnedTable): DeltaTable;
}

/** The tables of an export, each at its version. */
export type SourceSnapshots = Readonly<Record<SourceTable, Snapshot>> & {
  /** Null where there is no such table. */
  readonly [CORRECTIONS]: Snapshot | null;
};

/** Versions that were read. That of corrections is named only where there were some: so it was before there could be. */
export type ReadVersions = Readonly<Record<SourceTable, number>> & { readonly [CORRECTIONS]?: number };

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
  const corrections = await correctionsAt(tables, wanted[CORRECTIONS]);
  let transactions = await at('silver/transactions');
  if (wanted['silver/transactions'] === undefined) {
    const others = [epochs, decisions, labels].filter(({ table }) => wanted[table as SourceTable] === undefined);
    const isEarly = (): boolean =>
      others.some((other) => isBehind(other, transactions)) ||
      (corrections !== null && wanted[CORRECTIONS] === undefined && isBehind(corrections, transactions));
    while (transactions.version > 0 && isEarly()) {
      transactions = await tables.table('silver/transactions').snapshot(transactions.version - 1);
    }
  }
  return {
    'silver/transactions': transactions,
    'silver/decisions': decisions,
    'silver/labels': labels,
    'silver/epochs': epochs,
    [CORRECTIONS]: corrections,
  };
}

async function correctionsAt(tables: SourceTables, version: number | undefined): Promise<Snapshot | null> {
  try {
    return await tables.table(CORRECTIONS).snapshot(version);
  } catch (error) {
    if (error instanceof AppError && error.code === 'table_not_found' && version === undefined) return null;
    throw error;
  }
}

/**
 * Whether a correction was known when the payments were at their version: later ones are not read beside older payments,
 * so that what was made of a version can be made again. A journal that the payments do not name began after them.
 */
export function isCorrectionOf({
  'silver/transactions': payments,
}: SourceSnapshots): (journal: string, position: number) => boolean {
  const positions = new Map<string, number>();
  // Payments that were rewritten by another program name no journal: nothing is known of when they were.
  const isNamed = [...payments.state.transactions.keys()].some((appId) => appId.endsWith('/transactions'));
  const unnamed = isNamed ? -1 : Number.POSITIVE_INFINITY;
  return (journal, position) => {
    const last = positions.get(journal) ?? payments.transactionVersion(`${journal}/transactions`) ?? unnamed;
    positions.set(journal, last);
    return position <= last;
  };
}

/** The version of each table but that of corrections. */
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
    // A journal that silver.corrections does not name has none on their way: it is named before its payments go on.
    const reached = other.transactionVersion(`${journal}/${name}`) ?? (other.table === CORRECTIONS ? position : 0);
    if (reached < position) return true;
  }
  return false;
}
