import { type CivilZone, civilZone } from '../../base/civil-time.ts';
import { CIVIL_ZONE } from './derived-columns.ts';
import type { Places } from './part-steps.ts';

const UTC: CivilZone = { offsetSeconds: () => 0 };

/** Parts of an instant's civil time, in Brazil or in UTC; NaN of an instant that is missing goes through. */
export function civilStep(
  part: 'hour' | 'weekday' | 'is_night' | 'is_weekend' | 'utc_hour' | 'utc_weekday',
  n: Float64Array,
  to: number,
  [from]: Places,
): () => void {
  const zone = civilZone(CIVIL_ZONE);
  switch (part) {
    case 'hour':
      return () => {
        n[to] = hourOf(zone, n[from] as number);
      };
    case 'weekday':
      return () => {
        n[to] = weekdayOf(zone, n[from] as number);
      };
    case 'is_night':
      return () => {
        const hour = hourOf(zone, n[from] as number);
        n[to] = Number.isNaN(hour) ? hour : hour >= 20 || hour < 6 ? 1 : 0;
      };
    case 'is_weekend':
      return () => {
        const weekday = weekdayOf(zone, n[from] as number);
        n[to] = Number.isNaN(weekday) ? weekday : weekday >= 6 ? 1 : 0;
      };
    case 'utc_hour':
      return () => {
        n[to] = hourOf(UTC, n[from] as number);
      };
    case 'utc_weekday':
      return () => {
        n[to] = weekdayOf(UTC, n[from] as number);
      };
  }
}

function hourOf(zone: CivilZone, micros: number): number {
  const seconds = secondsOf(zone, micros);
  return Math.floor((seconds - Math.floor(seconds / 86_400) * 86_400) / 3600);
}

function weekdayOf(zone: CivilZone, micros: number): number {
  // The first day of 1970 was a Thursday.
  const day = Math.floor(secondsOf(zone, micros) / 86_400) + 3;
  return day - Math.floor(day / 7) * 7 + 1;
}

function secondsOf(zone: CivilZone, micros: number): number {
  return Math.floor(micros / 1_000_000) + zone.offsetSeconds(micros);
}
