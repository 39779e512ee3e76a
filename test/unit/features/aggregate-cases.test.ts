import { describe, expect, it } from 'vitest';
import type { LabelState } from '../../../src/domain/label.ts';
import type { PaymentRow } from '../../../src/domain/payment-row.ts';
import { defineFeatureSet, type FeatureDefinition } from '../../../src/features/definition/definition.ts';
import { EmbeddedStore } from '../../../src/features/embedded/embedded-store.ts';
import { compileFeatureSet } from '../../../src/features/feature-set.ts';
import { FEATURE_STATUS_NAMES } from '../../../src/features/feature-status.ts';
import { paymentOf, rowOf } from './streams.ts';

/** The cases that decide what an aggregate means, each by its name. */

const MINUTE = 60_000_000;
const DAY = 1440 * MINUTE;
const START = 20_000 * DAY;

const window = (name: string, rest: object): FeatureDefinition =>
  ({
    kind: 'window',
    entity: 'payer',
    aggregate: 'count',
    window: '10m',
    description: '-',
    name,
    ...rest,
  }) as FeatureDefinition;

const FEATURES: readonly FeatureDefinition[] = [
  window('count_10m', {}),
  window('count_60d', { window: '60d' }),
  window('sum_10m', { aggregate: 'sum', column: 'amount_centavos' }),
  window('mean_10m', { aggregate: 'mean', column: 'amount_centavos' }),
  window('stddev_10m', { aggregate: 'stddev', column: 'amount_centavos' }),
  window('distinct_10m', { aggregate: 'distinct', column: 'payee_account' }),
  window('payee_count_1h', { entity: 'payee', window: '1h', hop: '10m' }),
  window('payee_sum_1h', { entity: 'payee', window: '1h', hop: '10m', aggregate: 'sum', column: 'amount_centavos' }),
  window('payee_max_1h', { entity: 'payee', window: '1h', hop: '10m', aggregate: 'max', column: 'amount_centavos' }),
  window('payee_mean_1h', { entity: 'payee', window: '1h', hop: '10m', aggregate: 'mean', column: 'amount_centavos' }),
  window('ever', { window: 'all', default: 0 }),
  window('since_first', { window: 'all', aggregate: 'time_since_first', unit: '1m' }),
  window('since_last', { window: 'all', aggregate: 'time_since_last', unit: '1m' }),
  { kind: 'label', name: 'frauds', description: '-', aggregate: 'count', states: ['AGREED'], default: 0 },
];

function world(bound = 4) {
  const definition = { name: 'cases', description: '-', bound, allowedLateness: '7d' as const, features: FEATURES };
  const set = compileFeatureSet(defineFeatureSet(definition));
  const store = new EmbeddedStore(set, { maxPayments: 2000 });
  store.openEpoch(1);
  let next = 0;
  const score = (row: PaymentRow): ((name: string) => number | string) => {
    const { values, status } = store.observePayment(paymentOf(row));
    return (name) => {
      const at = set.indexOf(name);
      const value = values[at] as number;
      return Number.isNaN(value) ? (FEATURE_STATUS_NAMES[status[at] as number] ?? '?') : value;
    };
  };
  return {
    store,
    score,
    /** Scores a new payment `at` microseconds after the start. */
    pay(at: number, amount = 100, payee = 1, payer = 1) {
      next += 1;
      return score(rowOf(`E${String(next).padStart(31, '0')}`, START + at, amount, payer, payee));
    },
    idOf: (number: number) => `E${String(number).padStart(31, '0')}`,
  };
}

