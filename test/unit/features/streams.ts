import fc from 'fast-check';
import { LABEL_STATES, type LabelState } from '../../../src/domain/label.ts';
import { entityKeys, PAYMENT_COLUMNS, type PaymentRow } from '../../../src/domain/payment-row.ts';
import { defineFeatureSet, type FeatureSetDefinition } from '../../../src/features/definition.ts';
import { FEATURE_STATUS_NAMES } from '../../../src/features/feature-status.ts';
import type { Observation } from '../../../src/features/online-store.ts';
import type { Cell } from './oracle.ts';

/** Random streams that lie on the edges of windows: ties, late events, second sides, labels, restarts. */

export type Step =
  | {
      readonly do: 'pay';
      readonly payer: number;
      readonly payee: number;
      readonly amount: number;
      readonly wait: number;
    }
  | { readonly do: 'again'; readonly back: number; readonly wait: number; readonly otherPayee: boolean }
  | {
      readonly do: 'label';
      readonly back: number;
      readonly state: LabelState;
      readonly wait: number;
      readonly unknown: boolean;
    }
  | { readonly do: 'settle' }
  | { readonly do: 'rollback'; readonly steps: number }
  | { readonly do: 'restart' };

const MINUTE = 60_000_000;
/** Waits that meet the edges of the windows of {@link testSet}, one microsecond to each side; negative ones are late. */
const wait = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(0, 0, 1, 1000, MINUTE / 4) },
  { weight: 4, arbitrary: fc.constantFrom(MINUTE - 1, MINUTE, MINUTE + 1, 10 * MINUTE, 10 * MINUTE - 1, 7 * MINUTE) },
  { weight: 1, arbitrary: fc.constantFrom(60 * MINUTE, 120 * MINUTE + 1, 300 * MINUTE, 5000 * MINUTE) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(-1, -1000, -MINUTE, -MINUTE - 1, -10 * MINUTE, -70 * MINUTE, -1000 * MINUTE),
  },
);
const amount = fc.oneof(fc.nat(5), fc.nat(100_000), fc.constantFrom(999_999_999_999, 999_999_999_998, 0));
/** 0 is no account. */
const account = fc.oneof({ weight: 8, arbitrary: fc.constant(1) }, { weight: 3, arbitrary: fc.nat(2) });

const pay = fc.record({ do: fc.constant('pay' as const), payer: account, payee: account, amount, wait });
const again = fc.record({ do: fc.constant('again' as const), back: fc.nat(12), wait, otherPayee: fc.boolean() });
const label = fc.record({
  do: fc.constant('label' as const),
  back: fc.nat(4),
  state: fc.constantFrom(...LABEL_STATES),
  wait,
  unknown: fc.nat(5).map((number) => number === 0),
});
const settle = fc.constant({ do: 'settle' as const });
const rollback = fc.record({ do: fc.constant('rollback' as const), steps: fc.nat(6) });
const restart = fc.constant({ do: 'restart' as const });

/** One step of a stream; a stream leans to payments, to labels or to undoing. */
export const stream: fc.Arbitrary<Step[]> = fc
  .tuple(fc.constantFrom(1, 6), fc.constantFrom(1, 12), fc.constantFrom(0, 3), fc.constantFrom(0, 1))
  .chain(([agains, labels, undos, restarts]) =>
    fc.array(
      fc.oneof(
        { weight: 20, arbitrary: pay },
        { weight: agains, arbitrary: again },
        { weight: labels, arbitrary: label },
        { weight: undos, arbitrary: rollback },
        { weight: 1, arbitrary: settle },
        { weight: restarts, arbitrary: restart },
      ),
      { maxLength: 160, size: 'max' },
    ),
  );

/** Expressions over the features of {@link testSet}; `oracle.ts` says in its own code what each gives. */
const TEST_EXPRESSIONS = {
  z: '(amount - payer_mean_1h) / payer_stddev_1h',
  twice: 'shape / pair_max_2h',
  shape: 'amount / payee_mean_2h',
  rise: 'payer_sum_10m - payer_sum_1m',
  new: 'never_seen(pair_ever)',
  gone: 'absent(pair_mean_1m)',
  many: 'payee_count_1m > 2',
} as const;

