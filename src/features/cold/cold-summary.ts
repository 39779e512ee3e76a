import { passes } from '../engine/event-layout.ts';
import { addToGroup, emptyGroup, GROUP_STRIDE, mergeGroup } from '../engine/group-sums.ts';
import type { TileGroup } from '../engine/tile-layout.ts';
import { isHole } from './cold-hole.ts';
import { type ColdLayout, SUMMARY } from './cold-layout.ts';

/** Summarizes a full page of events, holes apart; which page it is, the caller says. */
export function summarizeEvents(layout: ColdLayout, events: Float64Array, summary: Float64Array): void {
  const { eventStride, shape, groups, conditionSlot } = layout;
  emptySummary(summary);
  for (let at = 0; at < shape.chunk * eventStride; at += eventStride) {
    if (isHole(events, at)) continue;
    const time = events[at] as number;
    if (time < (summary[SUMMARY.oldest] as number)) summary[SUMMARY.oldest] = time;
    if (time > (summary[SUMMARY.newest] as number)) summary[SUMMARY.newest] = time;
    summary[SUMMARY.count] = (summary[SUMMARY.count] as number) + 1;
    for (let group = 0; group < groups.length; group += 1) {
      const { slot, condition } = groups[group] as TileGroup;
      if (!passes(events, at, conditionSlot, condition)) continue;
      const value = slot < 0 ? 0 : (events[at + slot] as number);
      addToGroup(summary, SUMMARY.groups + group * GROUP_STRIDE, value);
    }
  }
}

/** Summarizes a full page of summaries; which page it is, the caller says. */
export function summarizeNodes({ shape, summaryStride }: ColdLayout, nodes: Float64Array, summary: Float64Array): void {
  emptySummary(summary);
  for (let at = 0; at < shape.fanout * summaryStride; at += summaryStride) {
    summary[SUMMARY.oldest] = Math.min(summary[SUMMARY.oldest] as number, nodes[at + SUMMARY.oldest] as number);
    summary[SUMMARY.newest] = Math.max(summary[SUMMARY.newest] as number, nodes[at + SUMMARY.newest] as number);
    summary[SUMMARY.count] = (summary[SUMMARY.count] as number) + (nodes[at + SUMMARY.count] as number);
    for (let group = SUMMARY.groups; group < summaryStride; group += GROUP_STRIDE)
      mergeGroup(summary, group, nodes, at + group);
  }
}

function emptySummary(summary: Float64Array): void {
  summary[SUMMARY.oldest] = Infinity;
  summary[SUMMARY.newest] = -Infinity;
  summary[SUMMARY.count] = 0;
  for (let group = SUMMARY.groups; group < summary.length; group += GROUP_STRIDE) emptyGroup(summary, group);
}
