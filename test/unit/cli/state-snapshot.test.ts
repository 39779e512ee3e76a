import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readSnapshot, type SnapshotBase, writeSnapshot } from '../../../src/cli/state-snapshot.ts';
import { AnswerIndex } from '../../../src/events/answer-index.ts';
import { EmbeddedStore } from '../../../src/features/embedded/embedded-store.ts';
import { compileFeatureSet } from '../../../src/features/feature-set.ts';
import { paymentOf, plainSet, rowOf } from '../features/streams.ts';

const START = 1_762_000_000_000_000;
const DAY = 86_400_000_000;
const root = mkdtempSync(join(tmpdir(), 'sentinela-snapshot-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const set = compileFeatureSet(plainSet(4));
const newStore = (): EmbeddedStore => new EmbeddedStore(set, { maxPayments: 4096 });
const idOf = (n: number): string => `E${String(n).padStart(31, '0')}`;
const BASE: SnapshotBase = {
  journalId: 'j',
  offsets: { j: 7, other: 3 },
  silverVersion: 2,
  lastEpoch: 1,
  lastKnownTimeMicros: START,
};

function example(): { store: EmbeddedStore; index: AnswerIndex } {
  const store = newStore();
  store.openEpoch(1);
  const index = new AnswerIndex(7 * DAY);
  for (let n = 0; n < 3000; n += 1) {
    store.observePayment(paymentOf(rowOf(idOf(n), START + n, n, n % 7, n % 5)));
    index.put(idOf(n), n % 2 === 0 ? 'PAYER' : 'PAYEE', { segment: 1, offset: n }, BigInt(n) - 5n, START + n);
  }
  return { store, index };
}

describe('a snapshot on the disk', () => {
  it('gives back the store and every answer, and only its owner may read it', async () => {
    const path = join(root, 'state/one.snapshot');
    const { store, index } = example();
    await writeSnapshot(path, store, index, BASE);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(root, 'state'))).toEqual(['one.snapshot']);
    const [again, answers] = [newStore(), new AnswerIndex(7 * DAY)];
    const read = await readSnapshot(path, again, answers, async () => undefined);
    expect(read).toEqual({ kind: 'restored', base: BASE });
    expect(again.stats()).toEqual(store.stats());
    expect(answers.size).toBe(3000);
    for (let n = 0; n < 3000; n += 1) {
      const side = n % 2 === 0 ? 'PAYER' : 'PAYEE';
      const place = { segment: 1, offset: n, fingerprint: BigInt(n) - 5n };
      expect(answers.get(idOf(n), side, START + n)).toEqual(place);
      expect(answers.get(idOf(n), side === 'PAYER' ? 'PAYEE' : 'PAYER', START + n)).toBeUndefined();
    }
    expect(answers.get(idOf(5), 'PAYEE', START + 8 * DAY)).toBeUndefined();
    store.openEpoch(2);
    again.openEpoch(2);
    const next = paymentOf(rowOf(idOf(9000), START + 9000, 5, 1, 1));
    expect({ ...again.observePayment(next), mark: 0 }).toEqual({ ...store.observePayment(next), mark: 0 });
  });

  it('is one of the three newest that stay, with their pages; pages without a snapshot go as well', async () => {
    const folder = join(root, 'several');
    const { store, index } = example();
    const old = (name: string, hours: number): void => {
      const path = join(folder, name);
      if (name.endsWith('-pages')) mkdirSync(path, { recursive: true });
      const file = name.endsWith('-pages') ? join(path, 'payee-events.pages') : path;
      writeFileSync(file, '');
      utimesSync(file, Date.now() / 1000 - hours * 3600, Date.now() / 1000 - hours * 3600);
    };
    for (const name of ['a', 'b', 'c']) await writeSnapshot(join(folder, `${name}.snapshot`), store, index, BASE);
    old('a.snapshot', 5);
    // Its pages are in use, though its snapshot is old.
    old('a.snapshot-pages', 1);
    old('b.snapshot', 2);
    old('b.snapshot-pages', 2);
    old('c.snapshot', 3);
    old('killed.snapshot-pages', 4);
    old('killed-before.snapshot.writing', 4);
    await writeSnapshot(join(folder, 'd.snapshot'), store, index, BASE);
    expect(readdirSync(folder).sort()).toEqual([
      'a.snapshot',
      'a.snapshot-pages',
      'b.snapshot',
      'b.snapshot-pages',
      'd.snapshot',
    ]);
  });

  it('is read section by section, though the file is larger than a buffer of Node 20 can be', async () => {
    const path = join(root, 'large.snapshot');
    const { store, index } = example();
    await writeSnapshot(path, store, index, BASE);
    // Sparse: it takes no room on the disk.
    truncateSync(path, 2 ** 32 + 1);
    const read = await readSnapshot(path, newStore(), new AnswerIndex(7 * DAY), async () => undefined);
    expect(read).toEqual({ kind: 'restored', base: BASE });
  });

  it('fills nothing where it is not there, torn, or not what the caller can use', async () => {
    const path = join(root, 'two.snapshot');
    const { store, index } = example();
    const [empty, answers] = [newStore(), new AnswerIndex(7 * DAY)];
    const read = (reason?: string) => readSnapshot(path, empty, answers, async () => reason);
    expect(await read()).toEqual({ kind: 'refused', reason: 'there is none' });
    await writeSnapshot(path, store, index, BASE);
    expect(await read('the journal begins after it')).toEqual({
      kind: 'refused',
      reason: 'the journal begins after it',
    });
    truncateSync(path, readFileSync(path).length - 1);
    expect((await read()).kind).toBe('refused');
    expect([empty.stats().payments, answers.size]).toEqual([0, 0]);
  });
});
