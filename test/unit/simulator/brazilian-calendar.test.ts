import { describe, expect, it } from 'vitest';
import { dateOfDays, daysOfDate } from '../../../src/domain/instant.ts';
import {
  isBusinessDay,
  isFifthBusinessDay,
  isHoliday,
  simulatedHours,
} from '../../../src/simulator/brazilian-calendar.ts';

const day = (date: string): number => daysOfDate(date) ?? Number.NaN;

describe('the Brazilian calendar', () => {
  it('knows fixed holidays and those that move with Easter', () => {
    for (const date of [
      '2026-02-16',
      '2026-02-17',
      '2026-04-03',
      '2026-06-04',
      '2026-09-07',
      '2025-04-18',
      '2024-02-13',
    ]) {
      expect(isHoliday(day(date)), date).toBe(true);
    }
    expect(isHoliday(day('2026-02-18'))).toBe(false);
    expect(isBusinessDay(day('2026-04-03'))).toBe(false);
    expect(isBusinessDay(day('2026-04-06'))).toBe(true);
    expect(isBusinessDay(day('2026-04-05'))).toBe(false);
  });

  it('pays wages on the fifth business day of each month', () => {
    const paydays: string[] = [];
    for (let at = day('2026-03-01'); at < day('2026-07-01'); at += 1) {
      if (isFifthBusinessDay(at)) paydays.push(dateOfDays(at));
    }
    expect(paydays).toEqual(['2026-03-06', '2026-04-08', '2026-05-08', '2026-06-08']);
  });

  it('cuts a span into civil hours, across a change to summer time', () => {
    const start = Date.UTC(2018, 10, 3, 3) * 1000;
    const hours = simulatedHours(start, 2);
    expect(hours).toHaveLength(48);
    // 2018-11-04 had no midnight in São Paulo.
    expect(hours.filter((hour) => hour.day === day('2018-11-04')).map((hour) => hour.hour)).not.toContain(0);
    expect(simulatedHours(start + 30 * 60_000_000, 1 / 24)).toHaveLength(2);
  });
});
