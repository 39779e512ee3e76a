import { ENTITY_KINDS, type EntityKind } from '../domain/entity-keys.ts';
import type { FeatureDefinition } from '../features/definition/definition.ts';
import type { FeatureSet } from '../features/feature-set.ts';
import type { ReadSequence } from '../features/replay/replay-input.ts';
import { entityHistories, entityKeyOf, lastSeen } from './entity-history.ts';
import type { FeatureCounts } from './feature-counts.ts';
import { LEAK_AUC, LEAK_PRECISION, separationOf } from './leaking-feature.ts';
import type { SilverSource } from './silver-source.ts';

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
  return ENTITY_KINDS.flatMap((kind): LeakFinding[] => {
    const rows = rowsThatSawLater(source, kind, reads);
    if (rows === 0) return [];
    const features = definition.features.filter((feature) => kindOf(feature) === kind);
    return features.map(({ name }) => ({ kind: 'seen_later', feature: name, rows }));
  });
}

function kindOf(feature: FeatureDefinition): EntityKind | undefined {
  if (feature.kind === 'label') return 'payee';
  return feature.kind === 'window' ? feature.entity : undefined;
}

function rowsThatSawLater(source: SilverSource, kind: EntityKind, { rows, saw }: ReadSequence): number {
  const histories = entityHistories(source, kind);
  const { knownTimes } = source.payments.places;
  const { epochs, seqs } = saw(kind, 0, rows.length);
  let count = 0;
  for (const [read, row] of rows.entries()) {
    const entity = histories.entity(entityKeyOf(source, kind, row));
    if (entity < 0) continue;
    const last = lastSeen(histories, entity, epochs[read] as number, seqs[read] as number);
    // Of earlier epochs a row saw what the opening of its own names, which is no matter of numbers.
    if (last < 0 || histories.epochs[last] !== epochs[read]) continue;
    if ((histories.epochKnownTimes[last] as number) > (knownTimes[row] as number) + KNOWN_WITHIN_MICROS) count += 1;
  }
  return count;
}
