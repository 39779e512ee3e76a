import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ColdPool } from '../../../../src/features/cold/cold-pool.ts';
import { memoryPages } from '../../../../src/features/cold/memory-pages.ts';
import type { FeatureSetDefinition, WindowFeature } from '../../../../src/features/definition/definition.ts';
import { EntityLists } from '../../../../src/features/engine/entity-lists.ts';
import { EntityView } from '../../../../src/features/engine/entity-view.ts';
import { EventSlab } from '../../../../src/features/engine/event-slab.ts';
import { TilePool } from '../../../../src/features/engine/tile-pool.ts';
import { featureOutput } from '../../../../src/features/engine/vector-engine.ts';
import { WindowEngine } from '../../../../src/features/engine/window-engine.ts';
import { compileFeatureSet, type FeatureSet } from '../../../../src/features/feature-set.ts';
import { FEATURE_STATUS_NAMES } from '../../../../src/features/feature-status.ts';
import { STREAMS, smallShape } from '../streams.ts';

/*
 * What is summed by following an entity must be what a pass over its events sums, value by value and status by status:
 * of events in any order, of payments before and behind them, whose own event is there, was dropped or is not there.
 */

const MINUTE = 60_000_000;
const START = 1_762_000_000_000_000;
const AGGREGATES = ['sum', 'mean', 'max', 'min', 'variance', 'stddev'] as const;

/** Every sum over every form of window, of all events, of some, and with the payment itself. */
function sumSet(bound: number | 'none'): FeatureSetDefinition {
  const windows: Partial<WindowFeature>[] = [
    { window: '1m' },
    { window: '10m', filter: 'amount_centavos > 1000' },
    { window: '10m', offset: '7m' },
    { window: '1h', current: 'include' },
    { window: '2h', hop: '10m' },
    { window: 'civil_day', filter: 'amount_centavos % 2 = 0', current: 'include' },
    { window: 'civil_month' },
    { window: 'all' },
  ];
  const base = { kind: 'window', entity: 'payer', description: '-', window: '1m' } as const;
  const features = windows.flatMap((window, at): WindowFeature[] => [
    { ...base, ...window, name: `count_${at}`, aggregate: 'count' },
    ...AGGREGATES.map((aggregate) => ({
      ...base,
      ...window,
      name: `${aggregate}_${at}`,
      aggregate,
      column: 'amount_centavos' as const,
    })),
  ]);
  return { name: 'sums', description: '-', bound, allowedLateness: '1h', features };
}

type Own = 'none' | 'absent' | number;
interface Step {
  readonly appended: readonly (readonly [wait: number, value: number, bits: number])[];
  /** How far from the newest time that was met the payment is. */
  readonly behind: number;
  readonly own: Own;
  readonly isReset: boolean;
}

const wait = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(0, 0, 1, 1000, MINUTE / 4) },
  { weight: 4, arbitrary: fc.constantFrom(MINUTE - 1, MINUTE, MINUTE + 1, 10 * MINUTE, 7 * MINUTE) },
  { weight: 1, arbitrary: fc.constantFrom(60 * MINUTE, 130 * MINUTE, 2000 * MINUTE) },
  { weight: 3, arbitrary: fc.constantFrom(-1, -MINUTE, -7 * MINUTE, -60 * MINUTE, -1000 * MINUTE) },
);
const amount = fc.oneof(
  { weight: 12, arbitrary: fc.oneof(fc.nat(5), fc.nat(100_000), fc.integer({ min: -2000, max: 2000 })) },
  { weight: 2, arbitrary: fc.constant(Number.NaN) },
  { weight: 1, arbitrary: fc.oneof(fc.maxSafeInteger(), fc.constantFrom(2 ** 52, 2 ** 53 - 1, 2 ** 40)) },
);
/** Some streams have only amounts whose sums doubles hold: those of others hide what is wrong in sums of doubles. */
const steps = fc.constantFrom(amount, fc.oneof(fc.nat(100_000), fc.constant(Number.NaN))).chain((value) =>
  fc.array(
    fc.record({
      appended: fc.array(fc.tuple(wait, value, fc.nat(3)), { maxLength: 3 }),
      behind: fc.oneof(fc.constantFrom(0, 0, 0, 1, MINUTE), fc.constantFrom(-MINUTE, -11 * MINUTE, -70 * MINUTE)),
      own: fc.oneof(fc.constantFrom<Own>('none', 'absent', 'absent', 0, 1), fc.nat(20)),
      isReset: fc.nat(60).map((chance) => chance === 0),
    }),
    { maxLength: 120, size: 'max' },
  ),
);

