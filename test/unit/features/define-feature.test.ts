import { describe, expect, it } from 'vitest';
import { defineFeature } from '../../../src/features/definition/define-feature.ts';
import { checkFeature } from '../../../src/features/definition/definition-check.ts';

const window = { kind: 'window', name: 'a', description: 'x', entity: 'payer', window: '1d' } as const;

/** What the compiler refuses must be refused of a file too, by the same rule. */
const refused = (make: () => Parameters<typeof checkFeature>[0], problem: RegExp): void =>
  expect(() => checkFeature(make())).toThrow(problem);

describe('a feature that is written in TypeScript', () => {
  it('gives back what it is given', () => {
    const feature = defineFeature({ ...window, aggregate: 'sum', column: 'amount_centavos' });
    expect(feature).toEqual({ ...window, aggregate: 'sum', column: 'amount_centavos' });
    expect(() => checkFeature(feature)).not.toThrow();
    checkFeature(defineFeature({ ...window, aggregate: 'distinct', column: 'payee_account' }));
    checkFeature(defineFeature({ ...window, aggregate: 'count' }));
  });

  it('does not compile with a column that there is not', () => {
    // @ts-expect-error no such column
    refused(() => defineFeature({ ...window, aggregate: 'sum', column: 'amount_centavo' }), /no column/);
  });

  it('does not compile with a column of a type that its aggregate does not take', () => {
    // @ts-expect-error a text has no sum
    refused(() => defineFeature({ ...window, aggregate: 'sum', column: 'payer_ispb' }), /is a string/);
  });

  it('does not compile without a column that is needed, nor with one that is not taken', () => {
    // @ts-expect-error a sum is of something
    refused(() => defineFeature({ ...window, aggregate: 'sum' }), /needs a column/);
    // @ts-expect-error a decayed count is of nothing
    refused(() => defineFeature({ ...window, aggregate: 'decayed_count', column: 'side' }), /takes no column/);
  });
});
