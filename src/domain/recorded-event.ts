/** What a recorded row of payments is to the state of its entities. */
export const EVENT = {
  /** Nothing: a second side, or a repeat. */
  none: 0,
  /** Its payment's event: of several the first counts. */
  first: 1,
  /** A retraction: the event of its payment counts no more from the row's number on. Keys are those of that event. */
  retraction: 2,
  /** The event of a payment that was replaced, behind a retraction. */
  replacement: 3,
} as const;