/** Every aggregate over short windows, and a bound that is soon reached. */
export function testSet(bound: number): FeatureSetDefinition {
  const features: FeatureSetDefinition['features'][number][] = [
    { kind: 'expression', name: 'amount', description: '-', expression: 'amount_centavos' },
  ];
  for (const entity of ['payer', 'payee', 'pair'] as const) {
    for (const window of ['1m', '10m', '1h', '2h'] as const) {
      const hop = entity === 'payee' && window.endsWith('h') ? ({ hop: window === '1h' ? '10m' : '10m' } as const) : {};
      const base = { kind: 'window', entity, window, description: '-', ...hop } as const;
      const column = 'amount_centavos';
      features.push({ ...base, name: `${entity}_count_${window}`, aggregate: 'count', default: 0 });
      features.push({ ...base, name: `${entity}_sum_${window}`, aggregate: 'sum', column });
      features.push({ ...base, name: `${entity}_mean_${window}`, aggregate: 'mean', column });
      features.push({ ...base, name: `${entity}_max_${window}`, aggregate: 'max', column });
      if ('hop' in hop) continue;
      features.push({ ...base, name: `${entity}_min_${window}`, aggregate: 'min', column });
      features.push({ ...base, name: `${entity}_stddev_${window}`, aggregate: 'stddev', column });
      features.push({ ...base, name: `${entity}_distinct_${window}`, aggregate: 'distinct_counterparties' });
    }
    const history = { kind: 'history', entity, description: '-' } as const;
    features.push({ ...history, name: `${entity}_ever`, aggregate: 'count', default: 0 });
    features.push({ ...history, name: `${entity}_first`, aggregate: 'time_since_first', unit: '1h' });
    features.push({ ...history, name: `${entity}_last`, aggregate: 'time_since_last', unit: '1h' });
  }
  for (const state of LABEL_STATES) {
    const label = { kind: 'label', state, description: '-' } as const;
    const name = state.toLowerCase();
    features.push({ ...label, name: `${name}_ever`, aggregate: 'count', default: 0 });
    features.push({ ...label, name: `${name}_1h`, aggregate: 'count', window: '1h' });
    features.push({ ...label, name: `${name}_since`, aggregate: 'time_since_last', unit: '1h' });
  }
  for (const [name, expression] of Object.entries(TEST_EXPRESSIONS)) {
    features.push({ kind: 'expression', name, description: '-', expression });
  }
  return defineFeatureSet({ name: 'test', description: '-', bound, allowedLateness: '1h', features });
}

const EMPTY_ROW = Object.fromEntries(PAYMENT_COLUMNS.map(({ name }) => [name, null]));

/** A payment's row; account 0 is none. */
export function rowOf(id: string, time: number, amountCentavos: number, payer: number, payee: number): PaymentRow {
  return {
    ...EMPTY_ROW,
    end_to_end_id: id,
    side: 'PAYER',
    event_time: time,
    amount_centavos: amountCentavos,
    payer_ispb: '11111111',
    payer_number: payer === 0 ? null : String(payer),
    payee_ispb: '22222222',
    payee_number: payee === 0 ? null : String(payee),
  } as unknown as PaymentRow;
}

/** A payment as stores take it. */
export function paymentOf(row: PaymentRow): { row: PaymentRow; keys: ReturnType<typeof entityKeys> } {
  return { row, keys: entityKeys(row) };
}

/** An observation's vector as the oracle writes it. */
export function cellsOf(
  names: readonly string[],
  { values, status }: Pick<Observation, 'values' | 'status'>,
): Map<string, Cell> {
  return new Map(
    names.map((name, at) => [
      name,
      { value: values[at] as number, status: FEATURE_STATUS_NAMES[status[at] as number] ?? '?' },
    ]),
  );
}
