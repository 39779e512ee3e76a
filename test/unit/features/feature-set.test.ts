import { describe, expect, it } from 'vitest';
import { AppError } from '../../../src/base/errors.ts';
import { defineFeatureSet, type FeatureDefinition } from '../../../src/features/definition/definition.ts';
import { createVectorEngine, vectorWithoutStore } from '../../../src/features/engine/vector-engine.ts';
import { compileFeatureSet } from '../../../src/features/feature-set.ts';
import { FEATURE_STATUS, FEATURE_STATUS_NAMES } from '../../../src/features/feature-status.ts';
import { PIX_CORE } from '../../../src/features/pix-core.ts';
import { paymentOf, rowOf } from './streams.ts';

const set = (...features: object[]) =>
  compileFeatureSet(
    defineFeatureSet({
      name: 'test',
      description: '-',
      bound: 256,
      allowedLateness: '7d',
      features: features.map((feature, at) => ({
        name: `f${at}`,
        description: '-',
        ...feature,
      })) as FeatureDefinition[],
    }),
  );
const problemOf = (...features: object[]): string => {
  try {
    set(...features);
  } catch (error) {
    if (error instanceof AppError && error.code === 'feature_invalid') return error.message;
    throw error;
  }
  return 'none';
};
const count = { kind: 'window', entity: 'payer', aggregate: 'count', window: '1h' };

describe('a feature set', () => {
  it('has a version that every word of its definitions changes, and nothing else', () => {
    const version = set(count).version;
    expect(set(count).version).toBe(version);
    expect(set({ ...count, window: '60m' }).version).not.toBe(version);
    expect(set({ ...count, description: 'x' }).version).not.toBe(version);
    expect(set(count, { ...count, window: '2h' }).version).not.toBe(version);
    expect(set(count).hash).toMatch(new RegExp(`^${version}[0-9a-f]{52}$`));
  });

  for (const [what, features, message] of [
    [
      'a column that is not there',
      [{ kind: 'expression', expression: 'amount_centavo' }],
      /feature 'f0': there is no feature or column amount_centavo, did you mean amount_centavos\? at character 1$/,
    ],
    [
      'a feature that is a text',
      [{ kind: 'expression', expression: 'side' }],
      /must be a number or a boolean, and is a text at character 1$/,
    ],
    ['a sum of texts', [{ ...count, aggregate: 'sum', column: 'side' }], /'side' is a string, and sum takes long/],
    ['a sum of nothing', [{ ...count, aggregate: 'sum' }], /sum needs a column/],
    ['a time of something', [{ ...count, aggregate: 'time_since_last', column: 'day', unit: '1d' }], /takes no column/],
    ['an aggregate that is none', [{ ...count, aggregate: 'counts' }], /no aggregate 'counts', did you mean count/],
    ['a span that is none', [{ ...count, window: '0h' }], /'0h' is no span of time/],
    ['a hop longer than its window', [{ ...count, hop: '2h' }], /hop is longer/],
    ['distinct values that hop', [{ ...count, aggregate: 'distinct', column: 'side', hop: '10m' }], /cannot hop/],
    ['a hop of all time', [{ ...count, window: 'all', hop: '10m' }], /a window of all cannot hop/],
    ['an offset that hops', [{ ...count, offset: '1h', hop: '10m' }], /offset cannot hop/],
    ['an offset of a civil day', [{ ...count, window: 'civil_day', offset: '1h' }], /takes no offset/],
    ['an offset that includes the payment', [{ ...count, offset: '1h', current: 'include' }], /cannot include it/],
    ['a window over retention', [{ ...count, window: '380d', offset: '30d' }], /400d at most/],
    ['a member of another aggregate', [{ ...count, quantile: [1, 2] }], /count takes no 'quantile'/],
    ['a decay without a half-life', [{ ...count, aggregate: 'decayed_count', hop: '10m' }], /needs 'halfLife'/],
    ['a quantile above 1', [{ ...count, aggregate: 'quantile', column: 'day', quantile: [3, 2] }], /no more than 1/],
    ['a filter of no column', [{ ...count, filter: 'amuont_centavos > 1' }], /amuont_centavos/],
    [
      'a rate on labels’ times',
      [{ kind: 'label', aggregate: 'rate', states: ['AGREED'], on: 'label' }],
      /a rate is of/,
    ],
    ['a state that is none', [{ kind: 'label', aggregate: 'count', states: ['AGRED'] }], /did you mean AGREED/],
    [
      'a feature of a feature that is not there',
      [count, { kind: 'expression', expression: 'payment.side = payment.f0' }],
      /feature 'f1': there is no column f0 at character 24$/,
    ],
    [
      'features that need each other',
      [
        count,
        { kind: 'expression', expression: 'f0 + f2' },
        { kind: 'expression', expression: 'abs(f3)' },
        { kind: 'expression', expression: 'f0 / f1' },
      ],
      /feature 'f3': it needs itself: f1 → f2 → f3 → f1 at character 6$/,
    ],
    [
      'a feature that needs itself',
      [{ kind: 'expression', expression: '1 + f0' }],
      /needs itself: f0 → f0 at character 5$/,
    ],
    [
      'expressions that a payment has no time for',
      Array.from({ length: 60 }, () => ({ kind: 'expression', expression: Array(50).fill('1').join(' + ') })),
      /feature 'f50'.* over 5000 operations/,
    ],
    ['a time without its unit', [{ ...count, aggregate: 'time_since_last' }], /needs 'unit'/],
    ['two features of one name', [count, { ...count, name: 'f0' }], /two features of this name/],
    ['a name that is no column name', [{ ...count, name: 'Count' }], /snake_case/],
    ['nothing', [], /at least one feature/],
  ] as const) {
    it(`is refused with ${what}`, () => {
      expect(problemOf(...features)).toMatch(message);
    });
  }

  it('ships with 48 features or more, of every kind, each with a sentence', () => {
    const shipped = compileFeatureSet(PIX_CORE);
    expect(shipped.names.length).toBeGreaterThanOrEqual(48);
    expect(new Set(PIX_CORE.features.map(({ kind }) => kind)).size).toBe(3);
    for (const { name, description } of PIX_CORE.features) expect(description.length, name).toBeGreaterThan(10);
    for (const window of ['1m', '10m', '1h', '24h', '7d', '30d']) {
      for (const entity of ['payer', 'payee']) expect(shipped.indexOf(`${entity}_count_${window}`)).toBeGreaterThan(-1);
    }
  });
});

