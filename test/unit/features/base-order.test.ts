import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byKind } from '../../../src/domain/entity-keys.ts';
import { EVENT } from '../../../src/domain/recorded-event.ts';
import type { OrderedLabels, OrderedPayments } from '../../../src/features/replay/base-keys.ts';
import { type BaseOrder, baseOrder } from '../../../src/features/replay/base-order.ts';
import { numberColumns } from '../../../src/features/replay/replay-input.ts';

interface Event {
  readonly payer: number;
  readonly payee: number;
  readonly isLabel: boolean;
  readonly epoch: number;
  readonly known: number;
  readonly journal: number;
  readonly hasNumber: boolean;
}

const event = fc.record({
  payer: fc.nat(3),
  payee: fc.nat(3),
  isLabel: fc.nat(4).map((number) => number === 0),
  epoch: fc.integer({ min: 1, max: 3 }),
  known: fc.nat(5),
  journal: fc.nat(2),
  hasNumber: fc.nat(6).map((number) => number > 0),
});

/** Events in the order in which a store took them, epoch by epoch; their known times follow no order. */
function columnsOf(events: readonly Event[]) {
  const taken = [...events].sort((a, b) => a.epoch - b.epoch);
  const payments = taken.filter(({ isLabel }) => !isLabel);
  const labels = taken.filter(({ isLabel }) => isLabel);
  const numbers = byKind(() => numberColumns(payments.length));
  const labelNumbers = numberColumns(labels.length);
  const last = new Map<string, number>();
  const take = (name: string): number => {
    last.set(name, (last.get(name) ?? 0) + 1);
    return last.get(name) ?? 0;
  };
  for (const item of taken) {
    if (!item.hasNumber) continue;
    const { epoch, payer, payee } = item;
    if (item.isLabel) {
      const row = labels.indexOf(item);
      labelNumbers.epochs[row] = epoch;
      labelNumbers.seqs[row] = take(`${epoch} payee ${payee}`);
      continue;
    }
    const row = payments.indexOf(item);
    for (const [kind, name] of [
      ['payer', payer],
      ['payee', payee],
      ['pair', `${payer}>${payee}`],
    ] as const) {
      numbers[kind].epochs[row] = epoch;
      numbers[kind].seqs[row] = take(`${epoch} ${kind} ${name}`);
    }
  }
  const places = (of: readonly Event[]) => ({
    journals: of.map(({ journal }) => `j${journal}`),
    positions: Float64Array.from(of, (_, row) => row + 1),
    knownTimes: Float64Array.from(of, ({ known }) => known),
  });
  return {
    taken,
    payments: {
      count: payments.length,
      keys: {
        ...byKind(() => payments.map(() => null)),
        payer: payments.map(({ payer }) => `r${payer}`),
        payee: payments.map(({ payee }) => `e${payee}`),
      },
      isEvent: new Uint8Array(payments.length).fill(1),
      numbers,
      places: places(payments),
    },
    labels: {
      count: labels.length,
      payees: labels.map(({ payee }) => `e${payee}`),
      numbers: labelNumbers,
      places: places(labels),
    },
  };
}

