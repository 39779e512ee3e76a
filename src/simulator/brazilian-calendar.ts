import { type CivilZone, civilParts, civilZone } from '../base/civil-time.ts';
import { dateOfDays, daysOfCivil } from '../domain/instant.ts';

/** One hour (or the rest of one) of the simulated span. */
export interface SimulatedHour {
  readonly startMicros: number;
  readonly lengthMicros: number;
  /** Civil day, days since 1970. */
  readonly day: number;
  /** Civil hour, 0–23. */
  readonly hour: number;
  /** Relative number of payments. */
  readonly weight: number;
  /** Whether wages are paid on this day. */
  readonly payday: boolean;
}

const HOUR_MICROS = 3_600_000_000;

/** Payments by civil hour: a peak at lunch and one in the early evening. */
const WEEKDAY_HOURS = [9, 5, 3, 2, 2, 4, 12, 26, 42, 55, 62, 70, 84, 72, 62, 60, 64, 74, 88, 80, 62, 46, 30, 17];
const WEEKEND_HOURS = [18, 13, 9, 6, 4, 3, 6, 14, 28, 46, 60, 72, 80, 70, 56, 50, 52, 60, 74, 82, 74, 58, 42, 28];
/** Payments by ISO weekday, Monday first. */
const WEEKDAYS = [0.98, 0.96, 0.97, 1.02, 1.16, 1.06, 0.82];

/** The hours of a span with their civil time in America/Sao_Paulo. */
export function simulatedHours(startMicros: number, days: number): SimulatedHour[] {
  const zone = civilZone('America/Sao_Paulo');
  const endMicros = startMicros + Math.round(days * 24 * HOUR_MICROS);
  const hours: SimulatedHour[] = [];
  let at = startMicros;
  while (at < endMicros) {
    const next = Math.min(endMicros, (Math.floor(at / HOUR_MICROS) + 1) * HOUR_MICROS);
    hours.push(hourOf(zone, at, next - at));
    at = next;
  }
  return hours;
}

function hourOf(zone: CivilZone, startMicros: number, lengthMicros: number): SimulatedHour {
  const { day, hour, weekday } = civilParts(zone, startMicros);
  const free = weekday >= 6 || isHoliday(day);
  const byHour = (free ? WEEKEND_HOURS : WEEKDAY_HOURS)[hour] ?? 1;
  const byDay = (WEEKDAYS[weekday - 1] ?? 1) * (isHoliday(day) ? 0.85 : 1) * monthFactor(dayOfMonth(day));
  const weight = (byHour * byDay * lengthMicros) / HOUR_MICROS;
  return { startMicros, lengthMicros, day, hour, weight, payday: isFifthBusinessDay(day) };
}

/** Money is spent after wages have come, and short at the month's end. */
function monthFactor(dayOfTheMonth: number): number {
  if (dayOfTheMonth >= 5 && dayOfTheMonth <= 11) return 1.15;
  return dayOfTheMonth >= 24 ? 0.93 : 1;
}

function dayOfMonth(day: number): number {
  return Number(dateOfDays(day).slice(8, 10));
}

/** Wages are due by the fifth business day (CLT, article 459). */
export function isFifthBusinessDay(day: number): boolean {
  if (!isBusinessDay(day)) return false;
  let count = 0;
  for (let at = day - dayOfMonth(day) + 1; at <= day; at += 1) if (isBusinessDay(at)) count += 1;
  return count === 5;
}

/** Monday to Friday, national holidays aside. */
export function isBusinessDay(day: number): boolean {
  const weekday = (((day + 3) % 7) + 7) % 7;
  return weekday < 5 && !isHoliday(day);
}

const FIXED_HOLIDAYS = new Set(['01-01', '04-21', '05-01', '09-07', '10-12', '11-02', '11-15', '11-20', '12-25']);
/** Carnival's two days, Good Friday, Corpus Christi, counted from Easter. */
const MOVING_HOLIDAYS = new Set([-48, -47, -2, 60]);

/** National holidays, and Carnival, which banks keep. */
export function isHoliday(day: number): boolean {
  const date = dateOfDays(day);
  if (FIXED_HOLIDAYS.has(date.slice(5))) return true;
  return MOVING_HOLIDAYS.has(day - easterOf(Number(date.slice(0, 4))));
}

/** Easter Sunday in days since 1970 (Gregorian computus of Meeus, Jones and Butcher). */
function easterOf(year: number): number {
  const a = year % 19;
  const b = Math.floor(year / 100);
  const c = year % 100;
  const d = Math.floor(b / 4);
  const g = Math.floor((8 * b + 13) / 25);
  const h = (19 * a + b - d - g + 15) % 30;
  const i = Math.floor(c / 4);
  const l = (32 + 2 * (b % 4) + 2 * i - h - (c % 4)) % 7;
  const m = Math.floor((a + 11 * h + 22 * l) / 451);
  const month = Math.floor((h + l - 7 * m + 114) / 31);
  return daysOfCivil(year, month, ((h + l - 7 * m + 114) % 31) + 1) ?? 0;
}
