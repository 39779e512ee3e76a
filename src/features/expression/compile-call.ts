import { type CivilZone, civilZone } from '../../base/civil-time.ts';
import { naturalLogarithm } from '../../base/natural-logarithm.ts';
import { FEATURE_STATUS } from '../feature-status.ts';
import type { ColumnFrame } from './column-frame.ts';
import { compileArithmetic } from './compile-arithmetic.ts';
import { compileComparison } from './compile-comparison.ts';
import { type Compiled, isMissing, number, numberAt, type ReadStatus, statusOfFirst, textAt } from './compiled.ts';
import { CIVIL_ZONE } from './derived-columns.ts';
import type { Computation, TypedExpression } from './typed-expression.ts';
import { isWhole } from './value-type.ts';

/** Compiles a call over its compiled operands. */
export function compileCall(
  { does, type, args: operands }: Extract<TypedExpression, { kind: 'call' }>,
  args: readonly Compiled[],
  frame: ColumnFrame,
): Compiled {
  const status = statusOfFirst(args);
  switch (does) {
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
      return number(compileArithmetic(does, isWhole(type), numberAt(args, 0), numberAt(args, 1)), status);
    case '=':
    case '<>':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return number(compileComparison(does, args), status);
    case 'if':
      return compileChoice(args);
    case 'coalesce':
      return compileFirst(args, status);
    case 'is null':
      return compileTest(args);
    case 'never_seen':
      return compileNeverSeen(operands[0], frame);
    case 'starts_with':
      return number(compileStart(args), status);
    default:
      return number(compileFunction(does, args), status);
  }
}

/** What takes numbers only, and gives one. */
function compileFunction(does: Computation, args: readonly Compiled[]): () => number {
  const a = numberAt(args, 0);
  switch (does) {
    case 'and':
      return conjunction(a, numberAt(args, 1));
    case 'or':
      return disjunction(a, numberAt(args, 1));
    case 'not':
      return () => 1 - a();
    case 'negate':
      return () => 0 - a();
    case 'abs':
      return () => Math.abs(a());
    case 'floor':
      return () => {
        const whole = Math.floor(a());
        return Math.abs(whole) <= Number.MAX_SAFE_INTEGER ? whole : Number.NaN;
      };
    // The root of a number below 0 is NaN, which is null.
    case 'sqrt':
      return () => Math.sqrt(a());
    case 'ln':
      return () => naturalLogarithm(a());
    case 'least':
    case 'greatest':
      return extreme(does, args);
    case 'multiple_of':
      return multiple(a, numberAt(args, 1));
    case 'days_since':
      return daysSince(a, numberAt(args, 1));
    case 'since': {
      const from = numberAt(args, 1);
      const unitMicros = numberAt(args, 2)();
      return () => (a() - from()) / unitMicros;
    }
    default:
      return civilPart(does, a);
  }
}

/** Kleene's and: false where either is false, whatever the other is. */
function conjunction(a: () => number, b: () => number): () => number {
  return () => {
    const left = a();
    if (left === 0) return 0;
    const right = b();
    // 1 or NaN times 1 or NaN.
    return right === 0 ? 0 : left * right;
  };
}

function disjunction(a: () => number, b: () => number): () => number {
  return () => {
    const left = a();
    if (left === 1) return 1;
    const right = b();
    // 0 or NaN plus 0 or NaN.
    return right === 1 ? 1 : left + right;
  };
}

function extreme(does: 'least' | 'greatest', args: readonly Compiled[]): () => number {
  const reads = args.map((_, at) => numberAt(args, at));
  // Both give NaN where an operand is NaN, and are exact.
  const pick = does === 'least' ? Math.min : Math.max;
  return () => {
    let best = (reads[0] as () => number)();
    for (let at = 1; at < reads.length; at += 1) best = pick(best, (reads[at] as () => number)());
    return best;
  };
}

