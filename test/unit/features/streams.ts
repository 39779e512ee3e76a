import fc from 'fast-check';
import { byKeyedKind, type EntityKind } from '../../../src/domain/entity-keys.ts';
import { LABEL_STATES, type LabelState } from '../../../src/domain/label.ts';
import { entityKeys, PAYMENT_COLUMNS, type PaymentRow } from '../../../src/domain/payment-row.ts';
import type { ColdShape } from '../../../src/features/cold/cold-layout.ts';
import {
  defineFeatureSet,
  type FeatureSetDefinition,
  type WindowFeature,
} from '../../../src/features/definition/definition.ts';
import { FEATURE_STATUS_NAMES } from '../../../src/features/feature-status.ts';
import type { Observation } from '../../../src/features/online-store.ts';
import type { ReplayPayments } from '../../../src/features/replay/replay-input.ts';
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
  | {
      readonly do: 'correct';
      readonly back: number;
      /** What the payment becomes; null where it is retracted. */
      readonly becomes: { readonly payee: number; readonly amount: number; readonly wait: number } | null;
    }
  | { readonly do: 'settle' }
  | { readonly do: 'rollback'; readonly steps: number }
  | { readonly do: 'restart' };

/** Random streams of each case: `STREAMS=250 npx vitest run test/unit/features` for as many as one has time for. */
export const STREAMS = Number(process.env.STREAMS ?? 12);

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
const becomes = fc.record({ payee: account, amount, wait });
const correct = fc.record({
  do: fc.constant('correct' as const),
  // Far back too: what lies deep on pages, and what is forgotten.
  back: fc.oneof(fc.nat(12), fc.nat(80)),
  becomes: fc.option(becomes, { nil: null }),
});
const settle = fc.constant({ do: 'settle' as const });
const rollback = fc.record({ do: fc.constant('rollback' as const), steps: fc.nat(6) });
const restart = fc.constant({ do: 'restart' as const });

/** One step of a stream; a stream leans to payments, to labels, to corrections or to undoing. */
export const stream: fc.Arbitrary<Step[]> = fc
  .tuple(
    fc.constantFrom(1, 6),
    fc.constantFrom(1, 12),
    fc.constantFrom(0, 3),
    fc.constantFrom(0, 1),
    fc.constantFrom(0, 1, 8),
  )
  .chain(([agains, labels, undos, restarts, corrections]) =>
    fc.array(
      fc.oneof(
        { weight: 20, arbitrary: pay },
        { weight: agains, arbitrary: again },
        { weight: labels, arbitrary: label },
        { weight: undos, arbitrary: rollback },
        { weight: 1, arbitrary: settle },
        { weight: restarts, arbitrary: restart },
        { weight: corrections, arbitrary: correct },
      ),
      { maxLength: 160, size: 'max' },
    ),
  );

/** Expressions over the features of {@link testSet}; `oracle.ts` says in its own code what each gives. */
const TEST_EXPRESSIONS = {
  z: '(amount - payer_mean_2h) / payer_stddev_2h',
  twice: 'shape / pair_max_2h',
  shape: 'amount / payee_mean_2h',
  rise: 'payer_sum_10m - payer_sum_1m',
  new: 'never_seen(pair_ever)',
  gone: 'absent(pair_mean_1m)',
  many: 'payee_count_1m > 2',
} as const;

/** Sums over short windows, labels and expressions: enough where features are not what is tested. */
export function plainSet(bound: number): FeatureSetDefinition {
  return setOf(bound, 6);
}

/** What {@link testSet} has of accounts: for files that name no other entities. */
export function accountSet(bound: number): FeatureSetDefinition {
  const set = testSet(bound);
  const accounts = ['payer', 'payee', 'pair'];
  return {
    ...set,
    features: set.features.filter((feature) => feature.kind !== 'window' || accounts.includes(feature.entity)),
  };
}

/** Pages of 2 events, 2 summaries to an index page, and one event or more in memory: a stream has many levels. */
export const smallShape = (hot: number): ColdShape => ({ hot, chunk: 2, fanout: 2 });

/** What of {@link testSet} a set without a bound may have. */
export function unboundedSet(): FeatureSetDefinition {
  const set = testSet(2);
  const costly = ['distinct', 'top', 'is_top', 'quantile'];
  const features = set.features.filter((feature) =>
    feature.kind === 'window'
      ? !costly.includes(feature.aggregate)
      : feature.kind !== 'label' || (feature.aggregate !== 'rate' && feature.on !== 'payment'),
  );
  return { ...set, bound: 'none', features };
}

