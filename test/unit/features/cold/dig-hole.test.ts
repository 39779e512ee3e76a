import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ColdEvents } from '../../../../src/features/cold/cold-events.ts';
import { isHole } from '../../../../src/features/cold/cold-hole.ts';
import { coldLayout, SUMMARY } from '../../../../src/features/cold/cold-layout.ts';
import type { ColdVisitor } from '../../../../src/features/cold/cold-visit.ts';
import { LeftPages } from '../../../../src/features/cold/left-pages.ts';
import { LocalPages } from '../../../../src/features/cold/local-pages.ts';
import type { SavedPages } from '../../../../src/features/cold/page-store.ts';
import { EVENT_IDENTITY } from '../../../../src/features/engine/event-layout.ts';
import { addToGroup, emptyGroup, GROUP_STRIDE, mergeGroup } from '../../../../src/features/engine/group-sums.ts';
import { UndoLog } from '../../../../src/features/engine/undo-log.ts';
import { STREAMS } from '../streams.ts';

/** An event: time, identity, a value, a register with its rank. */
type Event = readonly [time: number, identity: number, value: number, packed: number];
const [STRIDE, VALUE, PACKED] = [4, 2, 3];
/** Pages of 2 events and index pages of 2 summaries: some dozens of events have five levels. */
const LAYOUT = coldLayout({ hot: 1, chunk: 2, fanout: 2 }, STRIDE, [{ slot: VALUE, condition: -1 }], -1);

type Step =
  | { readonly do: 'push'; readonly wait: number; readonly value: number }
  | { readonly do: 'take'; readonly back: number; readonly isOther: boolean }
  | { readonly do: 'drop' }
  | { readonly do: 'undo'; readonly steps: number }
  | { readonly do: 'settle' }
  | { readonly do: 'snapshot' }
  | { readonly do: 'crash' };

const step = (name: 'drop' | 'settle' | 'snapshot' | 'crash'): fc.Arbitrary<Step> => fc.constant({ do: name });
const steps = fc.array(
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({
        do: fc.constant('push' as const),
        wait: fc.integer({ min: -9, max: 3 }),
        value: fc.integer({ min: -3, max: 3 }),
      }),
    },
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant('take' as const),
        back: fc.nat(60),
        isOther: fc.nat(9).map((n) => n < 1),
      }),
    },
    { weight: 2, arbitrary: step('drop') },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('undo' as const), steps: fc.nat(12) }) },
    { weight: 1, arbitrary: step('settle') },
    { weight: 1, arbitrary: step('snapshot') },
    { weight: 1, arbitrary: step('crash') },
  ),
  { maxLength: 200, size: 'max' },
);

interface Pages {
  readonly events: LocalPages;
  readonly index: LocalPages;
}

/** What a queue of events holds, said plainly: a place is null where its event was taken out. */
type Model = readonly (Event | null)[];

/** Cold events of one entity over pages on disk, beside a list of them. */
class World {
  readonly #folder: string;
  #pages: Pages;
  #left: LeftPages;
  #cold: ColdEvents;
  #model: Model = [];
  /** Events that were dropped before the first of the model. */
  #dropped = 0;
  #undo = new UndoLog();
  /** How each operation is taken back, newest last, and the model before it. */
  #done: { readonly undo: () => void; readonly model: Model; readonly dropped: number }[] = [];
  #saved: { readonly restore: () => void; readonly model: Model; readonly dropped: number } | null = null;
  #clock = 100;
  #number = 0;

  constructor(folder: string) {
    this.#folder = folder;
    this.#pages = this.#open();
    this.#left = new LeftPages(this.#pages);
    this.#cold = new ColdEvents(LAYOUT, this.#left);
  }

