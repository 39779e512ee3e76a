import { unreachable } from '../../base/assert.ts';
import { naturalLogarithm } from '../../base/natural-logarithm.ts';
import { numbersOf } from './part-steps.ts';
import type { Part } from './registers.ts';
import type { Computation } from './typed-expression.ts';

type OfNumbers =
  | 'and'
  | 'or'
  | 'not'
  | 'negate'
  | 'abs'
  | 'floor'
  | 'sqrt'
  | 'ln'
  | 'least'
  | 'greatest'
  | 'multiple_of'
  | 'days_since'
  | 'since';

/** What takes numbers only, and gives one. */
export function functionStep(
  does: Extract<Computation, OfNumbers>,
  n: Float64Array,
  to: number,
  args: readonly Part[],
): () => void {
  const [a, b, c] = numbersOf(args);
  switch (does) {
    case 'and':
      // Kleene's: false where either is false; else 1 or NaN times 1 or NaN.
      return () => {
        n[to] = n[a] === 0 || n[b] === 0 ? 0 : (n[a] as number) * (n[b] as number);
      };
    case 'or':
      return () => {
        n[to] = n[a] === 1 || n[b] === 1 ? 1 : (n[a] as number) + (n[b] as number);
      };
    case 'not':
      return () => {
        n[to] = 1 - (n[a] as number);
      };
    case 'negate':
      return () => {
        n[to] = 0 - (n[a] as number);
      };
    case 'least':
      return extreme(Math.min, n, to, args);
    case 'greatest':
      return extreme(Math.max, n, to, args);
    case 'multiple_of':
      return () => {
        const rest = (n[a] as number) % (n[b] as number);
        n[to] = Number.isNaN(rest) ? rest : rest === 0 ? 1 : 0;
      };
    case 'days_since':
      return () => {
        // DICT writes the first day of 1970 where it has no data.
        n[to] = n[b] === 0 ? Number.NaN : (n[a] as number) - (n[b] as number);
      };
    case 'since':
      return () => {
        n[to] = ((n[a] as number) - (n[b] as number)) / (n[c] as number);
      };
    default:
      return ofOne(does, n, to, a);
  }
}

function ofOne(does: 'abs' | 'floor' | 'sqrt' | 'ln', n: Float64Array, to: number, a: number): () => void {
  switch (does) {
    case 'abs':
      return () => {
        n[to] = Math.abs(n[a] as number);
      };
    case 'floor':
      return () => {
        const whole = Math.floor(n[a] as number);
        n[to] = Math.abs(whole) <= Number.MAX_SAFE_INTEGER ? whole : Number.NaN;
      };
    case 'sqrt':
      // The root of a number below 0 is NaN, which is null.
      return () => {
        n[to] = Math.sqrt(n[a] as number);
      };
    case 'ln':
      return () => {
        n[to] = naturalLogarithm(n[a] as number);
      };
    default:
      return unreachable(does);
  }
}

/** Both `Math.min` and `Math.max` are exact, and NaN where an operand is. */
function extreme(
  pick: (a: number, b: number) => number,
  n: Float64Array,
  to: number,
  args: readonly Part[],
): () => void {
  const places = args.map(({ at }) => at);
  return () => {
    let best = n[places[0] as number] as number;
    for (let at = 1; at < places.length; at += 1) best = pick(best, n[places[at] as number] as number);
    n[to] = best;
  };
}
