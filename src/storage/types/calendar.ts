/*
 * Dates and instants in the proleptic Gregorian calendar and UTC, for all of int32 days and int64
 * microseconds: `Date` ends at the year 275760. Years are astronomical, with a year 0.
 */

/** Microseconds of a day. */
export const DAY_MICROS = 86_400_000_000n;
/** Microseconds of a second. */
export const SECOND_MICROS = 1_000_000n;

const MAX_DAYS = 2 ** 31 - 1;
const MAX_MICROS = 2n ** 63n - 1n;
/** Days of 400 years, after which the calendar repeats. */
const ERA_DAYS = 146_097;
/** Days from 0000-03-01 to 1970-01-01. */
const EPOCH_SHIFT = 719_468;

/** A day of the calendar. */
export interface CivilDate {
  readonly year: number;
  /** 1–12. */
  readonly month: number;
  /** 1–31. */
  readonly day: number;
}

/** The calendar's day of a count of days since 1970-01-01. */
export function civilDate(days: number): CivilDate {
  const shifted = days + EPOCH_SHIFT;
  const era = Math.floor(shifted / ERA_DAYS);
  const dayOfEra = shifted - era * ERA_DAYS;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  // Years begin in March here, so that the leap day is their last.
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1,
  };
}

/** Days since 1970-01-01 of a day of the calendar; a month's days are not checked. */
export function daysOf({ year, month, day }: CivilDate): number {
  const marchYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * ERA_DAYS + dayOfEra - EPOCH_SHIFT;
}

/** Days since 1970 of an instant in microseconds: the day that it falls into. */
export function dayOfMicros(micros: bigint): number {
  return Number(floorDivide(micros, DAY_MICROS));
}

/** Whether microseconds are of int64, as files hold them. */
export function isInstant(micros: bigint): boolean {
  return micros <= MAX_MICROS && micros >= -MAX_MICROS - 1n;
}

/** A quotient rounded down. */
export function floorDivide(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  return value % divisor < 0n ? quotient - 1n : quotient;
}

const DATE = /^([+-]?\d{4,7})-(\d{2})-(\d{2})$/;

/** Days of `[+-]YYYY-MM-DD`, with four to seven digits of the year; undefined for other texts and days that there are not. */
export function parseDate(text: string): number | undefined {
  const match = DATE.exec(text);
  if (match === null) return undefined;
  const date: CivilDate = { year: Number(match[1]), month: Number(match[2]), day: Number(match[3]) };
  if (date.month < 1 || date.month > 12 || date.day < 1) return undefined;
  const days = daysOf(date);
  return civilDate(days).month === date.month && Math.abs(days) <= MAX_DAYS ? days : undefined;
}

/** `YYYY-MM-DD`; years beyond 9999 and before 0 have a sign. */
export function dateText(days: number): string {
  const { year, month, day } = civilDate(days);
  const sign = year < 0 ? '-' : year > 9999 ? '+' : '';
  return `${sign}${String(Math.abs(year)).padStart(4, '0')}-${twoDigits(month)}-${twoDigits(day)}`;
}

const INSTANT =
  /^(\S{10,13})(?:[ T]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,6}))?)?\s?(Z|UTC|[+-](?:0\d|1[0-7]):[0-5]\d|[+-]18:00)?)?$/;

/** An instant, and whether its text says of which zone. */
export interface ParsedInstant {
  readonly micros: bigint;
  readonly hasZone: boolean;
}

/**
 * The instant of `date[(" "|"T")hh:mm[:ss[.f]][zone]]`, where the zone is `Z`, `UTC` or `±hh:mm`,
 * and UTC where there is none; undefined for other texts.
 */
export function parseInstant(text: string): ParsedInstant | undefined {
  const match = INSTANT.exec(text);
  const days = match === null ? undefined : parseDate(match[1] ?? '');
  if (match === null || days === undefined) return undefined;
  const [, , hour = '0', minute = '0', second = '0', fraction = '', zone] = match;
  const seconds = BigInt(Number(hour) * 3600 + Number(minute) * 60 + Number(second) - zoneSeconds(zone));
  const micros = BigInt(days) * DAY_MICROS + seconds * SECOND_MICROS + BigInt(fraction.padEnd(6, '0'));
  return isInstant(micros) ? { micros, hasZone: zone !== undefined } : undefined;
}

/** Microseconds of an instant of the log, in UTC where it names no zone; digits beyond the sixth are left out. */
export function loggedMicros(text: string): bigint | undefined {
  return parseInstant(text.replace(/(\.\d{6})\d+/, '$1'))?.micros;
}

/** `YYYY-MM-DD hh:mm:ss[.f]` in UTC, without the fraction's last zeros, as Spark and DuckDB write it. */
export function instantText(micros: bigint): string {
  return isoText(micros)
    .replace('T', ' ')
    .replace(/\.?0{1,6}$/, '');
}

/** `YYYY-MM-DDThh:mm:ss.ffffff` in UTC. */
export function isoText(micros: bigint): string {
  const days = dayOfMicros(micros);
  return `${dateText(days)}T${timeOfDay(micros - BigInt(days) * DAY_MICROS, 6)}`;
}

/** `hh:mm:ss.f…` of a time of day. @param digits of the fraction, whose units it is in. */
export function timeOfDay(units: bigint, digits: number): string {
  const perSecond = 10n ** BigInt(digits);
  const seconds = Number(units / perSecond);
  const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map(twoDigits).join(':');
  return `${clock}.${String(units % perSecond).padStart(digits, '0')}`;
}

function zoneSeconds(zone: string | undefined): number {
  if (zone === undefined || zone === 'Z' || zone === 'UTC') return 0;
  const seconds = Number(zone.slice(1, 3)) * 3600 + Number(zone.slice(4)) * 60;
  return zone.startsWith('-') ? -seconds : seconds;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
