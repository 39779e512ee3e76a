import type { EntityKind } from '../domain/entity-keys.ts';
import { LABEL_STATES } from '../domain/label.ts';
import type { HistoryFeature, LabelFeature, WindowAggregate, WindowFeature } from './definition.ts';
import { durationMicros } from './duration.ts';

/** Codes of aggregates in a plan; the engine switches on them. */
export const AGGREGATE = { count: 0, sum: 1, mean: 2, max: 3, min: 4, stddev: 5, distinct: 6 } as const;

const CODE_OF: Readonly<Record<WindowAggregate, number>> = {
  count: AGGREGATE.count,
  sum: AGGREGATE.sum,
  mean: AGGREGATE.mean,
  max: AGGREGATE.max,
  min: AGGREGATE.min,
  stddev: AGGREGATE.stddev,
  distinct_counterparties: AGGREGATE.distinct,
};

/** What an entity keeps, and for how long; the same rule in every store and in replay. */
export interface KeepingRule {
  /** Events kept, at most. */
  readonly bound: number;
  /** Beyond the newest {@link LEAST_KEPT}, an event this much older than the newest is dropped. */
  readonly retentionMicros: number;
  /** Width of the tiles that aggregate dropped events; 0 where no window has a hop. */
  readonly tileMicros: number;
}

/** Events that an entity keeps however old they are, so that the time since the last one is known. */
export const LEAST_KEPT = 8;

/** Codes of history aggregates in a plan. */
export const HISTORY = { count: 0, sinceFirst: 1, sinceLast: 2 } as const;

/** One history feature. */
export interface HistoryRead {
  readonly code: number;
  readonly unitMicros: number;
  readonly output: number;
}

/** One label feature. */
export interface LabelRead {
  /** Index in LABEL_STATES. */
  readonly state: number;
  readonly isCount: boolean;
  /** Infinity where there is no window. */
  readonly windowMicros: number;
  readonly unitMicros: number;
  readonly output: number;
}

/** All features of one kind of entity, laid out for one pass over its events. */
export interface KindPlan {
  readonly kind: EntityKind;
  readonly keeping: KeepingRule;
  /** Distinct windows, shortest first; each holds all shorter ones. */
  readonly sizes: Float64Array;
  /** Hop of each window; 0 = slides. */
  readonly hops: Float64Array;
  /** Reads of window w are `readStart[w] … readStart[w + 1] − 1`. */
  readonly readStart: Int32Array;
  readonly readCodes: Uint8Array;
  readonly readOutputs: Int32Array;
  readonly needsDistinct: boolean;
  readonly needsSquares: boolean;
  readonly history: readonly HistoryRead[];
  readonly labels: readonly LabelRead[];
  /** Outputs of windows and history, and of labels. */
  readonly outputs: Int32Array;
  readonly labelOutputs: Int32Array;
}

/** A feature with its place in the vector. */
export interface Placed<T> {
  readonly feature: T;
  readonly output: number;
}

interface PlannedWindow {
  readonly size: number;
  readonly hop: number;
  readonly reads: { code: number; output: number }[];
}

/** Lays out one kind of entity. Definitions were checked. */
export function planKind(
  kind: EntityKind,
  windows: readonly Placed<WindowFeature>[],
  history: readonly Placed<HistoryFeature>[],
  labels: readonly Placed<LabelFeature>[],
  rule: { readonly bound: number; readonly latenessMicros: number },
): KindPlan {
  const planned = groupWindows(windows);
  const reads = planned.flatMap((window) => window.reads);
  const readStart = new Int32Array(planned.length + 1);
  for (const [at, window] of planned.entries()) readStart[at + 1] = (readStart[at] ?? 0) + window.reads.length;
  const longest = Math.max(0, ...planned.map((window) => window.size + window.hop));
  return {
    kind,
    keeping: {
      bound: rule.bound,
      retentionMicros: longest + rule.latenessMicros,
      tileMicros: planned.reduce((divisor, window) => greatestDivisor(divisor, window.hop), 0),
    },
    sizes: Float64Array.from(planned, (window) => window.size),
    hops: Float64Array.from(planned, (window) => window.hop),
    readStart,
    readCodes: Uint8Array.from(reads, (read) => read.code),
    readOutputs: Int32Array.from(reads, (read) => read.output),
    needsDistinct: reads.some((read) => read.code === AGGREGATE.distinct),
    needsSquares: reads.some((read) => read.code === AGGREGATE.stddev),
    history: history.map(({ feature, output }) => ({
      code: historyCode(feature),
      unitMicros: feature.unit === undefined ? 1 : durationMicros(feature.unit, feature.name),
      output,
    })),
    labels: labels.map(({ feature, output }) => ({
      state: LABEL_STATES.indexOf(feature.state),
      isCount: feature.aggregate === 'count',
      windowMicros: feature.window === undefined ? Infinity : durationMicros(feature.window, feature.name),
      unitMicros: feature.unit === undefined ? 1 : durationMicros(feature.unit, feature.name),
      output,
    })),
    outputs: Int32Array.from([...reads.map((read) => read.output), ...history.map((placed) => placed.output)]),
    labelOutputs: Int32Array.from(labels, (placed) => placed.output),
  };
}

function groupWindows(windows: readonly Placed<WindowFeature>[]): PlannedWindow[] {
  const bySpan = new Map<string, PlannedWindow>();
  for (const { feature, output } of windows) {
    const size = durationMicros(feature.window, feature.name);
    const hop = feature.hop === undefined ? 0 : durationMicros(feature.hop, feature.name);
    const span = `${size}/${hop}`;
    const window = bySpan.get(span) ?? { size, hop, reads: [] };
    window.reads.push({ code: CODE_OF[feature.aggregate], output });
    bySpan.set(span, window);
  }
  return [...bySpan.values()].sort((a, b) => a.size - b.size);
}

function historyCode({ aggregate }: HistoryFeature): number {
  if (aggregate === 'count') return HISTORY.count;
  return aggregate === 'time_since_first' ? HISTORY.sinceFirst : HISTORY.sinceLast;
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}