/** What of {@link unboundedSet} reaches back three hours at most: the others of its windows hold all that a stream has. */
export function forgettingSet(): FeatureSetDefinition {
  const set = unboundedSet();
  const isCivil = ({ window }: { readonly window?: string }): boolean => window?.startsWith('civil') === true;
  return { ...set, features: set.features.filter((feature) => feature.kind !== 'window' || !isCivil(feature)) };
}

/** Every aggregate over short windows, and a bound that is soon reached. */
export function testSet(bound: number): FeatureSetDefinition {
  return setOf(bound, Infinity);
}

/** @param most how many of {@link others} an account has. */
function setOf(bound: number, most: number): FeatureSetDefinition {
  const features: FeatureSetDefinition['features'][number][] = [
    { kind: 'expression', name: 'amount', description: '-', expression: 'amount_centavos' },
  ];
  for (const entity of ['payer', 'payee', 'pair'] as const) {
    for (const window of ['1m', '10m', '2h'] as const) {
      const hop = entity === 'payee' && window.endsWith('h') ? ({ hop: '10m' } as const) : {};
      const base = { kind: 'window', entity, window, description: '-', ...hop } as const;
      const column = 'amount_centavos';
      features.push({ ...base, name: `${entity}_count_${window}`, aggregate: 'count', default: 0 });
      for (const aggregate of ['sum', 'mean', 'max', 'min', 'stddev'] as const)
        features.push({ ...base, name: `${entity}_${aggregate}_${window}`, aggregate, column });
      if ('hop' in hop) continue;
      const other = entity === 'payer' ? 'payee_account' : 'payer_account';
      features.push({ ...base, name: `${entity}_distinct_${window}`, aggregate: 'distinct', column: other });
    }
    features.push(...others(entity).slice(0, entity === 'pair' ? 6 : most));
  }
  for (const entity of ['payer_document', 'payee_document', 'pix_key', 'device'] as const)
    features.push(...others(entity).slice(0, 2), ...others(entity).slice(10, 12));
  for (const state of LABEL_STATES) {
    const label = { kind: 'label', states: [state], description: '-' } as const;
    const name = state.toLowerCase();
    features.push({ ...label, name: `${name}_ever`, aggregate: 'count', default: 0 });
    features.push({ ...label, name: `${name}_1h`, aggregate: 'count', window: '1h', offset: '1m' });
    features.push({ ...label, name: `${name}_since`, aggregate: 'time_since_last', unit: '1h' });
  }
  const rate = { kind: 'label', aggregate: 'rate', states: ['AGREED', 'CONTESTED'], description: '-' } as const;
  features.push({ ...rate, name: 'rate', window: '2h', offset: '1m' });
  features.push({ ...rate, name: 'rate_matured', window: '2h', denominator: 'matured', maturity: '10m' });
  features.push({ ...rate, name: 'frauds_on_payments', aggregate: 'count', window: '1h', on: 'payment' });
  for (const [name, expression] of Object.entries(TEST_EXPRESSIONS)) {
    features.push({ kind: 'expression', name, description: '-', expression });
  }
  // Of one event that is kept none is the second.
  const within = features.filter((feature) => feature.kind !== 'window' || (feature.n ?? 0) <= bound);
  return defineFeatureSet({ name: 'test', description: '-', bound, allowedLateness: '1h', features: within });
}