  take(now: Step): void {
    switch (now.do) {
      case 'push':
        this.#push(now.wait, now.value);
        return;
      case 'take':
        this.#takeOut(now.back, now.isOther);
        return;
      case 'drop':
        this.#drop();
        return;
      case 'undo':
        for (const { undo, model, dropped } of this.#done
          .splice(Math.max(0, this.#done.length - now.steps))
          .toReversed()) {
          undo();
          this.#undo.endUndo();
          this.#model = model;
          this.#dropped = dropped;
        }
        return;
      case 'settle':
        this.#settle();
        return;
      case 'snapshot':
        this.#snapshot();
        return;
      case 'crash':
        this.#saved?.restore();
        this.#model = this.#saved?.model ?? this.#model;
        this.#dropped = this.#saved?.dropped ?? this.#dropped;
    }
  }

  close(): void {
    for (const pages of [this.#pages.events, this.#pages.index]) pages.close();
  }

  /** Throws where what is visited, summed or found is not what the list says. */
  check(seed: number): void {
    const live = this.#model.filter((event) => event !== null);
    expect(this.#cold.count).toBe(live.length);
    for (const isBackward of [false, true]) {
      const seen: (Event | null)[] = [];
      const event = (numbers: Float64Array, at: number): void => {
        if (isHole(numbers, at)) expect(numbers[at + EVENT_IDENTITY]).toBeNaN();
        seen.push(isHole(numbers, at) ? null : ([...numbers.subarray(at, at + STRIDE)] as unknown as Event));
      };
      this.#cold.visit({ enters: () => true, event }, isBackward);
      expect(seen).toEqual(isBackward ? this.#model.toReversed() : this.#model);
    }
    expect(this.#summed(seed)).toEqual(summaryOf(live));
    const times = live.map(([time]) => time).sort((a, b) => a - b);
    const { first, second } = this.#cold.firstTimes({ first: 50, second: 95 });
    expect([first, second]).toEqual([...times, 50, 95].sort((a, b) => a - b).slice(0, 2));
    const [start, end] = [90 + (seed % 20), 100 + (seed % 30)];
    const of = { slot: PACKED, register: 1, counts: () => true, start, end };
    const ranks = live.filter(([time, , , packed]) => time > start && time <= end && packed >= 64);
    expect(this.#cold.highestRank(of, 3)).toBe(Math.max(0, ...ranks.map(([, , , packed]) => packed % 64)));
  }

  /** Adds summaries or what is below them, by turns. */
  #summed(seed: number): ReturnType<typeof summaryOf> {
    const group = new Float64Array(GROUP_STRIDE);
    emptyGroup(group, 0);
    let [count, oldest, newest, turn] = [0, Infinity, -Infinity, seed];
    const visitor: ColdVisitor = {
      enters(summaries, at, isWhole) {
        turn = (turn * 48_271) % 2_147_483_647;
        if (!isWhole || turn % 3 === 0) return true;
        mergeGroup(group, 0, summaries, at + SUMMARY.groups);
        count += summaries[at + SUMMARY.count] as number;
        oldest = Math.min(oldest, summaries[at + SUMMARY.oldest] as number);
        newest = Math.max(newest, summaries[at + SUMMARY.newest] as number);
        return false;
      },
      event(numbers, at) {
        if (isHole(numbers, at)) return;
        addToGroup(group, 0, numbers[at + VALUE] as number);
        count += 1;
        oldest = Math.min(oldest, numbers[at] as number);
        newest = Math.max(newest, numbers[at] as number);
      },
    };
    this.#cold.visit(visitor, seed % 2 === 0);
    return { count, oldest, newest, group: [...group] };
  }

  #push(wait: number, value: number): void {
    this.#clock += Math.max(0, wait);
    this.#number += 1;
    const event: Event = [this.#clock + Math.min(0, wait), this.#number, value, (this.#number % 3) + 64 * (value & 1)];
    this.#begin(() => this.#cold.pop(new Float64Array(STRIDE), 0));
    this.#cold.push(Float64Array.from(event), 0);
    this.#model = [...this.#model, event];
  }

  #takeOut(back: number, isOther: boolean): void {
    const place = this.#model.length - 1 - (back % Math.max(1, this.#model.length));
    const event = this.#model[place] ?? null;
    // Another identity at the time of an event, or the time of another one: neither is there.
    const [time, identity] = event ?? [99, 0];
    const into = new Float64Array(STRIDE);
    const isThere = event !== null && !isOther;
    if (isThere) this.#begin(() => this.#cold.undoTakeOut(this.#undo));
    const undo = isThere ? this.#undo : null;
    expect(this.#cold.takeOut(isOther ? identity + 0.5 : identity, time, into, undo)).toBe(isThere);
    if (!isThere) return;
    expect([...into]).toEqual(event);
    this.#model = this.#model.with(place, null);
  }

  #drop(): void {
    if (this.#model.length === 0) return;
    const wasHole = this.#model[0] === null;
    const { numbers, at } = this.#cold.head();
    expect(isHole(numbers, at)).toBe(wasHole);
    this.#begin(() => this.#cold.undoDrop(wasHole));
    this.#cold.dropHead(wasHole, this.#undo);
    this.#model = this.#model.slice(1);
    this.#dropped += 1;
  }

  #begin(undo: () => void): void {
    this.#undo.beginOperation();
    this.#done.push({ undo, model: this.#model, dropped: this.#dropped });
  }

  #settle(): void {
    this.#undo.settleUpTo(this.#undo.lastMark);
    this.#left.settleUpTo(this.#undo.lastMark);
    this.#done = [];
    // No page is left behind: those that are not free are named.
    const { chunk, fanout } = LAYOUT.shape;
    const filled = (size: number): number =>
      Math.floor((this.#dropped + this.#model.length) / size) - Math.floor(this.#dropped / size);
    const used = ({ count, free }: SavedPages): number => count - free.length;
    expect(used(this.#pages.events.saved())).toBe(filled(chunk));
    let index = 0;
    for (let size = chunk * fanout; size <= 1024; size *= fanout) index += filled(size);
    expect(used(this.#pages.index.saved())).toBe(index);
  }

  #snapshot(): void {
    this.#settle();
    const { events, index } = this.#pages;
    const saved = { events: events.saved(), index: index.saved(), state: this.#cold.state() };
    events.pin();
    index.pin();
    const restore = (): void => {
      this.close();
      this.#pages = this.#open();
      expect(this.#pages.events.restore(saved.events)).toBeUndefined();
      expect(this.#pages.index.restore(saved.index)).toBeUndefined();
      this.#undo = new UndoLog();
      this.#done = [];
      this.#left = new LeftPages(this.#pages);
      this.#cold = new ColdEvents(LAYOUT, this.#left);
      this.#cold.restore(saved.state);
    };
    this.#saved = { restore, model: this.#model, dropped: this.#dropped };
  }

  #open(): Pages {
    const { shape, summaryStride } = LAYOUT;
    return {
      events: new LocalPages(join(this.#folder, 'events.pages'), shape.chunk * STRIDE, 0),
      index: new LocalPages(join(this.#folder, 'index.pages'), shape.fanout * summaryStride, 0),
    };
  }
}

function summaryOf(live: readonly Event[]) {
  const group = new Float64Array(GROUP_STRIDE);
  emptyGroup(group, 0);
  for (const [, , value] of live) addToGroup(group, 0, value);
  const times = live.map(([time]) => time);
  return { count: live.length, oldest: Math.min(...times), newest: Math.max(...times), group: [...group] };
}

describe('a hole in cold events', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sentinela-cold-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is no event to whoever walks, sums or finds them, over undoing, snapshots and crashes', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 1000 }), (stream, seed) => {
        const world = new World(folder);
        try {
          for (const [at, now] of stream.entries()) {
            world.take(now);
            world.check(seed + at);
          }
        } finally {
          world.close();
        }
      }),
      { numRuns: STREAMS * 4 },
    );
  });
});
