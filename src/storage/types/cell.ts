/**
 * A value of a table, as rows give and take it:
 *
 * | type | read as | also taken |
 * |---|---|---|
 * | string | string | |
 * | long | bigint | integer number |
 * | integer, short, byte | number | |
 * | double, float | number | |
 * | decimal(p, s) | string with exactly `s` digits after the point | integer number, bigint, shorter texts |
 * | boolean | boolean | |
 * | binary | Uint8Array | |
 * | date | days since 1970-01-01 | |
 * | timestamp, timestamp_ntz | microseconds since 1970 as bigint | integer number |
 * | variant | its JSON text | |
 * | array | list | |
 * | map | list of `[key, value]` | Map, object |
 * | struct | object by field | |
 * | void | null | |
 */
export type Cell =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Cell[]
  | { readonly [field: string]: Cell };

/** A row to write: values by column name, each in one of the forms that its column takes. */
export type Row = Readonly<Record<string, unknown>>;

/**
 * Reads what a row says of a column; undefined where it says nothing. Every object has something called `constructor`,
 * so of such a name only a row's own value counts; others are read as they are, which takes half the time.
 */
export function cellReader(column: string): (row: Row) => Cell | undefined {
  if (column in Object.prototype)
    return (row) => (Object.hasOwn(row, column) ? (row[column] as Cell | undefined) : undefined);
  return (row) => row[column] as Cell | undefined;
}

/** A row: values by column. */
export type CellRow = { readonly [column: string]: Cell };