describe('features of the payment itself', () => {
  // 2026-11-24 22:30 in São Paulo, a Tuesday; UTC is a day further.
  const instant = Date.UTC(2026, 10, 25, 1, 30) * 1000;
  const row = {
    ...rowOf('E1234567820261125013000000000001', instant, 30_000, 1, 1),
    payer_account_opened_on: Date.UTC(2026, 10, 24) / 86_400_000,
    dict_person_watermark: 0,
    dict_key_watermark: Date.UTC(2026, 10, 14) / 86_400_000,
    device_logged_in_at: instant - 90_000_000,
    device_enrolled_at: null,
    device_remote_access: true,
    local_instrument: 'QRDN',
    pix_key_type: 'NEW_TYPE',
  };
  const shipped = compileFeatureSet(PIX_CORE);
  const engine = createVectorEngine(shipped);
  const read = (of: typeof row): ((name: string) => number | string) => {
    const { values, status } = vectorWithoutStore(engine, of, paymentOf(of).keys);
    return (name) => {
      const at = shipped.indexOf(name);
      const value = values[at] as number;
      return Number.isNaN(value) ? (FEATURE_STATUS_NAMES[status[at] as number] ?? '?') : value;
    };
  };

  it('are in civil time, in whole civil days for dates, and null where the payment does not say', () => {
    const value = read(row);
    expect(['civil_hour', 'civil_weekday', 'is_night', 'is_weekend'].map(value)).toEqual([22, 2, 1, 0]);
    expect(value('payer_account_age_days')).toBe(0);
    expect(value('payee_account_age_days')).toBe('null');
    expect(value('login_minutes')).toBe(1.5);
    expect(value('device_enrolled_days')).toBe('null');
    expect(value('remote_access')).toBe(1);
    expect(value('active_call')).toBe('null');
    expect(value('amount_is_round')).toBe(1);
    expect(value('local_instrument')).toBe(2);
    // Unknown to the table: absent, not another code.
    expect(value('pix_key_type')).toBe('null');
  });

  it('say that DICT has no data where its watermark is 1970-01-01, and how stale it is', () => {
    const value = read(row);
    expect(value('dict_person_watermark_days')).toBe('null');
    expect(value('dict_person_stale')).toBe('null');
    expect(value('dict_key_watermark_days')).toBe(10);
    expect(value('dict_missing')).toBe(0);
    const without = read({ ...row, dict_person_watermark: null as never, dict_key_watermark: null as never });
    expect(without('dict_missing')).toBe(1);
    const device = read({ ...row, device_id: null });
    expect([value('device_missing'), device('device_missing')]).toEqual([0, 1]);
  });

  it('are all that there is where the store does not answer, and the model can see that', () => {
    const value = read(row);
    expect([value('payer_count_1h'), value('payee_frauds_agreed'), value('pair_is_new')]).toEqual(
      Array(3).fill('unavailable'),
    );
    expect([value('amount'), value('payer_history_missing')]).toEqual([30_000, 1]);
    expect(value('amount_to_payer_mean_30d')).toBe('unavailable');
    const nobody = read({ ...row, payee_number: null });
    expect([nobody('payee_count_1h'), nobody('payer_count_1h')]).toEqual(['not_found', 'unavailable']);
  });

  it('have statuses whose numbers never change', () => {
    expect(Object.entries(FEATURE_STATUS)).toEqual([
      ['present', 0],
      ['null', 1],
      ['notFound', 2],
      ['truncated', 3],
      ['tooLate', 4],
      ['overflow', 5],
      ['unavailable', 6],
      ['expired', 7],
    ]);
  });
});
