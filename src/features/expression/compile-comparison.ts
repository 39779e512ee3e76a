import { numberStep, numbersOf, type Places, statusOfFirst, textsOf } from './part-steps.ts';
import type { Part, Registers } from './registers.ts';
import type { Comparison } from './syntax.ts';

/** Comparisons of two parts of one type: 1 or 0, NaN where either is missing. */
export function compileComparison(sign: Comparison, args: readonly Part[], registers: Registers): Part {
  const status = statusOfFirst(args, registers);
  if (args[0]?.kind === 'text') {
    return numberStep(registers, status, (to) => textStep(sign === '=', registers, to, textsOf(args)));
  }
  const [a, b] = numbersOf(args);
  return numberStep(registers, status, (to) => comparisonStep(sign, registers.numbers, to, a, b));
}

function comparisonStep(sign: Comparison, n: Float64Array, to: number, a: number, b: number): () => void {
  switch (sign) {
    case '=':
      return equality(n, to, a, b, 1);
    case '<>':
      return equality(n, to, a, b, 0);
    case '<':
      return below(n, to, a, b);
    case '>':
      return below(n, to, b, a);
    case '<=':
      return atMost(n, to, a, b);
    case '>=':
      return atMost(n, to, b, a);
  }
}

function equality(n: Float64Array, to: number, a: number, b: number, whenEqual: 0 | 1): () => void {
  const whenOther = 1 - whenEqual;
  return () => {
    const left = n[a] as number;
    const right = n[b] as number;
    n[to] = left === right ? whenEqual : Number.isNaN(left) || Number.isNaN(right) ? Number.NaN : whenOther;
  };
}

function below(n: Float64Array, to: number, a: number, b: number): () => void {
  return () => {
    const left = n[a] as number;
    const right = n[b] as number;
    n[to] = left < right ? 1 : left >= right ? 0 : Number.NaN;
  };
}

function atMost(n: Float64Array, to: number, a: number, b: number): () => void {
  return () => {
    const left = n[a] as number;
    const right = n[b] as number;
    n[to] = left <= right ? 1 : left > right ? 0 : Number.NaN;
  };
}

function textStep(isEqual: boolean, { numbers, texts }: Registers, to: number, [a, b]: Places): () => void {
  return () => {
    const left = texts[a] ?? null;
    const right = texts[b] ?? null;
    numbers[to] = left === null || right === null ? Number.NaN : (left === right) === isEqual ? 1 : 0;
  };
}
