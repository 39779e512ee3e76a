import { assert } from '../../base/assert.ts';
import type { FirstTimes } from '../engine/first-times.ts';
import type { UndoLog } from '../engine/undo-log.ts';
import { type ColdRegister, findCold, firstTimesOf, highestRank } from './cold-find.ts';
import { type ColdLayout, SUMMARY } from './cold-layout.ts';
import { summarizeEvents, summarizeNodes } from './cold-summary.ts';
import { type ColdState, type ColdVisitor, type OpenLevel, visitCold } from './cold-visit.ts';
import { chunksOf, digHole, pageOf, undoHole } from './dig-hole.ts';
import type { LeftPages } from './left-pages.ts';
import type { PageStore } from './page-store.ts';

/**
 * The cold events of one entity, in the order in which it took them: a queue that grows at its end, is dropped from
 * at its front, and can be taken back at both. Full pages of events lie in a page store; a summary of each says its
 * times and sums. Full pages of summaries lie there too and are summarized in turn, level by level, so that memory
 * holds the last page of each level, and a window reads the pages at its edges and the summaries between. One that is
 * retracted leaves a hole, so that all others keep their positions.
 */
export class ColdEvents {
  readonly #left: LeftPages;
  readonly #layout: ColdLayout;
  /** Positions count from 0, also over what was dropped. */
  #first = 0;
  #end = 0;
  /** Positions from the first to the end that hold no event any more. */
  #holes = 0;
  /** Newest event time that was ever taken; what was taken back or retracted may have been it. */
  newest = -Infinity;
  /** Events behind the last full page. */
  #tail: Float64Array;
  readonly #levels: OpenLevel[] = [];
  readonly #summary: Float64Array;

  constructor(layout: ColdLayout, left: LeftPages) {
    this.#layout = layout;
    this.#left = left;
    this.#tail = new Float64Array(Math.min(8, layout.shape.chunk) * layout.eventStride);
    this.#summary = new Float64Array(layout.summaryStride);
  }

  /** Events. */
  get count(): number {
    return this.#end - this.#first - this.#holes;
  }

