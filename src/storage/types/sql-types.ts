import { type DeltaType, isPrimitive } from './delta-type.ts';

/** DuckDB's type of a column's values. */
export function sqlTypeOf(type: DeltaType): string {
  if (isPrimitive(type)) return SQL_TYPES[type];
  switch (type.type) {
    case 'decimal':
      return `DECIMAL(${type.precision},${type.scale})`;
    case 'array':
      return `${sqlTypeOf(type.elementType)}[]`;
    case 'map':
      return `MAP(${sqlTypeOf(type.keyType)}, ${sqlTypeOf(type.valueType)})`;
    case 'struct':
      // DuckDB has no empty struct; Spark writes none either.
      return `STRUCT(${type.fields.map((item) => `${sqlName(item.name)} ${sqlTypeOf(item.type)}`).join(', ')})`;
  }
}

const SQL_TYPES = {
  string: 'VARCHAR',
  long: 'BIGINT',
  integer: 'INTEGER',
  short: 'SMALLINT',
  byte: 'TINYINT',
  double: 'DOUBLE',
  float: 'FLOAT',
  boolean: 'BOOLEAN',
  binary: 'BLOB',
  date: 'DATE',
  timestamp: 'TIMESTAMP WITH TIME ZONE',
  timestamp_ntz: 'TIMESTAMP',
  void: 'INTEGER',
  // Not DuckDB's VARIANT, which is encoded anew: rows that are copied keep their bytes.
  variant: 'STRUCT("metadata" BLOB, "value" BLOB)',
} as const;

/** A text as a SQL literal. */
export function sqlText(text: string): string {
  // A NUL ends DuckDB's literal.
  if (!text.includes('\0')) return `'${text.replaceAll("'", "''")}'`;
  return text.split('\0').map(sqlText).join(' || chr(0) || ');
}

/** A name as a SQL identifier. */
export function sqlName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A path as DuckDB opens it: it takes these characters as a pattern. */
export function sqlPath(path: string): string {
  return sqlText(path.replace(/[*?[\]]/g, (char) => `[${char}]`));
}