function multiple(a: () => number, of: () => number): () => number {
  const divisor = of();
  return () => {
    const value = a();
    return Number.isNaN(value) ? Number.NaN : value % divisor === 0 ? 1 : 0;
  };
}

function daysSince(day: () => number, date: () => number): () => number {
  return () => {
    const from = date();
    // DICT writes the first day of 1970 where it has no data.
    return from === 0 ? Number.NaN : day() - from;
  };
}

function civilPart(part: Computation, micros: () => number): () => number {
  const zone = civilZone(CIVIL_ZONE);
  switch (part) {
    case 'hour':
      return () => hourOf(zone, micros());
    case 'is_night':
      return () => {
        const hour = hourOf(zone, micros());
        return Number.isNaN(hour) ? Number.NaN : hour >= 20 || hour < 6 ? 1 : 0;
      };
    case 'weekday':
      return () => weekdayOf(zone, micros());
    default:
      return () => {
        const weekday = weekdayOf(zone, micros());
        return Number.isNaN(weekday) ? Number.NaN : weekday >= 6 ? 1 : 0;
      };
  }
}

function secondsOf(zone: CivilZone, micros: number): number {
  return Math.floor(micros / 1_000_000) + zone.offsetSeconds(micros);
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

function compileStart(args: readonly Compiled[]): () => number {
  const [text, prefix] = [textAt(args, 0), textAt(args, 1)];
  return () => {
    const [whole, start] = [text(), prefix()];
    return whole === null || start === null ? Number.NaN : whole.startsWith(start) ? 1 : 0;
  };
}

/** `if`: the status is that of the condition where it is missing, else that of what it chooses. */
function compileChoice(args: readonly Compiled[]): Compiled {
  const condition = numberAt(args, 0);
  const [test, yes, no] = args as readonly [Compiled, Compiled, Compiled];
  const status: ReadStatus = () => (isMissing(test) ? test : condition() === 1 ? yes : no).status();
  if (yes.kind === 'text' && no.kind === 'text') {
    const [a, b] = [yes.read, no.read];
    return {
      kind: 'text',
      read: () => {
        const chosen = condition();
        return chosen === 1 ? a() : chosen === 0 ? b() : null;
      },
      status,
    };
  }
  const [a, b] = [numberAt(args, 1), numberAt(args, 2)];
  return number(() => {
    const chosen = condition();
    return chosen === 1 ? a() : chosen === 0 ? b() : Number.NaN;
  }, status);
}

function compileFirst(args: readonly Compiled[], status: ReadStatus): Compiled {
  if (args[0]?.kind === 'text') {
    const reads = args.map((_, at) => textAt(args, at));
    return {
      kind: 'text',
      read: () => {
        let value: string | null = null;
        for (let at = 0; at < reads.length && value === null; at += 1) value = (reads[at] as () => string | null)();
        return value;
      },
      status,
    };
  }
  const reads = args.map((_, at) => numberAt(args, at));
  return number(() => {
    let value = Number.NaN;
    for (let at = 0; at < reads.length && Number.isNaN(value); at += 1) value = (reads[at] as () => number)();
    return value;
  }, status);
}

function compileTest([operand]: readonly Compiled[]): Compiled {
  if (operand?.kind === 'text') {
    const { read } = operand;
    return number(
      () => (read() === null ? 1 : 0),
      () => FEATURE_STATUS.present,
    );
  }
  const read = numberAt(operand === undefined ? [] : [operand], 0);
  return number(
    () => (Number.isNaN(read()) ? 1 : 0),
    () => FEATURE_STATUS.present,
  );
}

function compileNeverSeen(feature: TypedExpression | undefined, frame: ColumnFrame): Compiled {
  const output = feature?.kind === 'feature' ? feature.output : -1;
  return number(
    () => {
      const status = frame.status[output];
      return status === FEATURE_STATUS.unavailable ? Number.NaN : status === FEATURE_STATUS.notFound ? 1 : 0;
    },
    () => FEATURE_STATUS.unavailable,
  );
}
