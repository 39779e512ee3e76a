import { type ColdLayout, SUMMARY } from './cold-layout.ts';
import type { KindPages } from './page-store.ts';

/** Summaries of one level that fill no index page yet. */
export interface OpenLevel {
  nodes: Float64Array;
  count: number;
  /** Index pages that this level filled. */
  sealed: number;
}

/** What looks at an entity's cold events. */
export interface ColdVisitor {
  /**
   * Shows the summary of some events and asks whether to go into them.
   *
   * @param isWhole false where the first of them were dropped: the summary says more than there is.
   */
  enters(summaries: Float64Array, at: number, isWhole: boolean): boolean;
  /** Shows an event, or a hole in the place of one. @param position of it among all that the entity ever had. */
  event(numbers: Float64Array, at: number, position: number): void;
}

/** What a visit walks through. */
export interface ColdState {
  readonly layout: ColdLayout;
  readonly pages: KindPages;
  readonly levels: readonly OpenLevel[];
  readonly tail: Float64Array;
  /** Positions: the first event that was not dropped, and the one after the last. */
  readonly first: number;
  readonly end: number;
}

/** Visits cold events, oldest by sequence first or newest first. The oldest summaries are those of the highest level. */
export function visitCold(state: ColdState, visitor: ColdVisitor, isBackward: boolean): void {
  const { levels } = state;
  if (isBackward) visitTail(state, visitor, true);
  for (let step = 0; step < levels.length; step += 1) {
    const level = isBackward ? step : levels.length - 1 - step;
    const { nodes, count, sealed } = levels[level] as OpenLevel;
    visitNodes(state, visitor, isBackward, level, IN_MEMORY, nodes, count, sealed * state.layout.shape.fanout);
  }
  if (!isBackward) visitTail(state, visitor, false);
}

function visitTail({ layout, tail, first, end }: ColdState, visitor: ColdVisitor, isBackward: boolean): void {
  const { chunk } = layout.shape;
  const base = end - (end % chunk);
  visitEvents(layout, tail, base, Math.max(0, first - base), end - base, visitor, isBackward);
}

/** In place of a page: a level's summaries that fill none yet. */
const IN_MEMORY = -1;

/** @param page where the summaries lie. @param before summaries of the level that come before these. */
function visitNodes(
  state: ColdState,
  visitor: ColdVisitor,
  isBackward: boolean,
  level: number,
  page: number,
  inMemory: Float64Array,
  count: number,
  before: number,
): void {
  const { layout, pages, first } = state;
  const { chunk, fanout } = layout.shape;
  const size = chunk * fanout ** level;
  let nodes = page === IN_MEMORY ? inMemory : pages.index.read(page);
  for (let step = 0; step < count; step += 1) {
    const node = isBackward ? count - 1 - step : step;
    const start = (before + node) * size;
    if (start + size <= first) continue;
    const at = node * layout.summaryStride;
    if (!visitor.enters(nodes, at, start >= first)) continue;
    const below = nodes[at + SUMMARY.page] as number;
    if (level === 0) {
      visitEvents(layout, pages.events.read(below), start, Math.max(0, first - start), chunk, visitor, isBackward);
    } else {
      visitNodes(state, visitor, isBackward, level - 1, below, inMemory, fanout, (before + node) * fanout);
      // Index pages were read since: the memory of this one may have become another's.
      if (page !== IN_MEMORY) nodes = pages.index.read(page);
    }
  }
}

/** @param start position of the first of the numbers. */
function visitEvents(
  { eventStride }: ColdLayout,
  numbers: Float64Array,
  start: number,
  from: number,
  to: number,
  visitor: ColdVisitor,
  isBackward: boolean,
): void {
  if (isBackward) for (let at = to - 1; at >= from; at -= 1) visitor.event(numbers, at * eventStride, start + at);
  else for (let at = from; at < to; at += 1) visitor.event(numbers, at * eventStride, start + at);
}
