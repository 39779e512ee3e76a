import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FeatureDefinition, FeatureSetDefinition } from '../../../src/features/definition/definition.ts';
import { compareSets } from '../../../src/features/definition/set-changes.ts';
import { compileFeatureSet } from '../../../src/features/feature-set.ts';

const count = (name: string, changes: object = {}): FeatureDefinition => ({
  kind: 'window',
  name,
  description: 'x',
  entity: 'payer',
  aggregate: 'count',
  window: '1d',
  ...changes,
});
const ratio: FeatureDefinition = { kind: 'expression', name: 'r', description: 'x', expression: 'a / b' };
const setOf = (features: readonly FeatureDefinition[], changes: object = {}): FeatureSetDefinition => ({
  name: 'mine',
  description: 'x',
  bound: 16,
  allowedLateness: '7d',
  features,
  ...changes,
});
const base = setOf([count('a'), count('b', { window: '30d' }), ratio]);

describe('a change of a set', () => {
  it('is nothing where nothing changed', () => {
    expect(compareSets(base, base)).toEqual({
      added: [],
      removed: [],
      changed: [],
      head: [],
      isReordered: false,
      isCompatible: true,
      backfill: null,
    });
  });

  it('of a new set is all that it has, with the days that its windows reach back', () => {
    expect(compareSets(null, base)).toMatchObject({
      added: ['a', 'b', 'r'],
      removed: [],
      backfill: { features: ['a', 'b'], days: 37 },
    });
  });

  it('that adds is compatible, and only what is added must be computed', () => {
    const more = setOf([...base.features, count('c', { window: '3d', offset: '2d' })]);
    const changes = compareSets(base, more);
    expect(changes).toMatchObject({ added: ['c'], isCompatible: true, backfill: { features: ['c'], days: 12 } });
    const ever = compareSets(base, setOf([...base.features, count('c', { window: 'all' })]));
    expect(ever.backfill).toEqual({ features: ['c'], days: null });
  });

  it('of words alone is compatible and computes nothing', () => {
    const told = setOf([count('a', { description: 'y', owner: 'me' }), ...base.features.slice(1)], {
      description: 'y',
    });
    const changes = compareSets(base, told);
    expect(changes).toMatchObject({ isCompatible: true, backfill: null, head: [{ member: 'description' }] });
    expect(changes.changed).toEqual([
      {
        name: 'a',
        changesValues: false,
        members: [
          { member: 'description', was: 'x', is: 'y' },
          { member: 'owner', was: undefined, is: 'me' },
        ],
      },
    ]);
  });

  it.each([
    ['a window', setOf([count('a', { window: '2d' }), ...base.features.slice(1)]), ['a'], 9],
    ['what is gone', setOf(base.features.slice(0, 2)), undefined, undefined],
    ['an expression', setOf([...base.features.slice(0, 2), { ...ratio, expression: 'b / a' }]), undefined, undefined],
    ['the bound', setOf(base.features, { bound: 17 }), ['a', 'b'], 37],
    ['the order', setOf([...base.features].reverse()), undefined, undefined],
  ])('of %s is not compatible', (_what, after, features, days) => {
    const changes = compareSets(base, after);
    expect(changes.isCompatible).toBe(false);
    expect(changes.backfill).toEqual(features === undefined ? null : { features, days });
  });

  it('is seen whenever the version is another one', () => {
    const features = fc.uniqueArray(
      fc.record({
        name: fc.constantFrom('a', 'b', 'c', 'd'),
        window: fc.constantFrom('1d', '2d', 'all'),
        description: fc.constantFrom('x', 'y'),
      }),
      { selector: ({ name }) => name, minLength: 1 },
    );
    const sets = features.map((list) => setOf(list.map(({ name, ...changes }) => count(name, changes))));
    fc.assert(
      fc.property(sets, sets, (before, after) => {
        const { added, removed, changed, head, isReordered } = compareSets(before, after);
        const isSame = added.length + removed.length + changed.length + head.length === 0 && !isReordered;
        expect(isSame).toBe(compileFeatureSet(before).hash === compileFeatureSet(after).hash);
      }),
    );
  });
});
