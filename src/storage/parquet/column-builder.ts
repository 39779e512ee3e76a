import { type DataType, type List, type Map_, makeData, Struct } from 'apache-arrow';
import { arrowFieldOf, arrowTypeOf, isStored } from '../types/arrow-types.ts';
import { type DeltaType, isPrimitive, type MapType, type StructField } from '../types/delta-type.ts';
import { validityOf } from './column-validity.ts';
import { decimalBuilder } from './decimal-column-builder.ts';
import { type ColumnBuilder, type FloatMatrix, primitiveColumnBuilder } from './primitive-column-builder.ts';
import { refuseCell } from './refuse-cell.ts';
import { variantBuilder } from './variant-column-builder.ts';

/**
 * Starts a column.
 *
 * @param name names it where a value is refused.
 * @param isBounded whether its texts are compared for statistics: 4 % of a writer's time.
 */
export function columnBuilder(name: string, type: DeltaType, nullable: boolean, isBounded = true): ColumnBuilder {
  if (!isPrimitive(type)) {
    if (type.type === 'decimal') return decimalBuilder(name, type, nullable);
    if (type.type === 'struct') return structBuilder(name, type.fields.filter(isStored), nullable);
    if (type.type === 'array') {
      return listBuilder(
        name,
        arrowTypeOf(type),
        columnBuilder(`${name}.element`, type.elementType, type.containsNull),
        nullable,
      );
    }
    return mapBuilder(name, arrowTypeOf(type), type, nullable);
  }
  if (type === 'variant') return variantBuilder(name, nullable);
  return primitiveColumnBuilder(name, type, nullable, isBounded);
}

interface Offsets {
  push(count: number): void;
  take(): Int32Array;
}

function offsetsOf(): Offsets {
  let offsets = [0];
  let end = 0;
  return {
    push(count) {
      end += count;
      offsets.push(end);
    },
    take() {
      const taken = Int32Array.from(offsets);
      offsets = [0];
      end = 0;
      return taken;
    },
  };
}

function listBuilder(name: string, type: DataType, element: ColumnBuilder, nullable: boolean): ColumnBuilder {
  const validity = validityOf(nullable);
  const offsets = offsetsOf();
  let rows = 0;
  return {
    append(value) {
      const isNull = value === null || value === undefined;
      if (!isNull) {
        if (!isList(value)) throw refuseCell(name, 'lists');
        if (element.appendFloats !== undefined && isFloats(value)) element.appendFloats(value, 0, 1, value.length);
        else for (let at = 0; at < value.length; at += 1) element.append(value[at]);
        offsets.push(value.length);
      } else offsets.push(0);
      validity.add(!isNull, rows, name);
      rows += 1;
    },
    take() {
      const { nullCount, nullBitmap } = validity.take(rows);
      const child = element.take();
      const length = rows;
      rows = 0;
      return makeData({ type: type as List, length, nullCount, nullBitmap, valueOffsets: offsets.take(), child });
    },
    statistics: () => ({ nullCount: validity.nullCount }),
  };
}

/** Typed floats come with NaN for null: a call and a box for each of them was a tenth of the consumer's time. */
function isFloats(value: ArrayLike<unknown>): value is FloatMatrix {
  return value instanceof Float64Array || value instanceof Float32Array;
}

function isList(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && 'length' in value);
}

function mapBuilder(
  name: string,
  type: DataType,
  { keyType, valueType, valueContainsNull }: MapType,
  nullable: boolean,
): ColumnBuilder {
  const validity = validityOf(nullable);
  const offsets = offsetsOf();
  const key = columnBuilder(`${name}.key`, keyType, false);
  const item = columnBuilder(`${name}.value`, valueType, valueContainsNull);
  let rows = 0;
  return {
    append(value) {
      const isNull = value === null || value === undefined;
      let count = 0;
      if (!isNull) {
        if (!(typeof value === 'object')) throw refuseCell(name, 'maps');
        const entries: Iterable<unknown> =
          Symbol.iterator in value ? (value as Iterable<unknown>) : Object.entries(value);
        for (const entry of entries) {
          if (!Array.isArray(entry)) throw refuseCell(name, 'entries');
          key.append(entry[0]);
          item.append(entry[1]);
          count += 1;
        }
      }
      offsets.push(count);
      validity.add(!isNull, rows, name);
      rows += 1;
    },
    take() {
      const { nullCount, nullBitmap } = validity.take(rows);
      const children = [key.take(), item.take()];
      const mapType = type as Map_;
      const entries = mapType.children[0]?.type as Struct;
      const child = makeData({ type: entries, length: children[0]?.length ?? 0, nullCount: 0, children });
      const length = rows;
      rows = 0;
      return makeData({ type: mapType, length, nullCount, nullBitmap, valueOffsets: offsets.take(), child });
    },
    statistics: () => ({ nullCount: validity.nullCount }),
  };
}

function structBuilder(name: string, fields: readonly StructField[], nullable: boolean): ColumnBuilder {
  const validity = validityOf(nullable);
  // Under a null struct its fields are null too, whatever they say of themselves.
  const children = fields.map((item) => ({
    field: item,
    builder: columnBuilder(`${name}.${item.name}`, item.type, item.nullable || nullable),
  }));
  let rows = 0;
  return {
    children,
    append(value) {
      const isNull = value === null || value === undefined;
      if (!(isNull || typeof value === 'object')) throw refuseCell(name, 'objects');
      const members = isNull ? {} : (value as Readonly<Record<string, unknown>>);
      for (const child of children) {
        const member = members[child.field.name];
        if (!(isNull || child.field.nullable) && (member === null || member === undefined)) {
          throw refuseCell(`${name}.${child.field.name}`, 'no nulls');
        }
        child.builder.append(member);
      }
      validity.add(!isNull, rows, name);
      rows += 1;
    },
    take() {
      const { nullCount, nullBitmap } = validity.take(rows);
      const taken = children.map(({ builder }) => builder.take());
      const length = rows;
      rows = 0;
      return makeData({ type: new Struct(fields.map(arrowFieldOf)), length, nullCount, nullBitmap, children: taken });
    },
    statistics: () => undefined,
  };
}
