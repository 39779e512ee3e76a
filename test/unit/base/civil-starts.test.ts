import { describe, expect, it } from 'vitest';
import { civilParts, civilZone, startOfCivilDay, startOfCivilMonth } from '../../../src/base/civil-time.ts';

const zone = civilZone('America/Sao_Paulo');
const micros = (text: string): number => Date.parse(text) * 1000;

describe('a civil day', () => {
  it.each([
    ['2026-11-27T15:00:00Z', '2026-11-27T03:00:00Z'],
    ['2026-11-27T02:59:59.999Z', '2026-11-26T03:00:00Z'],
    // Clocks go forward at midnight: the day has none, and begins at one.
    ['2018-11-04T12:00:00Z', '2018-11-04T03:00:00Z'],
    // Clocks go back at midnight to the day before, whose last hour comes twice.
    ['2019-02-17T02:30:00Z', '2019-02-16T02:00:00Z'],
    ['2019-02-17T12:00:00Z', '2019-02-17T03:00:00Z'],
  ])('of %s begins at %s', (at, begins) => {
    expect(startOfCivilDay(zone, micros(at))).toBe(micros(begins));
  });

  it('begins where its date does, at every hour of twelve years', () => {
    for (let at = micros('2010-01-01T00:00:00Z'); at < micros('2022-01-01T00:00:00Z'); at += 3_600_000_000) {
      const start = startOfCivilDay(zone, at);
      const { day } = civilParts(zone, at);
      if (start > at || civilParts(zone, start).day !== day || civilParts(zone, start - 1).day === day)
        throw new Error(`the day of ${new Date(at / 1000).toISOString()} does not begin at ${start}`);
    }
  });
});

describe('a civil month', () => {
  it.each([
    ['2026-11-27T15:00:00Z', '2026-11-01T03:00:00Z'],
    ['2026-12-01T02:59:00Z', '2026-11-01T03:00:00Z'],
    ['2015-02-28T12:00:00Z', '2015-02-01T02:00:00Z'],
  ])('of %s begins at %s', (at, begins) => {
    expect(startOfCivilMonth(zone, micros(at))).toBe(micros(begins));
  });
});
