import { lastAtMost } from '../base/last-at-most.ts';
import { ENTITY_KINDS, type EntityKind } from '../domain/entity-keys.ts';
import type { FeatureDefinition } from '../features/definition/definition.ts';
import type { FeatureSet } from '../features/feature-set.ts';
import { type NumberedEntities, numberEntities } from '../features/replay/replay-groups.ts';
import type { ReadSequence } from '../features/replay/replay-input.ts';
import { EPOCH_STEP, type KindRecords, kindRecords } from '../features/replay/replay-items.ts';
import { OWN_MEMORY } from '../features/replay/replay-memory.ts';
import type { FeatureCounts } from './feature-counts.ts';
import { LEAK_AUC, LEAK_PRECISION, separationOf } from './leaking-feature.ts';
import { replayRecords, type SilverSource } from './silver-source.ts';

/** A feature that knows what it should not. */
export type LeakFinding =
  /** It tells the labels apart nearly by itself. */
  | { readonly kind: 'separates'; readonly feature: string; readonly auc: number; readonly precision: number }
  /** It is the age of an instant that is after the payment, in so many training rows. */
  | { readonly kind: 'dated_after'; readonly feature: string; readonly rows: number }
  /** So many rows saw an event of the feature's entity that became known only after them. */
  | { readonly kind: 'seen_later'; readonly feature: string; readonly rows: number };

/** A finding in a sentence. */
export function leakText(finding: LeakFinding): string {
  switch (finding.kind) {
    case 'separates': {
      const figures = `AUC ${finding.auc.toFixed(4)}, precision ${finding.precision.toFixed(4)} over half of the fraud`;
      return `${finding.feature} tells fraud from the rest nearly by itself (${figures}): does it know the label?`;
    }
    case 'dated_after':
      return `${finding.feature} is the age of an instant that is after the payment, in ${finding.rows} training rows`;
    case 'seen_later':
      return `${finding.feature}: ${finding.rows} rows saw an event that was known only after them`;
  }
}

/** What was looked for, for people. */
export const LEAKAGE_RULE = `separates: one feature alone has an AUC of ${LEAK_AUC}, or a cut that finds half of the fraud with a precision of ${LEAK_PRECISION}, in the training rows; dated_after: an age below 0; seen_later: a number that its row saw was known over a minute after the row`;

/**
 * An event may be journaled a little after one that saw it: the order of state and of the journal
 * differ by the deadline of a payment (40 s) and by what servers' clocks differ.
 */
const KNOWN_WITHIN_MICROS = 60_000_000;

/** Features that separate the labels of training rows, and ages of what is after the payment. */
export function leaksOfCounts({ definition }: FeatureSet, counts: readonly FeatureCounts[]): LeakFinding[] {
  return definition.features.flatMap((feature, at): LeakFinding[] => {
    const count = counts[at];
    if (count === undefined) return [];
    const found: LeakFinding[] = [];
    const { auc, precision } = separationOf(count) ?? { auc: 0, precision: 0 };
    if (auc >= LEAK_AUC || precision >= LEAK_PRECISION) {
      found.push({ kind: 'separates', feature: feature.name, auc, precision });
    }
    if (isAge(feature) && count.negative > 0) {
      found.push({ kind: 'dated_after', feature: feature.name, rows: count.negative });
    }
    return found;
  });
}

/** Whether a feature is the time since an instant or date of the payment. */
function isAge(feature: FeatureDefinition): boolean {
  return feature.kind === 'expression' && /^\s*since\s*\(/.test(feature.expression);
}

/** Features whose rows saw what was known only later: a decision, or a table, that cannot be right. */
export function leaksOfOrder(source: SilverSource, { definition }: FeatureSet, reads: ReadSequence): LeakFinding[] {
  const featuresOf = (kind: EntityKind) => definition.features.filter((feature) => kindOf(feature) === kind);
  const kinds = ENTITY_KINDS.filter((kind) => featuresOf(kind).length > 0);
  const numbered = numberEntities(source.records.keys, source.labels.payees, kinds);
  return kinds.flatMap((kind): LeakFinding[] => {
    const rows = rowsThatSawLater(source, numbered, kind, reads);
    return rows === 0 ? [] : featuresOf(kind).map(({ name }) => ({ kind: 'seen_later', feature: name, rows }));
  });
}

function kindOf(feature: FeatureDefinition): EntityKind | undefined {
  if (feature.kind === 'label') return 'payee';
  return feature.kind === 'window' ? feature.entity : undefined;
}

/** Reads that are looked at together: what they saw takes 1 MB. */
const READS_AT_ONCE = 65_536;

/** Linear in reads and records but for a search in an entity's; 20 bytes a record. */
function rowsThatSawLater(
  source: SilverSource,
  numbered: NumberedEntities,
  kind: EntityKind,
  { rows, saw }: ReadSequence,
): number {
  const records = kindRecords(kind, replayRecords(source), numbered, OWN_MEMORY);
  const known = knownInEpochs(source, records);
  const entities = numbered.entities[kind];
  const { knownTimes } = source.payments.places;
  let count = 0;
  for (let from = 0; from < rows.length; from += READS_AT_ONCE) {
    const to = Math.min(rows.length, from + READS_AT_ONCE);
    const { epochs, seqs } = saw(kind, from, to);
    for (let read = from; read < to; read += 1) {
      const row = rows[read] as number;
      const epoch = epochs[read - from] as number;
      const last = lastSeen(records, entities[row] as number, epoch * EPOCH_STEP + (seqs[read - from] as number));
      // Of earlier epochs a row saw what the opening of its own names, which is no matter of numbers.
      if (last < 0 || epochAt(records.keys, last) !== epoch) continue;
      if ((known[last] as number) > (knownTimes[row] as number) + KNOWN_WITHIN_MICROS) count += 1;
    }
  }
  return count;
}

/** The largest known time of an entity's records of an epoch, up to each record. */
function knownInEpochs({ records, labels }: SilverSource, { start, items, keys }: KindRecords): Float64Array {
  const known = new Float64Array(items.length);
  for (let entity = 0; entity + 1 < start.length; entity += 1) {
    const first = start[entity] as number;
    for (let at = first; at < (start[entity + 1] as number); at += 1) {
      const item = items[at] as number;
      const own = (item < 0 ? labels.places.knownTimes[-1 - item] : records.places.knownTimes[item]) as number;
      const goesOn = at > first && epochAt(keys, at) === epochAt(keys, at - 1);
      known[at] = goesOn ? Math.max(own, known[at - 1] as number) : own;
    }
  }
  return known;
}

function epochAt(keys: Float64Array, at: number): number {
  return Math.floor((keys[at] as number) / EPOCH_STEP);
}

/** Place of the last record of an entity at or below a number; −1 where there is none. */
function lastSeen({ start, keys }: KindRecords, entity: number, key: number): number {
  if (entity < 0) return -1;
  return lastAtMost(keys, start[entity] as number, start[entity + 1] as number, key);
}
