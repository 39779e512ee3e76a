import { type Compiled, numberAt, textAt } from './compiled.ts';
import type { Comparison } from './syntax.ts';

/** Comparisons of two parts of one type: 1 or 0, NaN where either is missing. */
export function compileComparison(sign: Comparison, args: readonly Compiled[]): () => number {
  if (args[0]?.kind === 'text') return compareTexts(sign === '=', textAt(args, 0), textAt(args, 1));
  const [a, b] = [numberAt(args, 0), numberAt(args, 1)];
  switch (sign) {
    case '=':
      return equality(a, b, 1);
    case '<>':
      return equality(a, b, 0);
    case '<':
      return below(a, b);
    case '>':
      return below(b, a);
    case '<=':
      return atMost(a, b);
    case '>=':
      return atMost(b, a);
  }
}

function equality(a: () => number, b: () => number, whenEqual: 0 | 1): () => number {
  const whenOther = 1 - whenEqual;
  return () => {
    const left = a();
    const right = b();
    if (left === right) return whenEqual;
    return Number.isNaN(left) || Number.isNaN(right) ? Number.NaN : whenOther;
  };
}

function below(a: () => number, b: () => number): () => number {
  return () => {
    const left = a();
    const right = b();
    return left < right ? 1 : left >= right ? 0 : Number.NaN;
  };
}

function atMost(a: () => number, b: () => number): () => number {
  return () => {
    const left = a();
    const right = b();
    return left <= right ? 1 : left > right ? 0 : Number.NaN;
  };
}

function compareTexts(isEqual: boolean, a: () => string | null, b: () => string | null): () => number {
  return () => {
    const left = a();
    const right = b();
    if (left === null || right === null) return Number.NaN;
    return (left === right) === isEqual ? 1 : 0;
  };
}
