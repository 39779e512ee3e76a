import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byKeyedKind } from '../../../src/domain/entity-keys.ts';
import { numberEntities } from '../../../src/features/replay/replay-groups.ts';

const NAMES = fc.option(
  fc.integer({ min: 0, max: 20 }).map((number) => `account ${number}`),
  { nil: null },
);

describe('entities of payments', () => {
  it('are numbered as they are first seen, pairs too, and have no number where a name is missing', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(NAMES, NAMES), { maxLength: 600 }), (rows) => {
        const [payer, payee] = [rows.map(([name]) => name), rows.map(([, name]) => name)];
        const keys = byKeyedKind((kind) => (kind === 'payer' ? payer : kind === 'payee' ? payee : []));
        const { entities, counts } = numberEntities(keys, []);
        const known = new Map<string, number>();
        const naive = rows.map(([from, to]) => {
          if (from === null || to === null) return -1;
          const pair = `${from} → ${to}`;
          if (!known.has(pair)) known.set(pair, known.size);
          return known.get(pair);
        });
        expect([...entities.pair]).toEqual(naive);
        expect(counts.pair).toBe(known.size);
      }),
      { numRuns: 100 },
    );
  });
});
