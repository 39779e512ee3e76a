/**
 * Civil time in a time zone from an instant, exact under IANA rules, and fast: the offsets are
 * read once from ICU and kept as a table of transitions.
 */
export interface CivilZone {
  /** Seconds that local time is ahead of UTC at an instant (microseconds since 1970). */
  offsetSeconds(micros: number): number;
}

const FIRST_MS = Date.UTC(1990, 0, 1);
const LAST_MS = Date.UTC(2060, 0, 1);
const STEP_MS = 14 * 86_400_000;

/** Zones that were read: one takes 40 ms. */
const ZONES = new Map<string, CivilZone>();

/** @param timeZone an IANA name; @throws RangeError where ICU does not know it. */
export function civilZone(timeZone: string): CivilZone {
  const known = ZONES.get(timeZone) ?? readZone(timeZone);
  ZONES.set(timeZone, known);
  return known;
}

function readZone(timeZone: string): CivilZone {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const read = (ms: number): number => readOffset(format, ms);
  const starts: number[] = [];
  let before = read(FIRST_MS);
  const offsets: number[] = [before];
  for (let from = FIRST_MS; from < LAST_MS; from += STEP_MS) {
    const after = read(from + STEP_MS);
    if (before === after) continue;
    starts.push(findTransition(read, from, from + STEP_MS, before) * 1000);
    offsets.push(after);
    before = after;
  }
  return {
    offsetSeconds(micros) {
      let at = starts.length;
      // Newest first: payments are recent, and Brazil has had no transition since 2019.
      while (at > 0 && micros < (starts[at - 1] as number)) at -= 1;
      return offsets[at] as number;
    },
  };
}

function readOffset(format: Intl.DateTimeFormat, ms: number): number {
  const part: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(ms)) part[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  return Math.round((Date.UTC(year, month - 1, day, hour, minute, second) - ms) / 1000);
}

function findTransition(read: (ms: number) => number, from: number, to: number, before: number): number {
  let low = from;
  let high = to;
  while (high - low > 1000) {
    const middle = Math.floor((low + high) / 2000) * 1000;
    if (read(middle) === before) low = middle;
    else high = middle;
  }
  return high;
}

/** The civil parts that features and gold tables use. */
export interface CivilParts {
  /** Days since 1970 of the civil date. */
  readonly day: number;
  /** 0–23. */
  readonly hour: number;
  /** ISO day of the week, 1 = Monday … 7 = Sunday. */
  readonly weekday: number;
}

/** The civil date, hour and weekday of an instant in a zone. */
export function civilParts(zone: CivilZone, micros: number): CivilParts {
  const seconds = Math.floor(micros / 1_000_000) + zone.offsetSeconds(micros);
  const day = Math.floor(seconds / 86_400);
  return { day, hour: Math.floor((seconds - day * 86_400) / 3600), weekday: ((((day + 3) % 7) + 7) % 7) + 1 };
}

/** The first instant of the civil day that an instant is in: midnight, or what comes in its place where summer time begins at it. */
export function startOfCivilDay(zone: CivilZone, micros: number): number {
  return instantOfDay(zone, civilParts(zone, micros).day);
}

/** The first instant of the civil month that an instant is in. */
export function startOfCivilMonth(zone: CivilZone, micros: number): number {
  const date = new Date(civilParts(zone, micros).day * DAY_MS);
  return instantOfDay(zone, Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1) / DAY_MS);
}

const DAY_MS = 86_400_000;

function instantOfDay(zone: CivilZone, day: number): number {
  const midnight = day * DAY_MS * 1000;
  // The offset before midnight, by the instant that is surely before it, then the one that follows.
  const before = midnight - zone.offsetSeconds(midnight - DAY_MS * 500) * 1_000_000;
  const after = midnight - zone.offsetSeconds(before) * 1_000_000;
  // Where clocks go forward at midnight, the day begins at that instant; where they go back to the day before, at the second midnight.
  return Math.max(before, after);
}
