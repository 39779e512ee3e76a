/** The two smallest event times of an entity; Infinity where it has fewer events, −Infinity where it is not known any more. */
export interface FirstTimes {
  readonly first: number;
  readonly second: number;
}

/**
 * What is known without an event of an entity that has dropped some: where the first one goes, the next one is the first, and
 * which one is behind it lies among the dropped ones.
 *
 * @param time of the event.
 */
export function firstTimesWithout(time: number, { first, second }: FirstTimes): FirstTimes {
  if (time === first) return { first: second, second: -Infinity };
  return { first, second: time === second ? -Infinity : second };
}