/** What is not one of the plain sums of {@link testSet}. */
function others(entity: EntityKind): WindowFeature[] {
  const column = 'amount_centavos';
  const base = { kind: 'window', entity, description: '-' } as const;
  const named = (name: string, rest: Omit<WindowFeature, keyof typeof base | 'name'>): WindowFeature => ({
    ...base,
    ...rest,
    name: `${entity}_${name}`,
  });
  const filter = 'amount_centavos > 1000';
  const savings = "payee_account_type = 'SVGS'";
  const hop = '10m';
  return [
    named('ever', { aggregate: 'count', window: 'all', default: 0 }),
    named('ever_current', { aggregate: 'count', window: 'all', current: 'include' }),
    named('first', { aggregate: 'time_since_first', window: 'all', unit: '1h' }),
    named('last', { aggregate: 'time_since_last', window: 'all', unit: '1h' }),
    named('since_first_1h', { aggregate: 'time_since_first', window: '1h', unit: '1m', filter }),
    named('since_last_1h', { aggregate: 'time_since_last', window: '1h', unit: '1m', current: 'include', filter }),
    named('sum_ever', { aggregate: 'sum', window: 'all', column }),
    named('variance_ever', { aggregate: 'variance', window: 'all', column, filter: savings }),
    named('max_ever', { aggregate: 'max', window: 'all', column }),
    named('min_ever', { aggregate: 'min', window: 'all', column, current: 'include' }),
    named('count_filtered', { aggregate: 'count', window: '10m', filter, current: 'include' }),
    named('sum_filtered', { aggregate: 'sum', window: '10m', column, filter: savings, offset: '1m' }),
    named('mean_current', { aggregate: 'mean', window: '1h', column, current: 'include' }),
    named('max_offset', { aggregate: 'max', window: '10m', column, offset: '7m' }),
    named('count_day', { aggregate: 'count', window: 'civil_day' }),
    named('sum_month', { aggregate: 'sum', window: 'civil_month', column }),
    named('first_amount', { aggregate: 'first', window: '1h', column }),
    named('last_amount', { aggregate: 'last', window: 'all', column, timeToLive: '2h' }),
    named('second_last', { aggregate: 'nth_last', n: 2, window: '2h', column, filter: savings }),
    named('distinct_amounts', { aggregate: 'distinct', window: '10m', column, offset: '1m' }),
    named('top_amount', { aggregate: 'top', window: '1h', column }),
    named('is_usual_payee', { aggregate: 'is_top', window: '2h', column: 'payee_account' }),
    named('median', { aggregate: 'quantile', window: '1h', column, quantile: [1, 2] }),
    named('ninth', { aggregate: 'quantile', window: '1h', column, quantile: [9, 10], current: 'include' }),
    named('streak', { aggregate: 'streak', window: '2h', while: 'amount_centavos % 2 = 0', most: 3 }),
    named('median_approx', { aggregate: 'quantile_approx', window: '1h', hop, column, quantile: [1, 2] }),
    named('distinct_approx', { aggregate: 'distinct_approx', window: '1h', hop, column }),
    named('distinct_ever', { aggregate: 'distinct_approx', window: 'all', column: 'payer_account', filter }),
    named('decayed_sum', { aggregate: 'decayed_sum', window: '2h', hop, column, halfLife: '20m' }),
    named('decayed_count', { aggregate: 'decayed_count', window: '1h', hop, halfLife: '10m', current: 'include' }),
    named('count_hopped', { aggregate: 'count', window: '1h', hop, filter, current: 'include' }),
    named('variance_hopped', { aggregate: 'variance', window: '2h', hop, column }),
    named('distinct_sliding', { aggregate: 'distinct_approx', window: '1h', column }),
    named('distinct_today', { aggregate: 'distinct_approx', window: 'civil_day', column: 'payer_account' }),
    named('median_sliding', { aggregate: 'quantile_approx', window: '1h', offset: '1m', column, quantile: [1, 2] }),
  ];
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
    payee_account_type: amountCentavos % 3 === 0 ? 'SVGS' : amountCentavos % 3 === 1 ? 'CACC' : null,
    payer_ispb: '11111111',
    payer_number: payer === 0 ? null : String(payer),
    payee_ispb: '22222222',
    payee_number: payee === 0 ? null : String(payee),
    // Two payers of one holder, one device that some payments lack, a key a payee.
    payer_document: payer === 0 ? null : '52998224725',
    payee_document: payee === 0 ? null : `document-${payee % 2}`,
    pix_key: payee === 2 ? 'key' : null,
    device_id: amountCentavos % 2 === 0 ? 'device' : null,
  } as unknown as PaymentRow;
}

/** A payment as stores take it. */
export function paymentOf(row: PaymentRow): { row: PaymentRow; keys: ReturnType<typeof entityKeys> } {
  return { row, keys: entityKeys(row) };
}

/** Keys of payments by kind of entity, as a replay takes them. */
export function keyColumns(rows: readonly PaymentRow[]): ReplayPayments['keys'] {
  return byKeyedKind((kind) => rows.map((row) => entityKeys(row)[kind]));
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
