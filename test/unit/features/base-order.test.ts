import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byKind } from '../../../src/domain/entity-keys.ts';
import { EVENT } from '../../../src/domain/recorded-event.ts';
import { baseOrder, kindOrders } from '../../../src/features/replay/base-order.ts';
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

describe('the order of a base', () => {
  it('gives every entity its events in the order of its numbers, whatever the clocks of servers said', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const { payments, labels } = columnsOf(events);
        const order = [...baseOrder(payments, labels)];
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

  it('is of each kind its own where scripts of several partitions gave numbers in a circle', () => {
    // Two payments between the same accounts: the first for the payer, the second for the payee, came first.
    const { payments, labels } = columnsOf([
      { payer: 1, payee: 1, isLabel: false, epoch: 1, known: 0, journal: 0, hasNumber: true },
      { payer: 1, payee: 1, isLabel: false, epoch: 1, known: 1, journal: 0, hasNumber: true },
      { payer: 1, payee: 1, isLabel: true, epoch: 1, known: 2, journal: 0, hasNumber: true },
    ]);
    expect(kindOrders(payments, labels, baseOrder(payments, labels))).toBeNull();
    payments.numbers.payee.seqs.set([2, 1]);
    const orders = kindOrders(payments, labels, baseOrder(payments, labels));
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
    const orders = kindOrders(payments, labels, baseOrder(payments, labels));
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
    const order = baseOrder(corrected, labels);
    expect([...order]).toEqual([1, 0, 3, 2]);
    expect(kindOrders(corrected, labels, order)).toBeNull();
  });
});
