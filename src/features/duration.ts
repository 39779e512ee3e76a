import { AppError } from '../base/errors.ts';
import type { Duration } from './definition/definition.ts';

const UNIT_MICROS: Readonly<Record<string, number>> = {
  s: 1_000_000,
  m: 60_000_000,
  h: 3_600_000_000,
  d: 86_400_000_000,
};

/** The longest span that a definition may name: sums of microseconds stay exact with room. */
const LONGEST_MICROS = 3660 * 86_400_000_000;
const DURATION = /^([1-9]\d{0,5})([smhd])$/;

/**
 * Microseconds of a span such as `10m`.
 *
 * @throws AppError `feature_invalid` where the text is no such span; `where` names its place.
 */
export function durationMicros(text: string, where: string): number {
  const match = DURATION.exec(text);
  const micros = match === null ? 0 : Number(match[1]) * (UNIT_MICROS[match[2] ?? ''] ?? 0);
  if (micros === 0 || micros > LONGEST_MICROS) {
    throw new AppError(
      'feature_invalid',
      `${where}: '${text}' is no span of time; write a whole number and s, m, h or d, such as 10m or 30d`,
    );
  }
  return micros;
}

/** Whether a text is a span of time that a definition may name. */
export function isDuration(text: string): text is Duration {
  const [, count, unit = ''] = DURATION.exec(text) ?? [];
  return count !== undefined && Number(count) * (UNIT_MICROS[unit] ?? 0) <= LONGEST_MICROS;
}
