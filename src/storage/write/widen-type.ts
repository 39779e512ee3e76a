import type { ExactJson } from '../../base/exact-json.ts';
import { type DeltaType, isDecimal, type StructField } from '../types/delta-type.ts';
import { jsonOfType } from '../types/schema-json.ts';

/*
 * Type widening (PROTOCOL.md, "Type Widening"): files keep the narrower type, and readers cast.
 */

const WIDER: Readonly<Record<string, readonly string[]>> = {
  byte: ['short', 'integer', 'long', 'double'],
  short: ['integer', 'long', 'double'],
  integer: ['long', 'double'],
  float: ['double'],
  date: ['timestamp_ntz'],
};

/** Digits before the point that an integer may have. */
const INTEGER_DIGITS: Readonly<Record<string, number>> = { byte: 10, short: 10, integer: 10, long: 20 };

/** A field with a wider type and the record of the change; undefined where that is no widening. */
export function widened(own: StructField, to: DeltaType): StructField | undefined {
  if (!isWider(own.type, to)) return undefined;
  const changes = own.metadata['delta.typeChanges'];
  const change: ExactJson = { fromType: jsonOfType(own.type), toType: jsonOfType(to) };
  const all = Array.isArray(changes) ? [...changes, change] : [change];
  return { ...own, type: to, metadata: { ...own.metadata, 'delta.typeChanges': all } };
}

/** Whether every value of a type is one of another, by the widenings that the protocol allows. */
export function isWider(from: DeltaType, to: DeltaType): boolean {
  if (isDecimal(to)) {
    if (isDecimal(from)) {
      const more = to.scale - from.scale;
      return more >= 0 && to.precision - from.precision >= more && (more > 0 || to.precision > from.precision);
    }
    const digits = typeof from === 'string' ? INTEGER_DIGITS[from] : undefined;
    return digits !== undefined && to.precision - to.scale >= digits;
  }
  return typeof from === 'string' && typeof to === 'string' && (WIDER[from]?.includes(to) ?? false);
}
