import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FeatureDefinition, FeatureSetDefinition } from '../../../src/features/definition/definition.ts';
import { EmbeddedStore } from '../../../src/features/embedded/embedded-store.ts';
import { compileFeatureSet } from '../../../src/features/feature-set.ts';
import type { Observation } from '../../../src/features/online-store.ts';
import { PIX_CORE } from '../../../src/features/pix-core.ts';
import { readDefinitionFile } from '../../../src/features/yaml/definition-file.ts';
import { paymentOf, rowOf, testSet } from './streams.ts';

const START = 1_762_000_000_000_000;

function setOf(...features: FeatureDefinition[]): FeatureSetDefinition {
  return { name: 'typed', description: 'x', bound: 8, allowedLateness: '1h', features };
}

const window = { kind: 'window', description: 'x', entity: 'payer', window: '1d' } as const;

describe('the type of a feature', () => {
  it('is what all of its values are of, of every aggregate and all that ship', () => {
    for (const definition of [testSet(8), PIX_CORE]) {
      const set = compileFeatureSet(definition);
      expect(new Set(set.types)).toEqual(new Set(['boolean', 'long', 'double']));
      const payments = fc.array(
        fc.record({ amount: fc.integer({ min: 1, max: 500 }), payer: fc.nat(2), payee: fc.nat(2), wait: fc.nat(4000) }),
        { minLength: 20, maxLength: 40 },
      );
      fc.assert(
        fc.property(payments, (steps) => {
          const store = new EmbeddedStore(set, { maxPayments: 100 });
          store.openEpoch(1);
          let time = START;
          for (const [at, { amount, payer, payee, wait }] of steps.entries()) {
            time += wait * 1_000_000;
            const { values } = store.observePayment(
              paymentOf(rowOf(`E${String(at).padStart(31, '0')}`, time, amount, payer, payee)),
            );
            expect(set.names.filter((_, place) => !isOf(set.types[place] ?? '', values[place] as number))).toEqual([]);
          }
        }),
        { numRuns: 20 },
      );
    }
  });

  it('is the narrowest, or a wider one that is said; values and what hangs on them stay', () => {
    const count = { ...window, name: 'n', aggregate: 'count' } as const;
    const open = { kind: 'expression', name: 'e', description: 'x', expression: 'n > 2' } as const;
    const typesOf = (...features: FeatureDefinition[]) => compileFeatureSet(setOf(...features)).types;
    expect(typesOf(count, open)).toEqual(['long', 'boolean']);
    // The default is a value too.
    const usual = { ...window, name: 'u', aggregate: 'is_top', column: 'payee_account' } as const;
    expect(typesOf({ ...count, default: 0.5 }, { ...usual, default: -7 }, { ...usual, name: 'v', default: 1 })).toEqual(
      ['double', 'long', 'boolean'],
    );
    expect(typesOf({ ...count, type: 'double' }, { ...open, type: 'long' })).toEqual(['double', 'long']);
  });

  it.each<[FeatureDefinition, RegExp]>([
    [
      { ...window, name: 'm', aggregate: 'mean', column: 'amount_centavos', type: 'long' },
      /'m': its values are of the type double, not long/,
    ],
    [
      { ...window, name: 's', aggregate: 'sum', column: 'device_remote_access', type: 'boolean' },
      /'s': its values are of the type long, not boolean/,
    ],
    [{ ...window, name: 'n', aggregate: 'count', type: 'long', default: 0.5 }, /'n': the default is no long$/],
    [
      { kind: 'expression', name: 'e', description: 'x', expression: 'amount_centavos / 3', type: 'long' },
      /'e': its values are of the type double, not long/,
    ],
  ])('that its values are not of is refused: %j', (feature, problem) => {
    expect(() => compileFeatureSet(setOf(feature))).toThrow(problem);
  });

  it('and its source are told in a file by line and nearest name', () => {
    const file = (type: string, source: string): string =>
      `name: mine\ndescription: x\nbound: 8\nallowed_lateness: 1h\nfeatures:\n  - name: a\n    description: x\n    entity: payer\n    aggregate: count\n    window: 1d\n    type: ${type}\n    source: ${source}\n`;
    expect(readDefinitionFile(file('long', 'silver.transactions'), 'f').features[0]).toMatchObject({
      type: 'long',
      source: 'silver.transactions',
    });
    expect(() => readDefinitionFile(file('lnog', 'silver.transactions'), 'f')).toThrow(
      "f:11:11: feature 'a': there is no type 'lnog', did you mean long?",
    );
    expect(() => readDefinitionFile(file('boolean', 'silver.transactions'), 'f')).toThrow(
      "f:11:11: feature 'a': its values are of the type long, not boolean",
    );
    expect(() => readDefinitionFile(file('long', 'silver.labels'), 'f')).toThrow(
      "f:12:13: feature 'a': there is no source 'silver.labels'",
    );
  });
});

/** Whether a value is there and of a type, or absent. */
function isOf(type: string, value: Observation['values'][number]): boolean {
  if (Number.isNaN(value) || type === 'double') return true;
  return type === 'boolean' ? value === 0 || value === 1 : Number.isInteger(value);
}