describe('a window', () => {
  it('of a payment some milliseconds older than the head of the state holds what is not later than it', () => {
    const { pay } = world();
    pay(0);
    pay(5000);
    expect(pay(4999)('count_10m')).toBe(1);
    expect(pay(5000)('count_10m')).toBe(3);
  });

  it('of a payment months older than the head of the state is too late, and not a guess', () => {
    const { pay } = world();
    pay(0);
    pay(90 * DAY);
    const late = pay(1);
    expect([late('count_10m'), late('sum_10m')]).toEqual(['too_late', 'too_late']);
    // Times are known still: no window is needed for them.
    expect(late('since_last')).toBeCloseTo(1 / MINUTE, 12);
    expect(pay(83 * DAY)('count_10m')).toBe(0);
    expect(pay(83 * DAY - 1)('count_10m')).toBe('too_late');
  });

  it('has its old edge open and its new edge closed, for late events too', () => {
    for (const [late, count] of [
      [-1, 0],
      [0, 0],
      [1, 1],
      [10 * MINUTE, 1],
      [10 * MINUTE + 1, 0],
    ] as const) {
      const { pay } = world();
      pay(20 * MINUTE, 100, 1, 2);
      pay(late);
      expect(pay(10 * MINUTE)('count_10m'), `an event at ${late}`).toBe(count);
    }
  });

  it('leaves the other side of the same payment out, and what came after it in', () => {
    const { pay, score, idOf } = world();
    pay(0, 700);
    pay(1000, 50);
    const second = score({ ...rowOf(idOf(1), START + 1000, 700, 1, 1), side: 'PAYEE' });
    expect([second('count_10m'), second('sum_10m'), second('ever')]).toEqual([1, 50, 1]);
  });

  it('that would need events beyond the bound is truncated; a shorter one is not', () => {
    const { pay } = world(4);
    for (let at = 0; at < 6; at += 1) pay(at * 3 * MINUTE);
    const now = pay(18 * MINUTE);
    expect([now('count_10m'), now('count_60d'), now('ever')]).toEqual([3, 'truncated', 6]);
  });

  it('with a hop counts what was dropped, from the edge of its tile', () => {
    const { pay } = world(4);
    for (let at = 1; at <= 30; at += 1) pay(at * 2 * MINUTE, at, 1, at);
    // (⌊(61 − 60)/10⌋·10, 61] min: from 0 on.
    const early = pay(61 * MINUTE, 1, 1, 50);
    expect([early('payee_count_1h'), early('payee_sum_1h'), early('payee_max_1h')]).toEqual([30, 465, 30]);
    // (10, 71]: the first five are out.
    const later = pay(71 * MINUTE, 1, 1, 51);
    expect([later('payee_count_1h'), later('payee_sum_1h')]).toEqual([26, 465 - 15 + 1]);
    expect(later('payee_mean_1h')).toBe(451 / 26);
  });

  it('with a hop is truncated where some of a tile’s dropped events are later than the payment', () => {
    const { pay } = world(4);
    for (let at = 0; at < 12; at += 1) pay(at * MINUTE, 1, 1, at + 1);
    expect(pay(5 * MINUTE, 1, 1, 40)('payee_count_1h')).toBe('truncated');
    expect(pay(8 * MINUTE, 1, 1, 41)('payee_count_1h')).toBe(10);
  });

  it('takes the payment’s own dropped event out of a sum, and says where it hid the maximum', () => {
    const { pay, score, idOf } = world(4);
    pay(0, 900, 1, 1);
    for (let at = 1; at < 9; at += 1) pay(at * 1000, 10, 1, at + 1);
    const second = score({ ...rowOf(idOf(1), START + 9000, 900, 1, 1), side: 'PAYEE' });
    expect([second('payee_count_1h'), second('payee_sum_1h'), second('payee_max_1h')]).toEqual([8, 80, 'truncated']);
    const small = score({ ...rowOf(idOf(2), START + 9000, 10, 2, 1), side: 'PAYEE' });
    expect([small('payee_count_1h'), small('payee_sum_1h'), small('payee_max_1h')]).toEqual([8, 970, 900]);
  });
});

