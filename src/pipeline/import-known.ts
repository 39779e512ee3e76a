import { assert } from '../base/assert.ts';
import { ENTITY_KINDS, type EntityKeys, KEY_COLUMNS, type KeyedKind, pairKey } from '../domain/entity-keys.ts';
import type { Side } from '../domain/payment.ts';
import { readColumnChunks, safeNumbers } from '../storage/scan/column-read.ts';
import type { Snapshot } from '../storage/scan/snapshot.ts';
import { readRows } from '../storage/scan/table-read.ts';
import type { CellRow } from '../storage/types/cell.ts';
import type { ImportEpoch } from './import-epoch.ts';
import type { KnownPayment } from './import-ledger.ts';
import type { Lake } from './lake.ts';

/** What the lake held before an import. */
export interface KnownPayments {
  /** Read as they are asked for, once: as objects ten million of them take 1.5 GB. */
  readonly payments: AsyncIterable<readonly KnownPayment[]>;
  /** How many they are at most. */
  readonly count: number;
  /**
   * The entities of a payment's event as it is, null where it was taken back: of the payments that the import or the
   * lake corrects.
   */
  readonly events: ReadonlyMap<string, EntityKeys | null>;
}

/** The payments of an epoch's base, for the ledger. @param corrected the ids that the import corrects. */
export async function knownPayments(
  lake: Lake,
  { offsets }: ImportEpoch,
  corrected: ReadonlySet<string>,
): Promise<KnownPayments> {
  const isKnown = (row: CellRow): boolean => Number(row.journal_position) <= (offsets[String(row.journal_id)] ?? 0);
  const transactions = await lake.table('silver/transactions').snapshot();
  const events = corrected.size === 0 ? new Map() : await eventsOf(transactions, corrected, isKnown);
  for (const [id, keys] of await correctedEvents(await lake.table('silver/corrections').snapshot(), isKnown)) {
    events.set(id, keys);
  }
  return { payments: paymentsOf(transactions, offsets), count: await rowsOf(transactions), events };
}

async function* paymentsOf(transactions: Snapshot, offsets: ImportEpoch['offsets']): AsyncGenerator<KnownPayment[]> {
  const columns = ['end_to_end_id', 'side', 'is_event', 'payee_account', 'journal_id', 'journal_position'];
  for await (const chunk of readColumnChunks(transactions, { columns })) {
    const [ids, sides, isEvent, payees, journals, positions] = chunk.columns;
    assert(ids?.kind === 'string' && sides?.kind === 'string' && payees?.kind === 'string', 'they are texts');
    assert(isEvent?.kind === 'boolean', 'is_event is a boolean');
    assert(journals?.kind === 'string' && positions?.kind === 'int64', 'the place is a text and a long');
    const at = safeNumbers(positions.values);
    const payments: KnownPayment[] = [];
    for (let row = 0; row < chunk.rowCount; row += 1) {
      if ((at[row] as number) > (offsets[journals.values[row] ?? ''] ?? 0)) continue;
      // A second side may name another payee: labels are the event's.
      const payeeAccount = isEvent.values[row] === 1 ? (payees.values[row] ?? null) : null;
      payments.push({ endToEndId: ids.values[row] ?? '', side: sides.values[row] as Side, payeeAccount });
    }
    yield payments;
  }
}

/** A table that others wrote to may not say how many rows its files have. */
async function rowsOf(snapshot: Snapshot): Promise<number> {
  if (snapshot.rowCount !== undefined) return snapshot.rowCount;
  let rows = 0;
  for await (const chunk of readColumnChunks(snapshot, { columns: ['journal_position'] })) rows += chunk.rowCount;
  return rows;
}

/** Columns that say where a row stands, and those of the keys. */
const COLUMNS: readonly string[] = ['end_to_end_id', 'journal_id', 'journal_position', ...Object.values(KEY_COLUMNS)];

/** The entities of the events of some payments, as they were presented. */
async function eventsOf(
  transactions: Snapshot,
  ids: ReadonlySet<string>,
  isKnown: (row: CellRow) => boolean,
): Promise<Map<string, EntityKeys | null>> {
  const events = new Map<string, EntityKeys | null>();
  for await (const row of readRows(transactions, { columns: [...COLUMNS, 'is_event'] })) {
    const id = String(row.end_to_end_id);
    if (row.is_event === true && ids.has(id) && isKnown(row)) events.set(id, keysOf(row));
  }
  return events;
}

/** Epochs first: an import may have learned later what it says was known earlier. Within one goes what Redis counted. */
const ORDER: readonly string[] = ['revision', 'known_time', 'journal_position'];

/** What corrections made of payments last. */
async function correctedEvents(
  corrections: Snapshot,
  isKnown: (row: CellRow) => boolean,
): Promise<Map<string, EntityKeys | null>> {
  const epochs = ENTITY_KINDS.map((kind) => `${kind}_epoch`);
  const rows: { readonly id: string; readonly order: readonly number[]; readonly keys: EntityKeys | null }[] = [];
  for await (const row of readRows(corrections, {
    columns: [...new Set([...COLUMNS, ...ORDER, 'effect', ...epochs])],
  })) {
    if (row.effect === 'IGNORED' || !isKnown(row)) continue;
    const isReplaced = row.effect === 'REPLACED';
    const epoch = Math.max(...epochs.map((name) => Number(row[name] ?? 0)));
    // A retraction and the event in its place are of one correction.
    const order = [epoch, ...ORDER.map((name) => Number(row[name] ?? -1)), isReplaced ? 1 : 0];
    rows.push({ id: String(row.end_to_end_id), order, keys: isReplaced ? keysOf(row) : null });
  }
  rows.sort((a, b) => compared(a.order, b.order));
  return new Map(rows.map(({ id, keys }) => [id, keys]));
}

function compared(a: readonly number[], b: readonly number[]): number {
  for (const [at, value] of a.entries()) {
    const other = b[at] ?? 0;
    if (value !== other) return value - other;
  }
  return 0;
}

function keysOf(row: CellRow): EntityKeys {
  const key = (kind: KeyedKind): string | null => {
    const value = row[KEY_COLUMNS[kind]];
    return typeof value === 'string' ? value : null;
  };
  return {
    payer: key('payer'),
    payee: key('payee'),
    pair: pairKey(key('payer'), key('payee')),
    payer_document: key('payer_document'),
    payee_document: key('payee_document'),
    pix_key: key('pix_key'),
    device: key('device'),
  };
}
