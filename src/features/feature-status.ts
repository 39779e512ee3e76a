/**
 * Why a feature has a value, or has none. The numbers are stored with every decision; they are
 * never given another meaning.
 */
export const FEATURE_STATUS = {
  /** There is a value. */
  present: 0,
  /** The inputs are known and give no value: an empty window's mean, a division by zero, a field that is not there. */
  null: 1,
  /** The entity was never seen before this payment (the value is the feature's default), or the payment names none. */
  notFound: 2,
  /** The window would need events beyond the bound of what an entity keeps. */
  truncated: 3,
  /** The payment is further behind the entity's newest event than the allowed lateness. */
  tooLate: 4,
  /** The exact value does not fit 64 bits. */
  overflow: 5,
  /** The online store did not answer. */
  unavailable: 6,
  /** The value outlived its time to live. */
  expired: 7,
} as const;

/** Names of the statuses, by their numbers, as APIs and pages show them. */
export const FEATURE_STATUS_NAMES: readonly string[] = [
  'present',
  'null',
  'not_found',
  'truncated',
  'too_late',
  'overflow',
  'unavailable',
  'expired',
];
