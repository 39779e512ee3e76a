import type { LabelState } from '../domain/label.ts';

/** A state of a payment's contest, with both of its times. */
export interface LabelEvent {
  readonly state: LabelState;
  readonly eventTimeMicros: number;
  readonly knownTimeMicros: number;
}

/** Which labels count, and when a payment without one is a negative. */
export interface LabelPolicy {
  /** How long after a payment its label may still come: the same for every row, so that old rows get no more time. */
  readonly horizonMicros: number;
  /** How long after a payment "no label" is taken for "no fraud"; not shorter than the horizon. */
  readonly maturityMicros: number;
  /** Labels known at this instant or later do not exist. */
  readonly asOfMicros: number;
  /** States that make a payment fraud. */
  readonly counted: readonly LabelState[];
}

/** A row's label. */
export interface RowLabel {
  /** 1 fraud, 0 not, null contested, censored or without an outcome. */
  readonly label: 1 | 0 | null;
  readonly state: LabelState | null;
  readonly knownTimeMicros: number | null;
  /** Whether nothing is known of the payment, so that no label says nothing. */
  readonly isUnknown?: boolean;
}

/**
 * The label of a payment at `t`: by its latest state that was known by t + horizon and before
 * `beforeMicros` (labels-as-of, or earlier: a training split sees no label of the next one).
 *
 * @param events the payment's labels in the order of (event time, known time), ties as recorded.
 * @param outcomeObserved whether the payment went through: one that did not is no negative.
 */
export function labelOf(
  events: readonly LabelEvent[],
  t: number,
  { horizonMicros, maturityMicros, counted }: LabelPolicy,
  beforeMicros: number,
  outcomeObserved: boolean,
): RowLabel {
  const ends = t + horizonMicros;
  let latest: LabelEvent | undefined;
  for (const event of events) {
    if (event.knownTimeMicros <= ends && event.knownTimeMicros < beforeMicros) latest = event;
  }
  const state = latest?.state ?? null;
  const known = { state, knownTimeMicros: latest?.knownTimeMicros ?? null };
  if (state !== null && counted.includes(state)) return { label: 1, ...known };
  if (state === 'CONTESTED') return { label: null, ...known };
  return { label: t + maturityMicros <= beforeMicros && outcomeObserved ? 0 : null, ...known };
}
