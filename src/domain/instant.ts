/** Instants on the wire: UTC with `Z`, up to microseconds. SPI itself writes milliseconds. */
export const INSTANT_PATTERN = '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,6})?Z$';

/** Civil dates on the wire. */
export const DATE_PATTERN = '^\\d{4}-\\d{2}-\\d{2}$';

const DAY_MS = 86_400_000;

/** What is wrong with a text that {@link microsOfInstant} takes for none, after the field's name. */
export const NO_INSTANT = 'is not a real instant of the years 1685 to 2254';

/**
 * Integer microseconds since 1970 of a text that matches {@link INSTANT_PATTERN}; undefined where
 * it names no real instant (30 February, 24:00, a leap second), or one whose microseconds no double holds exactly: no
 * column of a table would take it, long after the caller was told that it is recorded.
 */
export function microsOfInstant(text: string): number | undefined {
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 7);
  const day = digits(text, 8, 10);
  const hour = digits(text, 11, 13);
  const minute = digits(text, 14, 16);
  const second = digits(text, 17, 19);
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const days = daysOfCivil(year, month, day);
  if (days === undefined) return undefined;
  let fraction = 0;
  if (text.length > 20) {
    const length = text.length - 21;
    fraction = digits(text, 20, 20 + length) * 10 ** (6 - length);
  }
  const micros = (days * 86_400 + hour * 3600 + minute * 60 + second) * 1_000_000 + fraction;
  return Number.isSafeInteger(micros) ? micros : undefined;
}

/** The wire form of microseconds since 1970: milliseconds, or microseconds where they are not 0. */
export function instantOfMicros(micros: number): string {
  const rest = ((micros % 1000) + 1000) % 1000;
  const text = new Date((micros - rest) / 1000).toISOString();
  return rest === 0 ? text : `${text.slice(0, -1)}${String(rest).padStart(3, '0')}Z`;
}

/** Days since 1970 of a date that matches {@link DATE_PATTERN}; undefined where there is no such day. */
export function daysOfDate(text: string): number | undefined {
  return daysOfCivil(digits(text, 0, 4), digits(text, 5, 7), digits(text, 8, 10));
}

/** The date, `YYYY-MM-DD`, of a number of days since 1970. */
export function dateOfDays(days: number): string {
  return new Date(days * DAY_MS).toISOString().slice(0, 10);
}

/** Days since 1970 of a civil date; undefined where there is no such day. */
export function daysOfCivil(year: number, month: number, day: number): number | undefined {
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined;
  // Howard Hinnant's days_from_civil: four times faster here than Date.UTC.
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function digits(text: string, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at += 1) value = value * 10 + text.charCodeAt(at) - 48;
  return value;
}