function orderOf(payments: OrderedPayments, labels: OrderedLabels): BaseOrder {
  const steps = baseOrder(payments, labels);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

describe('the order of a base', () => {
  it('gives every entity its events in the order of its numbers, whatever the clocks of servers said', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const { payments, labels } = columnsOf(events);
        const order = [...orderOf(payments, labels).whole];
        expect([...order].sort((a, b) => a - b)).toEqual(
          [
            ...Array.from({ length: labels.count }, (_, row) => -1 - row),
            ...Array.from({ length: payments.count }, (_, row) => row),
          ].sort((a, b) => a - b),
        );
        const keyOf = (item: number, kind: 'payer' | 'payee' | 'pair'): [number, number] => {
          const columns = item < 0 ? labels.numbers : payments.numbers[kind];
          const row = item < 0 ? -1 - item : item;
          return [columns.epochs[row] as number, columns.seqs[row] as number];
        };
        for (const kind of ['payer', 'payee', 'pair'] as const) {
          const seen = new Map<string, [number, number]>();
          for (const item of order) {
            if (item < 0 && kind !== 'payee') continue;
            const payee = item < 0 ? labels.payees[-1 - item] : payments.keys.payee[item];
            const name =
              kind === 'payee'
                ? payee
                : kind === 'payer'
                  ? payments.keys.payer[item]
                  : `${payments.keys.payer[item]}${payee}`;
            const key = keyOf(item, kind);
            if (key[0] === 0) continue;
            const before = seen.get(name ?? '') ?? [0, 0];
            expect(
              key[0] > before[0] ||
                (key[0] === before[0] && key[1] === before[1] + 1) ||
                (key[0] > before[0] && key[1] === 1),
            ).toBe(true);
            seen.set(name ?? '', key);
          }
        }
        const withoutNumber = order.map((item) => keyOf(item, 'payee')[0] === 0);
        expect(withoutNumber).toEqual([...withoutNumber].sort());
      }),
      { numRuns: 300 },
    );
  });

  it('is of each kind what sorting each entity by itself gives, whatever numbers there are', () => {
    const kinds = ['payer', 'payee', 'pair'] as const;
    const isMixed = { none: 0, some: 0 };
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), fc.array(fc.nat(50)), (events, changes) => {
        const { payments, labels } = columnsOf(events);
        // Numbers in circles, and events with a number in some of their entities only.
        for (const [at, change] of changes.entries()) {
          if (payments.count === 0) break;
          const numbers = payments.numbers[kinds[at % 3] ?? 'payer'];
          const row = change % payments.count;
          if (at % 2 === 0) numbers.seqs[row] = 100 + ((change * 7) % 50) + row / 1000;
          else numbers.epochs[row] = 0;
          if (numbers.epochs[row] === 0) numbers.seqs[row] = 0;
        }
        const { whole, kinds: orders } = orderOf(payments, labels);
        isMixed[orders === null ? 'none' : 'some'] += 1;
        for (const kind of kinds) {
          const entityOf = (item: number): string => {
            const row = item < 0 ? -1 - item : item;
            const payee = item < 0 ? labels.payees[row] : payments.keys.payee[row];
            return kind === 'payee' ? `${payee}` : `${payments.keys.payer[row]}${kind === 'pair' ? payee : ''}`;
          };
          const placeOf = (item: number): number[] => {
            const row = item < 0 ? -1 - item : item;
            const of = item < 0 ? labels : payments;
            const { epochs, seqs } = item < 0 ? labels.numbers : payments.numbers[kind];
            const { knownTimes, journals, positions } = of.places;
            const isNumbered = epochs[row] !== 0;
            return [
              isNumbered ? (epochs[row] as number) : Infinity,
              isNumbered ? (seqs[row] as number) : (knownTimes[row] as number),
              Number(journals[row]?.slice(1)),
              positions[row] as number,
            ];
          };
          const compare = (a: number, b: number): number => {
            const [left, right] = [placeOf(a), placeOf(b)];
            const at = left.findIndex((part, index) => part !== right[index]);
            return at < 0 ? 0 : (left[at] as number) - (right[at] as number);
          };
          const items = [...whole].filter((item) => item >= 0 || kind === 'payee');
          const found = orders === null ? items : [...orders[kind]];
          expect(found.length).toBe(items.length);
          for (const entity of new Set(items.map(entityOf))) {
            const ofEntity = (item: number): boolean => entityOf(item) === entity;
            expect(found.filter(ofEntity)).toEqual(items.filter(ofEntity).sort(compare));
          }
        }
      }),
      { numRuns: 300 },
    );
    expect(Math.min(isMixed.none, isMixed.some)).toBeGreaterThan(10);
  });

  it('keeps the rows of a corrected payment in their turns, also where entities make a circle', () => {
    const isMixed = { none: 0, some: 0 };
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), fc.array(fc.nat(50)), fc.nat(100), (events, changes, shuffle) => {
        const { payments, labels } = columnsOf(events);
        for (const [at, change] of changes.entries()) {
          const row = change % Math.max(payments.count, 1);
          payments.numbers[at % 2 === 0 ? 'payer' : 'payee'].seqs[row] = 100 + ((change * 7) % 50) + row / 1000;
        }
        // Every third row is of one payment, which was corrected as often.
        const turns = Float64Array.from({ length: payments.count }, (_, row) => 1 + ((row * 17 + shuffle) % 101));
        const of = Int32Array.from({ length: payments.count }, (_, row) => (row % 3 === 2 ? -1 : row % 3));
        const { whole, kinds } = orderOf({ ...payments, turns: { payments: of, count: 2, turns } }, labels);
        isMixed[kinds === null ? 'none' : 'some'] += 1;
        for (const payment of [0, 1]) {
          const found = [...whole]
            .filter((item) => item >= 0 && of[item] === payment)
            .map((row) => turns[row] as number);
          expect(found).toEqual([...found].sort((a, b) => a - b));
        }
        expect(whole.toSorted()).toEqual(orderOf(payments, labels).whole.toSorted());
      }),
      { numRuns: 300 },
    );
    expect(Math.min(isMixed.none, isMixed.some)).toBeGreaterThan(10);
  });

  it('is of each kind its own where scripts of several partitions gave numbers in a circle', () => {
    // Two payments between the same accounts: the first for the payer, the second for the payee, came first.
    const { payments, labels } = columnsOf([
      { payer: 1, payee: 1, isLabel: false, epoch: 1, known: 0, journal: 0, hasNumber: true },
      { payer: 1, payee: 1, isLabel: false, epoch: 1, known: 1, journal: 0, hasNumber: true },
      { payer: 1, payee: 1, isLabel: true, epoch: 1, known: 2, journal: 0, hasNumber: true },
    ]);
    expect(orderOf(payments, labels).kinds).toBeNull();
    payments.numbers.payee.seqs.set([2, 1]);
    const orders = orderOf(payments, labels).kinds;
    expect([...(orders?.payer ?? [])]).toEqual([0, 1]);
    expect([...(orders?.payee ?? [])]).toEqual([1, 0, -1]);
  });

  it('has an event last in an entity where it has no number, though it has one in another', () => {
    const { payments, labels } = columnsOf([
      { payer: 1, payee: 1, isLabel: false, epoch: 1, known: 0, journal: 0, hasNumber: true },
      { payer: 1, payee: 1, isLabel: false, epoch: 1, known: 1, journal: 0, hasNumber: true },
    ]);
    payments.numbers.payer.epochs[0] = 0;
    payments.numbers.payer.seqs.set([0, 1]);
    const orders = orderOf(payments, labels).kinds;
    expect([...(orders?.payer ?? [])]).toEqual([1, 0]);
    expect([...(orders?.payee ?? [])]).toEqual([0, 1]);
  });

  it('keeps the turns of a payment whose rows share no entity, and has a retracted event without a number right before its retraction', () => {
    const base = { isLabel: false, epoch: 1, journal: 0, hasNumber: true } as const;
    // Row 0 is retracted by row 3 and replaced by row 2, in other accounts, which was recorded first; row 1 is another payment's.
    const { payments, labels } = columnsOf([
      { ...base, payer: 1, payee: 1, known: 9, hasNumber: false },
      { ...base, payer: 1, payee: 1, known: 8 },
      { ...base, payer: 2, payee: 2, known: 1 },
      { ...base, payer: 1, payee: 1, known: 2 },
    ]);
    const isEvent = Uint8Array.of(EVENT.first, EVENT.first, EVENT.replacement, EVENT.retraction);
    const turns = { payments: Int32Array.of(0, -1, 0, 0), count: 1, turns: Float64Array.of(1, 0, 3, 2) };
    const corrected = { ...payments, isEvent, turns };
    const { whole, kinds } = orderOf(corrected, labels);
    expect([...whole]).toEqual([1, 0, 3, 2]);
    expect(kinds).toBeNull();
  });
});
