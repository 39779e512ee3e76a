import { EVENT_IDENTITY, EVENT_TIME } from '../engine/event-layout.ts';
import type { UndoLog } from '../engine/undo-log.ts';
import { fillHole, makeHole } from './cold-hole.ts';
import { SUMMARY } from './cold-layout.ts';
import { summarizeEvents, summarizeNodes } from './cold-summary.ts';
import type { ColdState, OpenLevel } from './cold-visit.ts';
import type { LeftPages } from './left-pages.ts';

/*
 * A hole in a full page is a page written anew, and so is each page of an index above it, up to the summary that lies
 * in memory: the pages as they were stay where a snapshot or an operation that may be undone needs them. Sums and
 * times of the summaries on the way are made anew, because an extreme cannot be taken out of them.
 */

/** How many full pages of events there were ever. */
export function chunksOf({ layout, levels }: ColdState): number {
  const [lowest] = levels;
  return lowest === undefined ? 0 : lowest.sealed * layout.shape.fanout + lowest.count;
}

/** The page that a summary names. @param node which summary of its level, from 0. */
export function pageOf(state: ColdState, level: number, node: number): number {
  const { shape, summaryStride } = state.layout;
  const { sealed, nodes } = state.levels[level] as OpenLevel;
  const place = node - sealed * shape.fanout;
  if (place >= 0) return nodes[place * summaryStride + SUMMARY.page] as number;
  const above = pageOf(state, level + 1, Math.floor(node / shape.fanout));
  return state.pages.index.read(above)[(node % shape.fanout) * summaryStride + SUMMARY.page] as number;
}

/**
 * Makes the event at a position a hole.
 *
 * @param into takes its numbers. @param undo takes what {@link undoHole} needs; null where it is never undone.
 */
export function digHole(
  state: ColdState,
  left: LeftPages,
  position: number,
  into: Float64Array,
  undo: UndoLog | null,
): void {
  const { layout, pages } = state;
  const { eventStride, shape } = layout;
  const chunk = Math.floor(position / shape.chunk);
  const at = (position % shape.chunk) * eventStride;
  if (chunk >= chunksOf(state)) {
    into.set(state.tail.subarray(at, at + eventStride));
    makeHole(state.tail, at);
    undo?.push(into[EVENT_TIME] as number);
    undo?.push(into[EVENT_IDENTITY] as number);
  } else {
    const page = pageOf(state, 0, chunk);
    const events = pages.events.read(page).slice();
    into.set(events.subarray(at, at + eventStride));
    makeHole(events, at);
    const summary = new Float64Array(layout.summaryStride);
    summarizeEvents(layout, events, summary);
    left.leave(pages.events, page, undo);
    summary[SUMMARY.page] = pages.events.write(events);
    replaceSummary(state, left, 0, chunk, summary, undo);
  }
  undo?.push(position);
}

/** Takes the newest hole back; it must be the newest of all that `undo` holds. */
export function undoHole(state: ColdState, left: LeftPages, undo: UndoLog): void {
  const { layout, levels, pages } = state;
  const { eventStride, summaryStride, shape } = layout;
  const position = undo.pop();
  let node = Math.floor(position / shape.chunk);
  if (node >= chunksOf(state)) {
    const identity = undo.pop();
    fillHole(state.tail, (position % shape.chunk) * eventStride, undo.pop(), identity);
    return;
  }
  const events = pageOf(state, 0, node);
  const index: number[] = [];
  let level = 0;
  for (; node < (levels[level] as OpenLevel).sealed * shape.fanout; level += 1) {
    node = Math.floor(node / shape.fanout);
    index.push(pageOf(state, level + 1, node));
  }
  pages.events.free(events);
  for (const page of index) pages.index.free(page);
  const { nodes, sealed } = levels[level] as OpenLevel;
  const at = (node - sealed * shape.fanout) * summaryStride;
  for (let number = summaryStride - 1; number >= 0; number -= 1) nodes[at + number] = undo.pop();
  left.takeBack(1 + index.length);
}

/** Puts a summary in place of another one, and makes those anew that sum it. */
function replaceSummary(
  state: ColdState,
  left: LeftPages,
  level: number,
  node: number,
  summary: Float64Array,
  undo: UndoLog | null,
): void {
  const { layout, pages, levels } = state;
  const { summaryStride, shape } = layout;
  const { nodes, sealed } = levels[level] as OpenLevel;
  const place = node - sealed * shape.fanout;
  if (place >= 0) {
    const at = place * summaryStride;
    if (undo !== null)
      for (let number = 0; number < summaryStride; number += 1) undo.push(nodes[at + number] as number);
    nodes.set(summary, at);
    return;
  }
  const above = Math.floor(node / shape.fanout);
  const page = pageOf(state, level + 1, above);
  const siblings = pages.index.read(page).slice();
  siblings.set(summary, (node % shape.fanout) * summaryStride);
  const merged = new Float64Array(summaryStride);
  summarizeNodes(layout, siblings, merged);
  left.leave(pages.index, page, undo);
  merged[SUMMARY.page] = pages.index.write(siblings);
  replaceSummary(state, left, level + 1, above, merged, undo);
}