/** One entity, read by both engines. */
class Entity {
  readonly #set: FeatureSet;
  readonly #lists: EntityLists;
  readonly #tiles: TilePool;
  readonly #view = new EntityView();
  readonly #running: WindowEngine;
  readonly #scanning: WindowEngine;
  /** Values that were equal. */
  compared = 0;
  #events: Float64Array[] = [];
  #newest = START;

  constructor(set: FeatureSet) {
    const plan = set.kinds.payer;
    const { tiles, cold } = plan.keeping;
    this.#set = set;
    this.#tiles = new TilePool(1000, tiles);
    const pool = cold === null ? null : new ColdPool(cold, memoryPages());
    this.#lists = new EntityLists(1, plan.keeping, new EventSlab(2048, plan.layout.stride), this.#tiles, pool);
    this.#running = new WindowEngine(plan, set.latenessMicros, set.defaults, 'one');
    this.#scanning = new WindowEngine(plan, set.latenessMicros, set.defaults);
    this.#lists.create();
  }

  take({ appended, behind, own, isReset }: Step): void {
    if (isReset) this.#reset();
    for (const [wait, value, bits] of appended) {
      const event = this.#eventOf(wait, value, bits);
      this.#lists.append(0, event, null);
      this.#events.push(event);
    }
    this.#lists.show(0, this.#view);
    const t = this.#newest + behind;
    const ownEvent = typeof own === 'number' ? this.#events.at(-1 - own) : undefined;
    if (ownEvent !== undefined) {
      this.#view.ownIdentity = ownEvent[1] ?? -1;
      this.#view.ownTime = ownEvent[0] ?? 0;
      this.#view.own = ownEvent;
    }
    const scored = own === 'none' ? new Float64Array(0) : (ownEvent ?? this.#eventOf(behind, 1234, 3));
    this.#compare(t, scored);
  }

  #compare(t: number, scored: Float64Array): void {
    const [running, scanning] = [featureOutput(this.#set), featureOutput(this.#set)];
    this.#running.read(this.#view, t, scored, running);
    this.#scanning.read(this.#view, t, scored, scanning);
    for (const [at, name] of this.#set.names.entries()) {
      const [got, wanted] = [running, scanning].map(({ values, status }) => ({
        value: values[at],
        status: FEATURE_STATUS_NAMES[status[at] ?? -1],
      }));
      if (!Object.is(got?.value, wanted?.value) || got?.status !== wanted?.status) {
        throw new Error(`${name}: ${JSON.stringify(got)} is not ${JSON.stringify(wanted)}`);
      }
      this.compared += 1;
    }
  }

  /** An event of the next identity, `wait` behind the newest. */
  #eventOf(wait: number, value: number, bits: number): Float64Array {
    const { layout, keeping } = this.#set.kinds.payer;
    const time = this.#newest + wait;
    this.#newest = Math.max(this.#newest, time);
    const event = new Float64Array(layout.stride).fill(value);
    event[0] = time;
    event[1] = this.#events.length;
    event[keeping.tiles.conditionSlot] = bits;
    return event;
  }

  #reset(): void {
    this.#lists.reset(0);
    this.#tiles.clear();
    this.#running.forget();
    this.#events = [];
  }
}

function check(set: FeatureSet, stream: readonly Step[]): void {
  const entity = new Entity(set);
  for (const step of stream) entity.take(step);
}

describe('running sums', () => {
  for (const bound of [1, 5, 64]) {
    it(`are those of a pass over all events, bound ${bound}`, () => {
      const set = compileFeatureSet(sumSet(bound));
      fc.assert(
        fc.property(steps, (stream) => check(set, stream)),
        { numRuns: STREAMS * 2 },
      );
    });
  }

  it('are those of a pass over all events of a set without a bound, of which 5 are in memory', () => {
    const set = compileFeatureSet(sumSet('none'), smallShape(5));
    fc.assert(
      fc.property(steps, (stream) => check(set, stream)),
      { numRuns: STREAMS * 2 },
    );
  });

  it('begin anew where their room ends, and go on', () => {
    const set = compileFeatureSet(sumSet(64));
    const entity = new Entity(set);
    for (let at = 0; at < 2000; at += 1) {
      const wait = at % 10 === 0 ? -at * 1000 : 20_000_000;
      entity.take({ appended: [[wait, at % 97, at % 4]], behind: 0, own: at % 3, isReset: false });
    }
    expect(entity.compared).toBe(2000 * 56);
  });
});
