// A program of the kill test: appends, merges and deletes in a table that others share, until it is killed. What it
// begins and what it is told goes to a file of its own, synced before it goes on.
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { systemClock } from '../../src/base/clock.ts';
import { AppError } from '../../src/base/errors.ts';
import { seededRandom } from '../../src/base/random.ts';
import { openObjectStore } from '../../src/storage/store/open-object-store.ts';
import { type DeltaTable, openTable } from '../../src/storage/table.ts';
import type { CommitOutcome } from '../../src/storage/transaction/commit-loop.ts';
import type { LedgerEntry } from './storage-kill-ledger.ts';

const [uri = '', ledgerPath = '', worker = '0', life = '0', until = '0'] = process.argv.slice(2);

/** Ids of a life: no two lives share one. */
const FIRST_ID = Number(worker) * 1_000_000_000 + Number(life) * 1_000_000;
/** Rows of its own that a worker changes: the last ones that it added. */
const RECENT = 30;

const random = seededRandom(Number(worker), Number(life));
const ledger = openSync(ledgerPath, 'a', 0o600);
const clock = systemClock();
const { store, table: path } = openObjectStore(uri, { environment: process.env, clock });
const table = openTable(store, path, { clock, ...(Number(worker) % 2 === 0 ? { compactionInterval: 5 } : {}) });
let lastId = FIRST_ID;
let value = 0;
const recent: number[] = [];

function note(entry: LedgerEntry): void {
  writeSync(ledger, `${JSON.stringify(entry)}\n`);
  fsyncSync(ledger);
}

/** Does something with rows: their ids, and the value that they have after it, are noted before and after. */
async function change(kind: 'append' | 'merge' | 'delete', ids: readonly number[]): Promise<void> {
  value += 1;
  const own = value;
  note({ kind, ids, value: own, told: 'begun' });
  try {
    const outcome = await perform(table, kind, ids, own);
    const isDone = outcome.kind === 'committed' || outcome.kind === 'already_committed';
    note({ kind, ids, value: own, told: isDone ? 'committed' : 'refused' });
    if (isDone && kind === 'append') recent.push(...ids);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    note({ kind, ids, value: own, told: 'unknown', why: `${error.code} ${error.message}` });
  }
}

function perform(
  { append, merge, delete: remove }: DeltaTable,
  kind: 'append' | 'merge' | 'delete',
  ids: readonly number[],
  own: number,
): Promise<CommitOutcome> {
  const rows = ids.map((id) => ({ id, part: String(id % 4), value: own }));
  if (kind === 'append') return append({ rows, txn: { appId: `worker ${worker}`, version: FIRST_ID + own } });
  if (kind === 'delete') return remove({ where: `id IN (${ids.join(', ')})` });
  return merge({ source: { rows }, on: 'target.id = source.id', whenMatched: [{ action: 'update' }] });
}

function someRecent(): number[] {
  const from = Math.max(0, recent.length - RECENT);
  const count = 1 + random.below(3);
  return [...new Set(Array.from({ length: count }, () => recent[from + random.below(recent.length - from)] as number))];
}

async function tend(): Promise<void> {
  try {
    const die = random.below(4);
    if (die < 2) await table.optimize();
    else if (die < 3) await table.vacuum();
    else await table.checkpoint();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    note({ kind: 'tend', ids: [], value: 0, told: 'unknown', why: `${error.code} ${error.message}` });
  }
}

while (Date.now() < Number(until)) {
  const die = random.below(100);
  if (die < 55 || recent.length < 5) {
    const ids = Array.from({ length: 1 + random.below(4) }, () => {
      lastId += 1;
      return lastId;
    });
    await change('append', ids);
  } else if (die < 75) await change('merge', someRecent());
  else if (die < 93) {
    const ids = someRecent();
    await change('delete', ids);
    for (const id of ids) if (recent.includes(id)) recent.splice(recent.indexOf(id), 1);
  } else await tend();
}
closeSync(ledger);