  /** Memory. */
  get bytes(): number {
    return this.#levels.reduce(
      (sum, { nodes }) => sum + nodes.byteLength,
      this.#tail.byteLength + this.#summary.byteLength,
    );
  }

  /** Takes an event. @param at where its numbers begin. */
  push(numbers: Float64Array, at: number): void {
    const { eventStride, shape } = this.#layout;
    const to = (this.#end % shape.chunk) * eventStride;
    if (to === this.#tail.length) this.#tail = grown(this.#tail, shape.chunk * eventStride);
    for (let number = 0; number < eventStride; number += 1) this.#tail[to + number] = numbers[at + number] as number;
    this.newest = Math.max(this.newest, numbers[at] as number);
    this.#end += 1;
    if (this.#end % shape.chunk === 0) this.#sealTail();
  }

  /** Takes the newest event back, as if it had never come. */
  pop(into: Float64Array, at: number): void {
    const { eventStride, shape } = this.#layout;
    if (this.#end % shape.chunk === 0) this.#openTail();
    this.#end -= 1;
    const from = (this.#end % shape.chunk) * eventStride;
    for (let number = 0; number < eventStride; number += 1) into[at + number] = this.#tail[from + number] as number;
  }

  /** Shows the oldest event, or the hole that is before it. @returns its numbers from the offset `at`; true until the next call. */
  head(): { readonly numbers: Float64Array; readonly at: number } {
    assert(this.#first < this.#end, 'there is a cold event');
    const { eventStride, shape } = this.#layout;
    const chunk = Math.floor(this.#first / shape.chunk);
    const at = (this.#first % shape.chunk) * eventStride;
    const state = this.#state();
    if (chunk >= chunksOf(state)) return { numbers: this.#tail, at };
    return { numbers: this.#left.pages.events.read(pageOf(state, 0, chunk)), at };
  }

  /** Drops the {@link head}. @param isHole whether it is none. @param undo what {@link undoDrop} may follow; null where it never does. */
  dropHead(isHole: boolean, undo: UndoLog | null): void {
    const { shape } = this.#layout;
    const { events, index } = this.#left.pages;
    if (isHole) this.#holes -= 1;
    this.#first += 1;
    if (this.#first % shape.chunk !== 0) return;
    const chunk = this.#first / shape.chunk - 1;
    // Lower pages first: the ids of the higher ones are found through what is above them.
    const state = this.#state();
    const leave: [PageStore, number][] = [[events, pageOf(state, 0, chunk)]];
    let nodes = chunk + 1;
    for (let level = 1; nodes % shape.fanout === 0; level += 1) {
      nodes /= shape.fanout;
      leave.push([index, pageOf(state, level, nodes - 1)]);
    }
    for (const [store, page] of leave) this.#left.leave(store, page, undo);
  }

  /** Takes the newest drop back. @param isHole as it was dropped. */
  undoDrop(isHole: boolean): void {
    const { shape } = this.#layout;
    if (this.#first % shape.chunk === 0) {
      let left = 1;
      for (let nodes = this.#first / shape.chunk; nodes % shape.fanout === 0; nodes /= shape.fanout) left += 1;
      this.#left.takeBack(left);
    }
    this.#first -= 1;
    if (isHole) this.#holes += 1;
  }

  /**
   * Takes an event out, wherever it is: a hole stays in its place.
   *
   * @param into takes its numbers. @param undo takes what {@link undoTakeOut} needs; null where it is never undone.
   * @returns whether it was there.
   */
  takeOut(identity: number, time: number, into: Float64Array, undo: UndoLog | null): boolean {
    const state = this.#state();
    const position = findCold(state, identity, time);
    if (position < 0) return false;
    digHole(state, this.#left, position, into, undo);
    this.#holes += 1;
    return true;
  }

  /** Puts the event back that was taken out last; it must be the newest of all that `undo` holds. */
  undoTakeOut(undo: UndoLog): void {
    undoHole(this.#state(), this.#left, undo);
    this.#holes -= 1;
  }

  /** The two smallest event times of these events and of others. @param others those of the others. */
  firstTimes(others: FirstTimes): FirstTimes {
    return firstTimesOf(this.#state(), others);
  }

  /** See {@link highestRank}. */
  highestRank(of: ColdRegister, enough: number): number {
    return highestRank(this.#state(), of, enough);
  }

  /** Gives every page back and forgets all. */
  clear(): void {
    while (this.#first < this.#end) this.dropHead(false, null);
    this.#first = 0;
    this.#end = 0;
    this.#holes = 0;
    this.newest = -Infinity;
    this.#levels.length = 0;
  }

  /** Visits what there is. @param isBackward newest by sequence first. */
  visit(visitor: ColdVisitor, isBackward: boolean): void {
    visitCold(this.#state(), visitor, isBackward);
  }

  /** All that a snapshot needs beside the pages, as numbers. */
  state(): Float64Array {
    const { eventStride, summaryStride, shape } = this.#layout;
    const tail = this.#tail.subarray(0, (this.#end % shape.chunk) * eventStride);
    const levels = this.#levels.flatMap(({ nodes, count, sealed }) => [
      Float64Array.of(sealed, count),
      nodes.subarray(0, count * summaryStride),
    ]);
    const head = Float64Array.of(this.#first, this.#end, this.#holes, this.newest, this.#levels.length);
    const parts = [head, tail, ...levels];
    const all = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  /** Takes a snapshot's state. */
  restore(state: Float64Array): void {
    const { eventStride, summaryStride, shape } = this.#layout;
    const [first = 0, end = 0, holes = 0, newest = -Infinity, levels = 0] = state;
    this.#first = first;
    this.#end = end;
    this.#holes = holes;
    this.newest = newest;
    let at = 5;
    this.#tail = new Float64Array(shape.chunk * eventStride);
    const tail = state.subarray(at, at + (end % shape.chunk) * eventStride);
    this.#tail.set(tail);
    at += tail.length;
    this.#levels.length = 0;
    for (let level = 0; level < levels; level += 1) {
      const [sealed = 0, count = 0] = state.subarray(at, at + 2);
      const nodes = new Float64Array(shape.fanout * summaryStride);
      nodes.set(state.subarray(at + 2, at + 2 + count * summaryStride));
      this.#levels.push({ nodes, count, sealed });
      at += 2 + count * summaryStride;
    }
  }

  #state(): ColdState {
    return {
      layout: this.#layout,
      pages: this.#left.pages,
      levels: this.#levels,
      tail: this.#tail,
      first: this.#first,
      end: this.#end,
    };
  }

  #sealTail(): void {
    const summary = this.#summary;
    summarizeEvents(this.#layout, this.#tail, summary);
    summary[SUMMARY.page] = this.#left.pages.events.write(this.#tail);
    this.#append(0, summary);
  }

  #append(level: number, summary: Float64Array): void {
    const { summaryStride, shape } = this.#layout;
    const open = this.#levels[level] ?? { nodes: new Float64Array(2 * summaryStride), count: 0, sealed: 0 };
    this.#levels[level] = open;
    const to = open.count * summaryStride;
    if (to === open.nodes.length) open.nodes = grown(open.nodes, shape.fanout * summaryStride);
    open.nodes.set(summary, to);
    open.count += 1;
    if (open.count < shape.fanout) return;
    summarizeNodes(this.#layout, open.nodes, summary);
    summary[SUMMARY.page] = this.#left.pages.index.write(open.nodes);
    open.count = 0;
    open.sealed += 1;
    this.#append(level + 1, summary);
  }

  #openTail(): void {
    const { chunk } = this.#layout.shape;
    const page = this.#take(0);
    if (this.#tail.length < chunk * this.#layout.eventStride)
      this.#tail = new Float64Array(chunk * this.#layout.eventStride);
    this.#tail.set(this.#left.pages.events.read(page));
    this.#left.pages.events.free(page);
  }

  /** Takes the newest summary of a level off and says its page. */
  #take(level: number): number {
    const open = this.#levels[level];
    assert(open !== undefined, 'what is taken back was there');
    const { summaryStride, shape } = this.#layout;
    if (open.count === 0) {
      const page = this.#take(level + 1);
      open.nodes.set(this.#left.pages.index.read(page));
      this.#left.pages.index.free(page);
      open.count = shape.fanout;
      open.sealed -= 1;
    }
    open.count -= 1;
    return open.nodes[open.count * summaryStride + SUMMARY.page] as number;
  }
}

/** Twice as long, `most` at most. */
function grown(numbers: Float64Array, most: number): Float64Array {
  const longer = new Float64Array(Math.min(most, numbers.length * 2));
  longer.set(numbers);
  return longer;
}
