import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PaymentRow } from '../../../src/domain/payment-row.ts';
import { changedValues } from '../../../src/features/definition/changed-values.ts';
import type { FeatureDefinition, FeatureSetDefinition } from '../../../src/features/definition/definition.ts';
import { compareSets } from '../../../src/features/definition/set-changes.ts';
import { EmbeddedStore } from '../../../src/features/embedded/embedded-store.ts';
import { compileFeatureSet } from '../../../src/features/feature-set.ts';
import { cellsOf, paymentOf, rowOf, STREAMS, type Step, stream, testSet } from './streams.ts';

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
        inputs: [],
        isKeptOtherwise: false,
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

  const over = (name: string, expression: string): FeatureDefinition => ({
    kind: 'expression',
    name,
    description: 'x',
    expression,
  });

  it('of a feature is one of the expressions that it is in, also through others that stand behind them', () => {
    const more = [over('s', 't + 1'), over('t', 'r * 2'), over('u', 'b + 1'), ...base.features];
    const wider = more.map((feature) => (feature.name === 'a' ? count('a', { window: '2d' }) : feature));
    const { changed } = compareSets(setOf(more), setOf(wider));
    expect(changed.map(({ name, inputs, changesValues }) => [name, inputs, changesValues])).toEqual([
      ['s', ['t'], true],
      ['t', ['r'], true],
      ['a', [], true],
      ['r', ['a'], true],
    ]);
    expect([...changedValues(setOf(more), setOf(wider))].sort()).toEqual(['a', 'r', 's', 't']);
  });

  const hour = over('civil_hour', 'utc_hour(event_time)');
  it.each([
    ['adds a feature of the name of a column', 'civil_hour >= 22', [], [hour], ['civil_hour']],
    ['takes such a feature away', 'civil_hour >= 22', [hour], [], ['civil_hour']],
    ['adds one of the name of a column that is named as such', 'payment.civil_hour >= 22', [], [hour], undefined],
    ['adds one that only a text names', "side = 'civil_hour'", [], [hour], undefined],
  ])('that %s is one of the expressions that mean it', (_what, expression, was, is, inputs) => {
    const late = over('is_late', expression);
    const [before, after] = [setOf([count('a'), late, ...was]), setOf([count('a'), late, ...is])];
    // Both are sets that can be computed.
    expect([compileFeatureSet(before).names[1], compileFeatureSet(after).names[1]]).toEqual(['is_late', 'is_late']);
    const changes = compareSets(before, after);
    const expected = { name: 'is_late', members: [], inputs, isKeptOtherwise: false, changesValues: true };
    expect(changes.changed).toEqual(inputs === undefined ? [] : [expected]);
    expect(changes.isCompatible).toBe(inputs === undefined);
    expect(changes.backfill).toBeNull();
    expect(changedValues(before, after).has('is_late')).toBe(inputs !== undefined);
  });

  it('leaves an expression that names its own column as it was', () => {
    const own = over('amount_centavos', 'amount_centavos + 1');
    expect(compareSets(setOf([count('a')]), setOf([count('a'), own]))).toMatchObject({ isCompatible: true });
    const told = { ...own, description: 'y' };
    expect(compareSets(setOf([own]), setOf([told]))).toMatchObject({ isCompatible: true, changed: [{ inputs: [] }] });
  });

  it('of what an entity keeps is told once, and is one of all features', () => {
    const after = setOf(base.features, { bound: 17 });
    expect(compareSets(base, after)).toMatchObject({ changed: [], head: [{ member: 'bound' }] });
    expect([...changedValues(base, after)].sort()).toEqual(['a', 'b', 'r']);
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

  const ever = (changes: object): FeatureDefinition => count('ever', { window: 'all', ...changes });
  it.each<[string, FeatureDefinition, FeatureDefinition, boolean]>([
    ['further back', ever({ aggregate: 'first', column: 'amount_centavos' }), count('new', { window: '30d' }), true],
    ['no further back', ever({ aggregate: 'first', column: 'amount_centavos' }), count('new'), false],
    ['further back, of sums', ever({}), count('new', { window: '30d' }), true],
    ['further back than what is no window of all time', count('b'), count('new', { window: '30d' }), false],
    ['narrower', count('hopping', { window: '2d', hop: '1d' }), count('new', { window: '6h', hop: '1h' }), true],
    ['as wide', count('hopping', { window: '2d', hop: '1h' }), count('new', { window: '6h', hop: '2h' }), false],
    ['narrower, of another entity', ever({}), count('new', { hop: '1h', entity: 'payee' }), false],
  ])('of what others need kept may change a feature: %s', (_what, feature, added, isOther) => {
    const [before, after] = [setOf([count('a'), feature]), setOf([count('a'), feature, added])];
    const { changed, isCompatible, backfill } = compareSets(before, after);
    const told = { name: feature.name, members: [], inputs: [], isKeptOtherwise: true, changesValues: true };
    expect({ changed, isCompatible }).toEqual({ changed: isOther ? [told] : [], isCompatible: !isOther });
    expect(backfill?.features).toEqual(isOther ? [feature.name, 'new'] : ['new']);
    const unbounded = (set: FeatureSetDefinition) => ({ ...set, bound: 'none' as const });
    expect(compareSets(unbounded(before), unbounded(after)).changed).toEqual([]);
  });

  it('leaves the values of all other features as they were, on random streams and sets', () => {
    const hopping = [
      count('hours', { window: '4h', hop: '1h' }),
      count('thirds', { window: '2h', hop: '20m', aggregate: 'max', column: 'amount_centavos' }),
    ];
    // A month reaches back further than streams do.
    const ofPayers = testSet(2).features.filter(
      (feature) => feature.kind === 'window' && feature.entity === 'payer' && !feature.window.startsWith('civil'),
    );
    const some = fc.subarray([...ofPayers, ...hopping], { minLength: 1, maxLength: 6 });
    const bound = fc.constantFrom(3, 20);
    const served = (definition: FeatureSetDefinition, rows: readonly PaymentRow[]) => {
      const set = compileFeatureSet(definition);
      const store = new EmbeddedStore(set, { maxPayments: 1000 });
      store.openEpoch(1);
      return rows.map((row) => cellsOf(set.names, store.observePayment(paymentOf(row))));
    };
    let compared = 0;
    fc.assert(
      fc.property(some, some, bound, stream, (was, is, most, steps) => {
        const head = { bound: most, allowedLateness: '1m' };
        const [before, after] = [setOf(was, head), setOf([...was, ...is.filter((one) => !was.includes(one))], head)];
        const rows = paymentsOf(steps);
        const changed = changedValues(before, after);
        const [then, now] = [served(before, rows), served(after, rows)];
        for (const { name } of after.features) {
          if (changed.has(name)) continue;
          compared += rows.length;
          expect(now.map((cells) => [name, cells.get(name)])).toEqual(then.map((cells) => [name, cells.get(name)]));
        }
      }),
      { numRuns: STREAMS * 10 },
    );
    expect(compared).toBeGreaterThan(1000);
  });
});

/** The payments of a stream, late ones too. */
function paymentsOf(steps: readonly Step[]): PaymentRow[] {
  let clock = 1_762_000_000_000_000;
  return steps.flatMap((step, at) => {
    if (step.do !== 'pay') return [];
    clock += Math.max(0, step.wait);
    const time = step.wait > 0 ? clock : clock + step.wait;
    return [rowOf(`E${String(at).padStart(31, '0')}`, time, step.amount, step.payer, step.payee)];
  });
}
