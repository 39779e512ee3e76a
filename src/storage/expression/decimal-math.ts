import { fitsPrecision } from '../types/decimal.ts';
import type { DecimalType } from '../types/delta-type.ts';
import { evaluationFailed } from './expression-error.ts';

/** An unscaled integer at another scale; what is cut off is rounded half away from zero. */
export function rescaled(unscaled: bigint, from: number, to: number): bigint {
  if (to >= from) return unscaled * 10n ** BigInt(to - from);
  const divisor = 10n ** BigInt(from - to);
  const half = divisor / 2n;
  return (unscaled < 0n ? unscaled - half : unscaled + half) / divisor;
}

/** An unscaled integer as one of a decimal's. @throws AppError invalid_request where it has too many digits. */
export function checkedDecimal(unscaled: bigint, type: DecimalType, what: string): bigint {
  if (fitsPrecision(unscaled, type.precision)) return unscaled;
  throw evaluationFailed('ARITHMETIC_OVERFLOW', `${what} gives more than the ${type.precision} digits of its type`);
}
