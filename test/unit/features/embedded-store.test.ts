import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { PaymentRow } from '../../../src/domain/payment-row.ts';
import { localPages } from '../../../src/features/cold/local-pages.ts';
import { restoreStore, snapshotOfStore } from '../../../src/features/embedded/embedded-snapshot.ts';
import { EmbeddedStore } from '../../../src/features/embedded/embedded-store.ts';
import { compileFeatureSet, type FeatureSet } from '../../../src/features/feature-set.ts';
import { PIX_CORE } from '../../../src/features/pix-core.ts';
import { OracleStore } from './oracle.ts';
import { checkReading } from './reading-check.ts';
import { feedRecorded } from './recorded-items.ts';
import {
  cellsOf,
  forgettingSet,
  paymentOf,
  plainSet,
  rowOf,
  STREAMS,
  type Step,
  smallShape,
  stream,
  testSet,
  unboundedSet,
} from './streams.ts';

const START = 1_762_000_000_000_000;

/** Runs a stream against store and oracle; throws where they differ. */
function run(set: FeatureSet, steps: readonly Step[], folder?: string): void {
  const limits = { maxPayments: 256 };
  const made = (): EmbeddedStore =>
    folder === undefined ? new EmbeddedStore(set, limits) : new EmbeddedStore(set, limits, localPages(folder));
  let store = made();
  const oracle = new OracleStore(set.definition);
  store.openEpoch(1);
  oracle.openEpoch(1);
  let clock = START;
  const rows: PaymentRow[] = [];
  let undo: { mark: number; restore: () => void }[] = [];
  for (const now of steps) {
    switch (now.do) {
      case 'pay':
      case 'again': {
        clock += Math.max(0, now.wait);
        const time = now.wait > 0 ? clock : clock + now.wait;
        const earlier = now.do === 'again' ? rows[rows.length - 1 - (now.back % Math.max(rows.length, 1))] : undefined;
        const row =
          now.do === 'pay'
            ? rowOf(`E${String(rows.length).padStart(31, '0')}`, time, now.amount, now.payer, now.payee)
            : earlier === undefined
              ? undefined
              : {
                  ...earlier,
                  event_time: now.wait === 0 ? earlier.event_time : time,
                  payee_number: now.otherPayee ? '1' : earlier.payee_number,
                  payee_account_type: now.otherPayee ? 'SVGS' : earlier.payee_account_type,
                };
        if (row === undefined) break;
        rows.push(row);
        const restore = oracle.save();
        const payment = paymentOf(row);
        for (const read of rows.length % 3 === 0 ? [payment, { ...payment, row: null }] : []) {
          const asked = { ...read, atMicros: row.event_time };
          checkReading(oracle, asked, store.readFeatures(asked));
        }
        const expected = oracle.observe({
          id: row.end_to_end_id,
          time: row.event_time,
          row,
          keys: payment.keys,
        });
        const got = store.observePayment(payment);
        expect({ isEvent: got.isEvent, numbers: got.numbers, saw: got.saw }).toEqual({
          isEvent: expected.isEvent,
          numbers: expected.numbers,
          saw: expected.saw,
        });
        const cells = cellsOf(set.names, got);
        for (const [name, cell] of expected.cells) {
          if (!Object.is(cells.get(name)?.value, cell.value) || cells.get(name)?.status !== cell.status) {
            throw new Error(`${name}: ${JSON.stringify(cells.get(name))} is not ${JSON.stringify(cell)}`);
          }
        }
        if (got.isEvent) undo.push({ mark: got.mark, restore });
        break;
      }
      case 'label': {
        const paid = rows[rows.length - 1 - (now.back % Math.max(rows.length, 1))];
        const id = now.unknown || paid === undefined ? `E${'9'.repeat(31)}` : paid.end_to_end_id;
        const named = now.unknown ? null : '22222222||2';
        const restore = oracle.save();
        const expected = oracle.label(id, now.state, clock + now.wait, named);
        const got = store.observeLabel({
          endToEndId: id,
          state: now.state,
          eventTimeMicros: clock + now.wait,
          payeeAccount: named,
        });
        expect({ payee: got.payeeAccount, number: got.number }).toEqual(expected);
        if (got.number !== null) undo.push({ mark: got.mark, restore });
        break;
      }
      case 'correct': {
        const earlier = rows[rows.length - 1 - (now.back % Math.max(rows.length, 1))];
        const endToEndId = earlier?.end_to_end_id ?? `E${'9'.repeat(31)}`;
        const { becomes } = now;
        const row =
          earlier === undefined || becomes === null
            ? null
            : rowOf(endToEndId, earlier.event_time + becomes.wait, becomes.amount, 1, becomes.payee);
        const replacement = row === null ? null : paymentOf(row);
        const correction = { endToEndId, replacement };
        const restore = oracle.save();
        const expected = oracle.correct(
          endToEndId,
          replacement && { id: endToEndId, time: replacement.row.event_time, ...replacement },
        );
        const { mark, ...got } = store.correctPayment(correction);
        expect(got).toEqual(expected);
        if (got.isApplied) undo.push({ mark, restore });
        break;
      }
      case 'settle':
        store.settleUpTo(undo.at(-1)?.mark ?? 0);
        undo = [];
        break;
      case 'rollback': {
        const lost = undo.splice(Math.max(0, undo.length - now.steps));
        if (lost[0] !== undefined) {
          store.rollbackAfter(lost[0].mark - 1);
          lost[0].restore();
        }
        break;
      }
      case 'restart': {
        const { header, sections } = snapshotOfStore(store);
        const written = new Map(sections.map(({ name, bytes }) => [name, Buffer.from(bytes)]));
        store.snapshotTaken();
        store.close();
        store = made();
        // Every other time from a snapshot, else from what was recorded.
        if (oracle.epoch % 2 === 0) {
          expect(restoreStore(store, header, written)).toBeUndefined();
          store.openEpoch(oracle.epoch + 1);
          oracle.openEpoch(oracle.epoch + 1);
          undo = [];
          break;
        }
        feedRecorded(store, oracle.items);
        store.openEpoch(oracle.epoch + 1);
        oracle.openEpoch(oracle.epoch + 1);
        undo = [];
        break;
      }
    }
  }
}

