import { instantOfMicros } from '../domain/instant.ts';
import type { StoredDecision } from '../scoring/scoring-port.ts';

/** The features that this build serves, for naming the values of a decision. */
export interface FeatureNames {
  /** Version of the set; a decision of another version is shown without names. */
  readonly version: string;
  readonly names: readonly string[];
  /** Names of the statuses, by their number. */
  readonly statuses: readonly string[];
}

/** The answer of `GET /v1/decisions/{endToEndId}/{side}`: the decision as it was given, and what it was made of. */
export function decisionView(stored: StoredDecision, features: FeatureNames): string {
  const { body } = stored;
  const decision = JSON.parse(body) as { featureSet: { version: string } };
  const known = decision.featureSet.version === features.version;
  const values = [...stored.features].map((value, index) => ({
    name: known ? (features.names[index] ?? `#${index}`) : `#${index}`,
    value: Number.isNaN(value) ? null : value,
    status: features.statuses[stored.featureStatus[index] ?? 0] ?? 'unknown',
  }));
  const rest = { knownTime: instantOfMicros(stored.knownTimeMicros), features: values };
  return `{"decision":${body},${JSON.stringify(rest).slice(1)}`;
}
