import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../../base/clock.ts';
import type { AppError } from '../../../base/errors.ts';

/** How often and how long a request is tried. */
export interface RetryLimits {
  readonly attempts: number;
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
  /** A try of a small request; a large body has more time, by its size. */
  readonly attemptMs: number;
  /** No try starts later than this after the first. */
  readonly totalMs: number;
}

/**
 * S3 asks for retries with growing pauses on SlowDown: 8 tries with up to 50 ms, 100 ms, … 3.2 s
 * between them ride out the seconds that it needs to split a partition. 20 s is what a healthy store
 * stays under for a small request even at its 99.99th percentile; two minutes bound a writer's wait.
 */
export const DEFAULT_RETRY_LIMITS: RetryLimits = {
  attempts: 8,
  baseDelayMs: 50,
  maxDelayMs: 10_000,
  attemptMs: 20_000,
  totalMs: 120_000,
};

/** What one try came to. */
export type Tried<T> =
  | { readonly kind: 'done'; readonly value: T }
  /** It may go well the next time. @see retryAfterMs what the server asks to wait for. */
  | { readonly kind: 'again'; readonly error: AppError; readonly retryAfterMs?: number };

/** Where time and chance come from. */
export interface RetryParts {
  readonly limits: RetryLimits;
  readonly clock: Clock;
  /** A number in [0, 1). */
  random(): number;
}

/**
 * Tries until it is done, with pauses of a random length up to a bound that doubles ("full jitter",
 * so that writers who collided do not meet again), never shorter than the server asks for.
 *
 * @throws AppError the last try's, when the limits are used up; what `act` throws goes through at once.
 */
export async function withRetries<T>(parts: RetryParts, act: () => Promise<Tried<T>>): Promise<T> {
  const { limits, clock } = parts;
  const startMicros = clock.nowMicros();
  for (let attempt = 0; ; attempt += 1) {
    const tried = await act();
    if (tried.kind === 'done') return tried.value;
    if (attempt + 1 >= limits.attempts) throw tried.error;
    const pauseMs = Math.max(jitteredDelayMs(limits, attempt, parts.random()), tried.retryAfterMs ?? 0);
    const spentMs = (clock.nowMicros() - startMicros) / 1000;
    if (spentMs + pauseMs > limits.totalMs) throw tried.error;
    await sleep(pauseMs);
  }
}

/** The pause after a failed try, the first being 0. @param chance in [0, 1). */
export function jitteredDelayMs(
  limits: Pick<RetryLimits, 'baseDelayMs' | 'maxDelayMs'>,
  attempt: number,
  chance: number,
): number {
  return chance * Math.min(limits.maxDelayMs, limits.baseDelayMs * 2 ** attempt);
}

/** The wait that a Retry-After header asks for (RFC 9110, 10.2.3: seconds or a date); undefined for none. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const until = Date.parse(header);
  return Number.isNaN(until) ? undefined : Math.max(0, until - nowMs);
}