describe('the embedded store', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sentinela-cold-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  for (const bound of [1, 3, 9, 256]) {
    it(`equals the oracle on random streams where an entity keeps ${bound} events`, () => {
      fc.assert(
        fc.property(stream, (steps) => run(compileFeatureSet(testSet(bound)), steps)),
        { numRuns: STREAMS },
      );
    });
  }

  it('answers nothing more once an event could not be taken whole, and is in no snapshot', () => {
    const set = compileFeatureSet(unboundedSet(), smallShape(1));
    const place = join(folder, 'damaged');
    const rowAt = (at: number, time: number) => paymentOf(rowOf(`E${String(at).padStart(31, '0')}`, time, 100, 1, 1));
    const first = new EmbeddedStore(set, { maxPayments: 256 }, localPages(place));
    first.openEpoch(1);
    for (let at = 0; at < 40; at += 1) first.observePayment(rowAt(at, START + at));
    first.settleUpTo(Number.MAX_SAFE_INTEGER);
    const { header, sections } = snapshotOfStore(first);
    first.snapshotTaken();
    const written = new Map(sections.map(({ name, bytes }) => [name, Buffer.from(bytes)]));
    first.close();
    const path = join(place, 'payer-events.pages');
    const bytes = readFileSync(path);
    bytes[4096] = (bytes[4096] ?? 0) ^ 1;
    writeFileSync(path, bytes);

    const second = new EmbeddedStore(set, { maxPayments: 256 }, localPages(place));
    expect(restoreStore(second, header, written)).toBeUndefined();
    // Far ahead: the oldest events are forgotten, and the page that they lie on is read.
    const farAhead = rowAt(99, START + 9e12);
    expect(() => second.observePayment(farAhead)).toThrow(/payer-events\.pages is damaged/);
    expect(() => second.observePayment(rowAt(100, START + 50))).toThrow(/is damaged/);
    second.rollbackAfter(0);
    expect(second.isSettled).toBe(false);
    second.close();
    const third = new EmbeddedStore(set, { maxPayments: 256 }, localPages(place));
    expect(restoreStore(third, header, written)).toBe('its pages are of another state');
  });

  for (const hot of [1, 3, 9]) {
    it(`equals the oracle on random streams without a bound, of which ${hot} events are in memory`, () => {
      const set = compileFeatureSet(unboundedSet(), smallShape(hot));
      fc.assert(
        fc.property(stream, (steps) => run(set, steps, folder)),
        { numRuns: STREAMS },
      );
    });
  }

  it('equals the oracle on random streams without a bound, of which much is soon forgotten', () => {
    const set = compileFeatureSet(forgettingSet(), smallShape(2));
    fc.assert(
      fc.property(stream, (steps) => run(set, steps, folder)),
      { numRuns: STREAMS },
    );
  });

  for (const hot of [1, 9]) {
    it(`equals the oracle where what was forgotten is retracted, and what was like it, ${hot} events in memory`, () => {
      const set = compileFeatureSet(forgettingSet(), smallShape(hot));
      const pay = (payer: number, wait = 1000): Step => ({ do: 'pay', payer, payee: 1, amount: 5000 + payer, wait });
      const retract = (back: number): Step => ({ do: 'correct', back, becomes: null });
      const pays = (count: number): Step[] => Array.from({ length: count }, () => pay(1));
      // Of payer 2 there is an event that is forgotten, and a cold one. Far ahead all but 8 are forgotten.
      const steps = [pay(2), pay(2), ...pays(20), pay(1, 5000 * 60_000_000), ...pays(1), pay(2), ...pays(12)];
      // The cold one, which says no more of payer 2 than the forgotten one; again; then one that is forgotten.
      const corrections = [retract(12), ...pays(2), retract(14), retract(36), ...pays(2), retract(40), ...pays(2)];
      run(set, [...steps, ...corrections], folder);
      const undone: Step[] = [{ do: 'settle' }, ...corrections, { do: 'rollback', steps: 99 }, ...pays(2)];
      run(set, [...steps, ...undone], folder);
      const restarted: Step[] = [{ do: 'restart' }, ...pays(2), { do: 'restart' }, ...pays(2)];
      run(set, [...steps, ...corrections, ...restarted], folder);
    });
  }

  it('takes no snapshot that is too large for it or of another set, and stays empty', () => {
    const set = compileFeatureSet(testSet(4));
    const store = new EmbeddedStore(set, { maxPayments: 256 });
    store.openEpoch(1);
    for (let at = 0; at < 20; at += 1)
      store.observePayment(paymentOf(rowOf(`E${String(at).padStart(31, '0')}`, START + at, at, 1, 1)));
    const { header, sections } = snapshotOfStore(store);
    const written = new Map(sections.map(({ name, bytes }) => [name, Buffer.from(bytes)]));
    const tryIt = (into: EmbeddedStore): string | undefined => {
      const refused = restoreStore(into, header, written);
      expect(into.stats().payments).toBe(refused === undefined ? 20 : 0);
      return refused;
    };
    expect(tryIt(new EmbeddedStore(set, { maxPayments: 256 }))).toBeUndefined();
    expect(tryIt(new EmbeddedStore(set, { maxPayments: 8 }))).toBe('it holds more than the limit of this store');
    expect(tryIt(new EmbeddedStore(compileFeatureSet(testSet(5)), { maxPayments: 256 }))).toBe(
      'it was made for another version of the feature set',
    );
  });

  it('ships a set that is compiled and has 48 features or more', () => {
    expect(compileFeatureSet(PIX_CORE).names.length).toBeGreaterThanOrEqual(48);
  });

  it('forgets no payment for a label of months later, which a history may hold', () => {
    const DAY = 86_400_000_000;
    const store = new EmbeddedStore(compileFeatureSet(plainSet(9)), { maxPayments: 100 });
    const idOf = (day: number): string => `E${String(day).padStart(31, '0')}`;
    for (let day = 0; day < 60; day += 1)
      store.applyRecorded(paymentOf(rowOf(idOf(day), START + day * DAY, 1, 1, day)));
    const label = { endToEndId: idOf(59), state: 'AGREED', payeeAccount: '22222222||2' } as const;
    store.applyRecordedLabel({ ...label, eventTimeMicros: START + 150 * DAY });
    expect(store.stats().payments).toBe(60);
    store.openEpoch(1);
    const observed = store.observeLabel({
      ...label,
      endToEndId: idOf(9),
      payeeAccount: null,
      eventTimeMicros: START + 150 * DAY,
    });
    expect(observed.number).not.toBeNull();
    expect(store.stats().payments).toBe(60);
  });

  it('takes a recorded label of the payee that it names, and of nobody where it names none', () => {
    const store = new EmbeddedStore(compileFeatureSet(plainSet(9)), { maxPayments: 100 });
    const id = `E${'1'.padStart(31, '0')}`;
    store.applyRecorded(paymentOf(rowOf(id, START, 1, 1, 2)));
    const label = { endToEndId: id, state: 'AGREED', eventTimeMicros: START } as const;
    store.applyRecordedLabel({ ...label, payeeAccount: null });
    expect(store.stats().labelledPayees).toBe(0);
    store.applyRecordedLabel({ ...label, payeeAccount: '33333333||3' });
    expect(store.stats().labelledPayees).toBe(1);
  });

  it('starts with estimates over all time, whose tiles no machine has the memory for, of every entity', () => {
    const estimate = (name: string, window: 'all' | '30d') => ({
      kind: 'window' as const,
      name,
      description: '-',
      entity: 'payee' as const,
      aggregate: 'distinct_approx' as const,
      column: 'payer_account' as const,
      window,
      ...(window === 'all' ? {} : { hop: '1d' as const }),
    });
    const set = compileFeatureSet({
      ...plainSet(9),
      features: [estimate('ever', 'all'), estimate('lately', '30d')],
    });
    const store = new EmbeddedStore(set);
    store.openEpoch(1);
    const { values } = store.observePayment(paymentOf(rowOf(`E${'1'.padStart(31, '0')}`, START, 1, 1, 2)));
    expect(values).toHaveLength(2);
  });
});
