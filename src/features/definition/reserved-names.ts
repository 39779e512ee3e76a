/** Columns that a training set has, or may have, beside its features: no feature has one of these names. */
export const RESERVED_NAMES = [
  'end_to_end_id',
  'side',
  'event_time',
  'known_time',
  'source_id',
  'row',
  'reconstructed',
  'journal_id',
  'journal_position',
  'payer_account',
  'payee_account',
  'payer_document',
  'payee_document',
  'pix_key',
  'device_id',
  'decision',
  'policy_version',
  'degraded',
  'outcome_observed',
  'feature_status',
  'label',
  'label_state',
  'label_known_time',
  'split',
  'weight',
] as const;

/** The name of a column that is no feature. */
export type ReservedName = (typeof RESERVED_NAMES)[number];

/** What the name of a feature's status has behind the feature's; no feature's own name ends so. */
export const STATUS_SUFFIX = '__status';

/** Whether a feature may not have a name, because a training set may. */
export function isReservedName(name: string): boolean {
  return name.endsWith(STATUS_SUFFIX) || RESERVED_NAMES.some((reserved) => reserved === name);
}