describe('an aggregate', () => {
  it('of an empty window is 0 for count and sum, and null for a mean; of an entity never seen it is the default or absent', () => {
    const { pay } = world();
    const first = pay(0);
    expect([first('count_10m'), first('mean_10m'), first('ever')]).toEqual(['not_found', 'not_found', 0]);
    const later = pay(DAY);
    expect([later('count_10m'), later('sum_10m'), later('mean_10m'), later('stddev_10m')]).toEqual([
      0,
      0,
      'null',
      'null',
    ]);
    const nobody = pay(DAY, 100, 1, 0);
    expect([nobody('count_10m'), nobody('ever')]).toEqual(['not_found', 'not_found']);
  });

  it('is exact where doubles are not: a deviation of amounts of R$ 10 bn', () => {
    const { pay } = world();
    const amounts = [999_999_999_999, 999_999_999_998, 999_999_999_999];
    for (const [at, amount] of amounts.entries()) pay(at, amount);
    // n·Σx² − (Σx)² is 2, of numbers near 9·10^24 each.
    expect(pay(3)('stddev_10m')).toBe(Math.sqrt(2 / 6));
    expect(pay(3)('sum_10m')).toBe(2_999_999_999_996 + 100);
  });

  it('of distinct counterparties counts a payee once, however often it was paid', () => {
    const { pay } = world();
    pay(0, 1, 1);
    pay(1, 1, 2);
    pay(2, 1, 1);
    expect(pay(3, 1, 3)('distinct_10m')).toBe(2);
  });
});

describe('a label', () => {
  it('counts from its own sequence on, and a retraction takes it back', () => {
    const { store, pay, idOf } = world();
    pay(0);
    const label = (state: LabelState, at: number): void => {
      store.observeLabel({ endToEndId: idOf(1), state, eventTimeMicros: START + at, payeeAccount: null });
    };
    expect(pay(1)('frauds')).toBe(0);
    label('AGREED', 2);
    expect(pay(3)('frauds')).toBe(1);
    // Known now, but it happened later than the payment that is scored.
    expect(pay(1)('frauds')).toBe(0);
    label('CANCELLED', 4);
    expect(pay(5)('frauds')).toBe(0);
    // Late news of an earlier state changes nothing: the latest by event time holds.
    label('AGREED', 3);
    expect(pay(6)('frauds')).toBe(0);
    // A tie of event times goes to what was recorded last.
    label('AGREED', 4);
    expect(pay(7)('frauds')).toBe(1);
  });

  it('of the scored payment itself is no feature of it', () => {
    const { store, pay, score, idOf } = world();
    pay(0);
    store.observeLabel({ endToEndId: idOf(1), state: 'AGREED', eventTimeMicros: START + 1, payeeAccount: null });
    expect(score({ ...rowOf(idOf(1), START + 2, 100, 1, 1), side: 'PAYEE' })('frauds')).toBe(0);
  });
});

