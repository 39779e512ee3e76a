import { GROUP_STRIDE } from '../engine/group-sums.ts';
import type { TileGroup } from '../engine/tile-layout.ts';

/** How the events of an entity without a bound are laid out. */
export interface ColdShape {
  /** Events that lie in memory, the newest by sequence; the others are cold. */
  readonly hot: number;
  /** Events of a page. */
  readonly chunk: number;
  /** Summaries of an index page. */
  readonly fanout: number;
}

/**
 * Pages of 128 events and index pages of 32 summaries: a window's edge costs the events of half a page and half an
 * index page a level, and a payee of 90 M events has five levels.
 */
export const COLD_SHAPE: ColdShape = { hot: 256, chunk: 128, fanout: 32 };

/** What is kept of the cold events of one kind of entity. */
export interface ColdLayout {
  readonly shape: ColdShape;
  /** Numbers of an event. */
  readonly eventStride: number;
  /** Sums of each page. */
  readonly groups: readonly TileGroup[];
  readonly conditionSlot: number;
  /** Numbers of a summary. */
  readonly summaryStride: number;
}

/** Offsets of a summary: its oldest and newest event time, its page, and how many events it holds. Groups follow. */
export const SUMMARY = { oldest: 0, newest: 1, page: 2, count: 3, groups: 4 } as const;

/** Lays out pages and summaries. @param groups what windows sum, and what lists look for. */
export function coldLayout(
  shape: ColdShape,
  eventStride: number,
  groups: readonly TileGroup[],
  conditionSlot: number,
): ColdLayout {
  return {
    shape,
    eventStride,
    groups,
    conditionSlot,
    summaryStride: SUMMARY.groups + groups.length * GROUP_STRIDE,
  };
}
