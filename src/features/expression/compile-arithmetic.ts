import type { Places } from './part-steps.ts';
import type { Arithmetic } from './syntax.ts';

const MOST = Number.MAX_SAFE_INTEGER;

/**
 * Arithmetic that is total: a result that is no finite number, or no exact whole number where the result is whole, is
 * NaN, which is null. NaN of an operand goes through every sign.
 */
export function arithmeticStep(
  sign: Arithmetic,
  isWholeResult: boolean,
  n: Float64Array,
  to: number,
  [a, b]: Places,
): () => void {
  const checked = isWholeResult ? exact : finite;
  switch (sign) {
    case '+':
      return () => {
        n[to] = checked((n[a] as number) + (n[b] as number));
      };
    case '-':
      return () => {
        n[to] = checked((n[a] as number) - (n[b] as number));
      };
    // A product beyond 2^53 is rounded, but never to below it.
    case '*':
      return () => {
        n[to] = checked((n[a] as number) * (n[b] as number));
      };
    // x / 0 is an infinity or NaN.
    case '/':
      return () => {
        n[to] = finite((n[a] as number) / (n[b] as number));
      };
    // x % 0 is NaN; no remainder is larger than what is divided.
    case '%':
      return () => {
        n[to] = (n[a] as number) % (n[b] as number);
      };
  }
}

function finite(value: number): number {
  return Number.isFinite(value) ? value : Number.NaN;
}

function exact(value: number): number {
  return value >= -MOST && value <= MOST ? value : Number.NaN;
}
