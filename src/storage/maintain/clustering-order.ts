import { AppError } from '../../base/errors.ts';
import { isJsonObject, parseExactJson } from '../../base/exact-json.ts';
import { physicalName } from '../log/physical-schema.ts';
import { columnPathSql } from '../scan/column-path.ts';
import type { Snapshot } from '../scan/snapshot.ts';
import { type DeltaType, findField, isNested, type StructField } from '../types/delta-type.ts';

/*
 * The order of rows in which files have narrow bounds of several columns at once: each column is cut
 * into 1,024 parts of equally many rows, and the bits of the parts' numbers are interleaved (Z-order).
 */

const BITS = 10;

/** Columns beyond which interleaving helps none of them. */
const MOST_COLUMNS = 4;

/**
 * A relation in the order of the curve.
 *
 * @param columns at least one, by the names that lead to it.
 * @throws AppError invalid_request for one that has no order, or is constant in a file.
 */
export function orderedSql(snapshot: Snapshot, relation: string, columns: readonly ColumnPath[]): string {
  if (columns.length > MOST_COLUMNS) {
    throw new AppError('invalid_request', `Rows are ordered by ${MOST_COLUMNS} columns at most, not ${columns.length}`);
  }
  const keys = columns.map((path) => `${columnPathSql({ path: sortable(snapshot, path) })} NULLS FIRST`);
  if (keys.length === 1) return `(SELECT * FROM ${relation} ORDER BY ${keys.join('')})`;
  const parts = keys.map((key, at) => `(ntile(${2 ** BITS}) OVER (ORDER BY ${key}) - 1)::BIGINT AS "#z${at}"`);
  const bits = Array.from({ length: BITS }, (_, bit) =>
    keys.map((_, at) => `((("#z${at}" >> ${bit}) & 1) << ${bit * keys.length + at})`),
  ).flat();
  const own = keys.map((_, at) => `"#z${at}"`).join(', ');
  return `(SELECT * EXCLUDE (${own}) FROM (SELECT *, ${parts.join(', ')} FROM ${relation}) ORDER BY ${bits.join(' + ')})`;
}

/** The names that lead to a column. */
export type ColumnPath = readonly string[];

/** The columns that a table is clustered by, by their names in the schema; the domain has their physical ones. */
export function clusteringColumns({ state, schema }: Snapshot): ColumnPath[] {
  const text = state.domains.get('delta.clustering')?.configuration;
  if (text === undefined) return [];
  const json = parseExactJson(text);
  const paths = isJsonObject(json) && Array.isArray(json.clusteringColumns) ? json.clusteringColumns : [];
  return paths.flatMap((path) => (Array.isArray(path) ? [logicalPath(schema, path.map(String))] : []));
}

function logicalPath(type: DeltaType, [first, ...rest]: readonly string[]): string[] {
  if (first === undefined) return [];
  const fields = isNested(type) && type.type === 'struct' ? type.fields : [];
  const column = fields.find((item) => physicalName(item) === first);
  return column === undefined ? [first, ...rest] : [column.name, ...logicalPath(column.type, rest)];
}

function sortable({ schema, partitionColumns, table }: Snapshot, path: ColumnPath): string[] {
  const refused = (why: string): AppError =>
    new AppError('invalid_request', `The rows of ${table} cannot be ordered by ${path.join('.')}: ${why}`);
  const names: string[] = [];
  let type: DeltaType = schema;
  for (const name of path) {
    const found: StructField | undefined = isNested(type) && type.type === 'struct' ? findField(type, name) : undefined;
    if (found === undefined) throw refused('there is no such column');
    names.push(found.name);
    type = found.type;
  }
  if (isNested(type) || type === 'variant') throw refused('its values have no order');
  if (names.length === 1 && partitionColumns.includes(names[0] ?? '')) throw refused('it is a partition column');
  return names;
}
