import { makeData, type Struct } from 'apache-arrow';
import { PRIMITIVE_ARROW_TYPES } from '../types/arrow-types.ts';
import { encodeVariant } from '../variant/encode-variant.ts';
import { validityOf } from './column-validity.ts';
import { type ColumnBuilder, primitiveColumnBuilder } from './primitive-column-builder.ts';
import { refuseCell } from './refuse-cell.ts';

/** Starts a column of variants: JSON texts, which become groups of `metadata` and `value` (PROTOCOL.md, "Variant data in Parquet"). */
export function variantBuilder(name: string, nullable: boolean): ColumnBuilder {
  const validity = validityOf(nullable);
  const metadata = primitiveColumnBuilder(`${name}.metadata`, 'binary', false, false);
  const value = primitiveColumnBuilder(`${name}.value`, 'binary', false, false);
  let rows = 0;
  return {
    append(cell) {
      const isNull = cell === null || cell === undefined;
      if (!(isNull || typeof cell === 'string')) throw refuseCell(name, 'JSON texts');
      const encoded = isNull ? NONE : encodeVariant(cell);
      metadata.append(encoded.metadata);
      value.append(encoded.value);
      validity.add(!isNull, rows, name);
      rows += 1;
    },
    take() {
      const { nullCount, nullBitmap } = validity.take(rows);
      const children = [metadata.take(), value.take()];
      const length = rows;
      rows = 0;
      const type = PRIMITIVE_ARROW_TYPES.variant() as Struct;
      return makeData({ type, length, nullCount, nullBitmap, children });
    },
    statistics: () => ({ nullCount: validity.nullCount }),
  };
}

/** What stands under a null. */
const NONE = { metadata: new Uint8Array(0), value: new Uint8Array(0) };
