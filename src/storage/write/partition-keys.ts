import { assert } from '../../base/assert.ts';
import { parseExactJson } from '../../base/exact-json.ts';
import type { DuckDb } from '../parquet/duckdb.ts';
import type { StructField } from '../types/delta-type.ts';
import { sqlName } from '../types/sql-types.ts';

/*
 * DuckDB writes each partition of a query to a folder of its own, which it calls by the value of one
 * column: by the key, all partition values as one text. A name of a folder ends at 255 bytes, so a longer
 * key stands there as its digest, and the keys behind digests are asked for afterwards.
 */

/** The column that rows are parted by. */
export const PARTITION = '"#partition"';

/** Bytes of a key in a folder's name, escaped; the column's name comes before it. */
const MOST_ESCAPED_BYTES = 200;
/** Bytes of a key that fit, however many of them are escaped. */
const ALWAYS_FIT_BYTES = 60;

/** No key begins with it: they are JSON arrays. */
const DIGEST = '#';

const IS_LONG = `strlen("#key") > ${ALWAYS_FIT_BYTES} AND strlen(url_encode("#key")) > ${MOST_ESCAPED_BYTES}`;
const DIGEST_SQL = `'${DIGEST}' || md5("#key")`;

/** The column {@link PARTITION} of rows that have their {@link keyedRelation}. */
export const PARTITION_SQL = `CASE WHEN ${IS_LONG} THEN ${DIGEST_SQL} ELSE "#key" END AS ${PARTITION}`;

/** Rows with their key besides. */
export function keyedRelation(relation: string, partitions: readonly StructField[]): string {
  return `(SELECT *, ${keySql(partitions)} AS "#key" FROM ${relation})`;
}

/** Texts of partition values by what DuckDB calls the folders; null differs from every text. */
export async function textsOfPartitions(
  db: DuckDb,
  relation: string,
  partitions: readonly StructField[],
  folders: readonly string[],
): Promise<(folder: string) => readonly (string | null)[]> {
  const keys = new Map<string, string>();
  if (folders.some((folder) => folder.startsWith(DIGEST))) {
    // The rows are looked at once more, the partition columns of them, only where a key is so long.
    const long = await db.rows(
      `SELECT DISTINCT ${DIGEST_SQL} AS digest, "#key" AS key FROM (SELECT ${keySql(partitions)} AS "#key" FROM ${relation})
       WHERE ${IS_LONG}`,
    );
    for (const { digest, key } of long) keys.set(String(digest), String(key));
  }
  return (folder) => {
    const key = folder.startsWith(DIGEST) ? keys.get(folder) : folder;
    assert(key !== undefined, 'a query gives the same partitions when it is asked again');
    const texts = parseExactJson(key);
    return partitions.map((_, at) => {
      const text = Array.isArray(texts) ? texts[at] : null;
      return typeof text === 'string' ? text : null;
    });
  };
}

/** Values of the partition columns as one text, in which null differs from every value. */
function keySql(partitions: readonly StructField[]): string {
  const values = partitions.map(({ name, type }) => {
    const column = sqlName(name);
    switch (type) {
      case 'date':
        return `(${column} - DATE '1970-01-01')::VARCHAR`;
      case 'timestamp':
      case 'timestamp_ntz':
        return `epoch_us(${column})::VARCHAR`;
      case 'binary':
        return `hex(${column})`;
      default:
        return `${column}::VARCHAR`;
    }
  });
  return `to_json([${values.join(', ')}])::VARCHAR`;
}
