import { describe, expect, it } from 'vitest';
import { compileFeatureSet } from '../../../../src/features/feature-set.ts';
import { RedisOnlineStore } from '../../../../src/features/redis/redis-online-store.ts';
import { readDefinitionFile } from '../../../../src/features/yaml/definition-file.ts';

const file = (feature: string): string => `name: shop
description: x
bound: none
allowed_lateness: 1d
features:
  - { name: a, description: x, ${feature} }
`;

describe('a set without a bound', () => {
  it.each([
    [
      'kind: window, entity: payee, aggregate: distinct, column: payer_account, window: 1d',
      /distinct_approx with a hop/,
    ],
    [
      'kind: window, entity: payee, aggregate: quantile, quantile: 1/2, column: amount_centavos, window: 1d',
      /quantile_ap/,
    ],
    [
      'kind: window, entity: payee, aggregate: top, column: amount_centavos, window: 1d',
      /top needs a set with a bound/,
    ],
    ['kind: window, entity: payee, aggregate: is_top, column: payer_account, window: 1d', /is_top needs a set with a/],
    [
      "kind: window, entity: payee, aggregate: streak, while: 'amount_centavos % 2 = 0', window: 1d",
      /a streak needs 'most'/,
    ],
    ['kind: label, aggregate: rate, states: [AGREED], window: 1d', /labels by the time of their payments need a set/],
  ])('refuses what looks at every event of a window, by its line: %s', (feature, expected) => {
    expect(() => readDefinitionFile(file(feature), 'set.yaml')).toThrow(expected);
    expect(() => readDefinitionFile(file(feature), 'set.yaml')).toThrow(/6:\d+: feature 'a'/);
    expect(() => readDefinitionFile(file(feature).replace('none', '64'), 'set.yaml')).not.toThrow();
  });

  it('is read and laid out, and Redis refuses it', () => {
    const definition = readDefinitionFile(
      file('kind: window, entity: payee, aggregate: count, window: 30d'),
      'set.yaml',
    );
    expect(definition.bound).toBe('none');
    const set = compileFeatureSet(definition);
    expect(() => new RedisOnlineStore('redis://127.0.0.1:1', set, {} as never)).toThrow(
      /has no bound, and Redis keeps/,
    );
  });
});
