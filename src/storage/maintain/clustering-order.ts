import { AppError } from '../../base/errors.ts';
import { isJsonObject, parseExactJson } from '../../base/exact-json.ts';
import { physicalName } from '../log/physical-schema.ts';
import type { Snapshot } from '../scan/snapshot.ts';
import { findField, isNested, type StructField } from '../types/delta-type.ts';
import { sqlName } from '../types/sql-types.ts';

/*
 * The order of rows in which files have narrow bounds of several columns at once: each column is cut
 * into 1,024 parts of equally many rows, and the bits of the parts' numbers are interleaved (Z-order).
 */

const BITS = 10;

/** Columns beyond which interleaving helps none of them. */
const MOST_COLUMNS = 4;

/** A relation in the order of the curve. @param columns at least one. @throws AppError invalid_request. */
export function orderedSql(snapshot: Snapshot, relation: string, columns: readonly string[]): string {
  const fields = columns.map((name) => sortable(snapshot, name));
  if (fields.length > MOST_COLUMNS) {
    throw new AppError('invalid_request', `Rows are ordered by ${MOST_COLUMNS} columns at most, not ${fields.length}`);
  }
  const [only] = fields;
  if (only !== undefined && fields.length === 1)
    return `(SELECT * FROM ${relation} ORDER BY ${sqlName(only.name)} NULLS FIRST)`;
  const parts = fields.map(
    ({ name }, at) => `(ntile(${2 ** BITS}) OVER (ORDER BY ${sqlName(name)} NULLS FIRST) - 1)::BIGINT AS "#z${at}"`,
  );
  const bits = Array.from({ length: BITS }, (_, bit) =>
    fields.map((_, at) => `((("#z${at}" >> ${bit}) & 1) << ${bit * fields.length + at})`),
  ).flat();
  const own = fields.map((_, at) => `"#z${at}"`).join(', ');
  return `(SELECT * EXCLUDE (${own}) FROM (SELECT *, ${parts.join(', ')} FROM ${relation}) ORDER BY ${bits.join(' + ')})`;
}

/** The columns that a table is clustered by (PROTOCOL.md, "Clustered Table"), by their names in the schema. */
export function clusteringColumns({ state, schema }: Snapshot): string[] {
  const text = state.domains.get('delta.clustering')?.configuration;
  if (text === undefined) return [];
  const json = parseExactJson(text);
  const paths = isJsonObject(json) && Array.isArray(json.clusteringColumns) ? json.clusteringColumns : [];
  return paths.flatMap((path) => {
    const [first] = Array.isArray(path) ? path : [];
    const found = schema.fields.find((item) => physicalName(item) === first);
    return found === undefined || !Array.isArray(path) || path.length !== 1 ? [] : [found.name];
  });
}

function sortable({ schema, partitionColumns, table }: Snapshot, name: string): StructField {
  const found = findField(schema, name);
  if (found === undefined)
    throw new AppError('invalid_request', `The table ${table} has no column ${name}`, { column: name });
  if (isNested(found.type) || found.type === 'variant' || partitionColumns.includes(found.name)) {
    throw new AppError('invalid_request', `The rows of ${table} cannot be ordered by ${name}`, { column: name });
  }
  return found;
}
