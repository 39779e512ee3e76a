import type { Arithmetic } from './syntax.ts';

const MOST = Number.MAX_SAFE_INTEGER;

/**
 * Arithmetic that is total: a result that is no finite number, or no exact whole number where the result is whole, is
 * NaN, which is null. NaN of an operand goes through every sign.
 */
export function compileArithmetic(
  sign: Arithmetic,
  isWholeResult: boolean,
  a: () => number,
  b: () => number,
): () => number {
  switch (sign) {
    case '+':
      return isWholeResult ? () => exact(a() + b()) : () => finite(a() + b());
    case '-':
      return isWholeResult ? () => exact(a() - b()) : () => finite(a() - b());
    // A product beyond 2^53 is rounded, but never to below it.
    case '*':
      return isWholeResult ? () => exact(a() * b()) : () => finite(a() * b());
    // x / 0 is an infinity or NaN.
    case '/':
      return () => finite(a() / b());
    // x % 0 is NaN; no remainder is larger than what is divided.
    case '%':
      return () => a() % b();
  }
}

function finite(value: number): number {
  return Number.isFinite(value) ? value : Number.NaN;
}

function exact(value: number): number {
  return value >= -MOST && value <= MOST ? value : Number.NaN;
}
