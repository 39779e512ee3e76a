/**
 * Civil time in a time zone from an instant, exact under IANA rules, and fast: the offsets of 1900 to 2060 are
 * read once from ICU and kept as tables of transitions, of which payments need the one since 1990. ICU itself is asked
 * for what lies outside of them.
 */
export interface CivilZone {
  /** Seconds that local time is ahead of UTC at an instant (microseconds since 1970). Before there was a law they are no whole hours. */
  offsetSeconds(micros: number): number;
}

const EARLY_MS = Date.UTC(1900, 0, 1);
const FIRST_MS = Date.UTC(1990, 0, 1);
const LAST_MS = Date.UTC(2060, 0, 1);
const STEP_MS = 14 * 86_400_000;

/** Zones that were read: one takes 40 ms, and 50 ms more where it is asked for a time before 1990. */
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
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const read = (ms: number): number => readOffset(format, ms);
  const recent = readTable(read, FIRST_MS, LAST_MS);
  let early: OffsetTable | undefined;
  return {
    offsetSeconds(micros) {
      if (micros >= FIRST_MS * 1000 && micros < LAST_MS * 1000) return offsetIn(recent, micros);
      if (micros >= FIRST_MS * 1000 || micros < EARLY_MS * 1000) return read(Math.floor(micros / 1_000_000) * 1000);
      early ??= readTable(read, EARLY_MS, FIRST_MS);
      return offsetIn(early, micros);
    },
  };
}

/** Offsets between two instants. */
interface OffsetTable {
  /** Where each but the first begins, in microseconds. */
  readonly starts: Float64Array;
  readonly offsets: Int32Array;
}

function readTable(read: (ms: number) => number, firstMs: number, lastMs: number): OffsetTable {
  const starts: number[] = [];
  let before = read(firstMs);
  const offsets: number[] = [before];
  for (let from = firstMs; from < lastMs; from += STEP_MS) {
    const to = Math.min(from + STEP_MS, lastMs);
    const after = read(to);
    if (before === after) continue;
    starts.push(findTransition(read, from, to, before) * 1000);
    offsets.push(after);
    before = after;
  }
  return { starts: Float64Array.from(starts), offsets: Int32Array.from(offsets) };
}

function offsetIn({ starts, offsets }: OffsetTable, micros: number): number {
  let high = starts.length;
  // Payments are recent, and Brazil has had no transition since 2019.
  if (high === 0 || micros >= (starts[high - 1] as number)) return offsets[high] as number;
  let low = 0;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (micros < (starts[middle] as number)) high = middle;
    else low = middle + 1;
  }
  return offsets[low] as number;
}

/** By day of the month and time of day: of years before 1 ICU tells the era's, which no date takes. */
function readOffset(format: Intl.DateTimeFormat, ms: number): number {
  const part: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(ms)) part[type] = Number(value);
  const { day = 0, hour = 0, minute = 0, second = 0 } = part;
  const utc = new Date(ms);
  const days = day - utc.getUTCDate();
  // Over a month's end the day before is 27 to 30 later, and the day after as much earlier.
  const ahead = Math.abs(days) > 1 ? -Math.sign(days) : days;
  const utcSeconds = utc.getUTCHours() * 3600 + utc.getUTCMinutes() * 60 + utc.getUTCSeconds();
  return ahead * 86_400 + hour * 3600 + minute * 60 + second - utcSeconds;
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