describe('a correction', () => {
  const becomes = (id: string, at: number, amount: number, payee = 1) =>
    paymentOf(rowOf(id, START + at, amount, 1, payee));

  it('retracts an event in a window from its own sequence on', () => {
    const { store, pay, score, idOf } = world();
    pay(0, 700);
    const earlier = pay(1000, 50);
    expect([earlier('count_10m'), earlier('sum_10m')]).toEqual([1, 700]);
    const { retracted, replaced, isApplied } = store.correctPayment({ endToEndId: idOf(1), replacement: null });
    expect([retracted.payer, replaced.payer, isApplied]).toEqual([{ epoch: 1, seq: 3 }, null, true]);
    const later = pay(2000, 5);
    expect([later('count_10m'), later('sum_10m'), later('ever')]).toEqual([1, 50, 1]);
    // The other side of a payment that was retracted is no event, and sees what there is.
    const second = score({ ...rowOf(idOf(1), START + 3000, 700, 1, 1), side: 'PAYEE' });
    expect([second('count_10m'), second('ever'), pay(4000)('ever')]).toEqual([2, 2, 2]);
  });

  it('replaces an event in a window: its amount, its time, its payee, and its place in ties', () => {
    const { store, pay, idOf } = world();
    pay(0, 700);
    pay(1000, 50);
    store.correctPayment({ endToEndId: idOf(1), replacement: becomes(idOf(1), -9 * MINUTE, 70, 2) });
    const now = pay(MINUTE, 5, 2);
    expect([now('count_10m'), now('sum_10m'), now('payee_sum_1h')]).toEqual([1, 50, 70]);
    const { retracted, replaced } = store.correctPayment({ endToEndId: idOf(1), replacement: becomes(idOf(1), 0, 7) });
    expect([retracted.payer?.seq, replaced.payer?.seq, replaced.payee?.seq]).toEqual([6, 7, 4]);
    expect(pay(MINUTE, 5, 2)('sum_10m')).toBe(62);
  });

  it('of an event that was dropped is counted, and what it added to sums is truncated', () => {
    const { store, pay, idOf } = world(4);
    for (let at = 0; at < 9; at += 1) pay(at * 1000, 10, 1, at + 1);
    store.correctPayment({ endToEndId: idOf(1), replacement: null });
    const now = pay(10_000, 10, 1, 1);
    expect([now('payee_count_1h'), now('payee_sum_1h'), now('ever')]).toEqual(['truncated', 'truncated', 0]);
  });

  it.each([
    // Payments of the minutes 0 to 9 that are taken back in turn, and the minute of the first one, as known after each.
    { minutes: [0, 2, 1], firsts: [1, 1, 'truncated'] },
    { minutes: [1, 0], firsts: [0, 'truncated'] },
    { minutes: [9, 3, 0], firsts: [0, 0, 1] },
  ])('of the first event that ever was, $minutes, leaves the next one the first, and then nobody knows', (turn) => {
    const { store, pay, idOf } = world(4);
    for (let minute = 0; minute < 10; minute += 1) pay(minute * MINUTE);
    const found = turn.minutes.map((minute) => {
      store.correctPayment({ endToEndId: idOf(minute + 1), replacement: null });
      const since = pay(10 * MINUTE)('since_first');
      return typeof since === 'number' ? 10 - since : since;
    });
    expect(found).toEqual(turn.firsts);
  });

  it('of the only event leaves an entity that was never seen', () => {
    const { store, pay, idOf } = world();
    pay(0, 700);
    store.correctPayment({ endToEndId: idOf(1), replacement: null });
    expect(pay(1000, 50)('count_10m')).toBe('not_found');
  });

  it('of a payment that is not known is not applied; a repeated one changes nothing more', () => {
    const { store, pay, idOf } = world();
    expect(store.correctPayment({ endToEndId: idOf(9), replacement: becomes(idOf(9), 0, 1) }).isApplied).toBe(false);
    pay(0, 700);
    store.correctPayment({ endToEndId: idOf(1), replacement: null });
    expect(store.correctPayment({ endToEndId: idOf(1), replacement: null }).retracted.payer).toBeNull();
    pay(1000, 50);
    expect(pay(2000, 5)('ever')).toBe(1);
  });
});

describe('an embedded store', () => {
  it('refuses whole where it is full, and forgets what no retry can name to make room', () => {
    const set = compileFeatureSet(
      defineFeatureSet({ name: 'cases', description: '-', bound: 4, allowedLateness: '7d', features: FEATURES }),
    );
    const store = new EmbeddedStore(set, { maxPayments: 8 });
    store.openEpoch(1);
    const pay = (number: number, time: number) =>
      store.observePayment(paymentOf(rowOf(`E${String(number).padStart(31, '0')}`, START + time, 100, 1, 1)));
    for (let number = 0; number < 8; number += 1) pay(number, number);
    expect(() => pay(8, 8)).toThrow(/no room for more payments than 8 within 7 days/);
    expect(store.stats().payments).toBe(8);
    expect(pay(7, 9).isEvent).toBe(false);
    expect(pay(8, 7 * DAY + 1).isEvent).toBe(true);
    expect(store.stats().payments).toBe(8);
  });
});
