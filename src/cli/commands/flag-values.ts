import { AppError, messageOf } from '../../base/errors.ts';
import { daysOfDate, INSTANT_PATTERN, microsOfInstant } from '../../domain/instant.ts';
import { durationMicros } from '../../features/duration.ts';

/** An instant of a flag in microseconds since 1970. @throws AppError `usage`. */
export function instantOf(flag: string, text: string): number {
  const micros = /^\d{4}-\d{2}-\d{2}$/.test(text)
    ? (daysOfDate(text) ?? Number.NaN) * 86_400_000_000
    : new RegExp(INSTANT_PATTERN).test(text)
      ? microsOfInstant(text)
      : undefined;
  if (micros !== undefined && Number.isSafeInteger(micros)) return micros;
  throw new AppError(
    'usage',
    `${flag} ${text} is no date: write YYYY-MM-DD (00:00 UTC, exclusive) or an instant such as 2026-07-01T12:00:00Z`,
  );
}

/** A span of a flag in microseconds. @throws AppError `usage`. */
export function spanOf(flag: string, text: string): number {
  try {
    return durationMicros(text, flag);
  } catch (error) {
    throw new AppError('usage', messageOf(error), {}, error);
  }
}

/** Values of a flag that may stand several times, for commander. */
export function collected(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}
