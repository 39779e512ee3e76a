import { Decimal, makeData } from 'apache-arrow';
import { JsonNumber } from '../../base/exact-json.ts';
import { decimalText, fitsPrecision, unscaledOf } from '../types/decimal.ts';
import type { DecimalType } from '../types/delta-type.ts';
import { validityOf } from './column-validity.ts';
import type { ColumnBuilder } from './primitive-column-builder.ts';
import { refuseCell } from './refuse-cell.ts';

const FIRST_ROWS = 256;
const WORDS = 4;

/** Collects decimals: 128 bits each, little-endian, two's complement. Takes texts, integers and bigints, exactly. */
export function decimalBuilder(name: string, { precision, scale }: DecimalType, nullable: boolean): ColumnBuilder {
  const validity = validityOf(nullable);
  let words = new Uint32Array(WORDS * FIRST_ROWS);
  let rows = 0;
  let min: bigint | undefined;
  let max: bigint | undefined;
  const write = (value: unknown): void => {
    const unscaled = unscaledOf(textOf(name, value), scale);
    if (unscaled === undefined || !fitsPrecision(unscaled, precision))
      throw refuseCell(name, `decimals of ${precision} digits, ${scale} of them after the point`);
    for (let word = 0; word < WORDS; word += 1)
      words[WORDS * rows + word] = Number(BigInt.asUintN(32, unscaled >> BigInt(32 * word)));
    if (min === undefined || unscaled < min) min = unscaled;
    if (max === undefined || unscaled > max) max = unscaled;
  };
  return {
    append(value) {
      if (WORDS * rows === words.length) {
        const bigger = new Uint32Array(words.length * 2);
        bigger.set(words);
        words = bigger;
      }
      const isNull = value === null || value === undefined;
      if (!isNull) write(value);
      validity.add(!isNull, rows, name);
      rows += 1;
    },
    take() {
      const data = words.slice(0, WORDS * rows);
      const length = rows;
      words = new Uint32Array(words.length);
      rows = 0;
      return makeData({ type: new Decimal(scale, precision, 128), length, ...validity.take(length), data });
    },
    statistics() {
      const { nullCount } = validity;
      if (min === undefined || max === undefined) return { nullCount };
      return { nullCount, min: numberOf(min, scale), max: numberOf(max, scale) };
    },
  };
}

function textOf(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isFinite(value))) return String(value);
  throw refuseCell(name, 'decimals as texts, integers or bigints');
}

/** A bound as statistics write it: a plain JSON number. */
function numberOf(unscaled: bigint, scale: number): JsonNumber {
  return new JsonNumber(decimalText(unscaled, scale));
}
