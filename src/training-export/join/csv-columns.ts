import type { DuckDb } from '../../storage/parquet/duckdb.ts';
import { sqlName } from '../../storage/types/sql-types.ts';
import type { SourceColumn } from './join-request.ts';
import { readable } from './join-table.ts';

/*
 * What DuckDB guesses from the texts of a column loses some of them: a barcode of 44 digits becomes a double that others
 * are equal to, `007` becomes 7, `yes` becomes true, an instant of another zone one of UTC. So a guess is taken only
 * where it keeps what each text says:
 *   numbers   in any notation (`1e5`, `0.50`), but for whole ones that are not given back digit by digit, as ids are:
 *             with zeros or a plus in front, or with more digits than the type holds
 *   booleans  written true or false, in whatever case
 *   others    whose text is the one of the file
 */

const NUMBER = "'-?(0|[1-9]\\d*)?(\\.\\d*)?([eE][+-]?\\d+)?|nan|-?inf(inity)?', 'i'";
const WHOLE = "'-?\\d+'";

/**
 * The columns of a CSV whose guessed types give back what is written; the others as texts.
 *
 * @param name of the file, for messages. @param texts the file as SQL reads it, all columns as texts.
 * @param guessed its columns with the types that their texts look like.
 * @throws AppError `invalid_file` where it cannot be read.
 */
export async function faithfulColumns(
  db: DuckDb,
  name: string,
  texts: string,
  guessed: readonly SourceColumn[],
): Promise<SourceColumn[]> {
  const kept = guessed.map((column, at) => `bool_and(coalesce(${keptSql(column)}, true)) AS ${keptName(at)}`);
  const [found] = await readable(name, () => db.rows(`SELECT ${kept.join(', ')} FROM ${texts}`));
  return guessed.map(({ name, type }, at) => ({ name, type: found?.[keptName(at)] === false ? 'VARCHAR' : type }));
}

/** A column of a CSV that is read as texts, as its type; an empty text is no value of any other type. */
export function typedSql({ name, type }: SourceColumn): string {
  return type === 'VARCHAR' ? sqlName(name) : `TRY_CAST(nullif(${sqlName(name)}, '') AS ${type})`;
}

/** Whether a type keeps what a cell says; null where the cell is empty. */
function keptSql(column: SourceColumn): string {
  const text = `nullif(${sqlName(column.name)}, '')`;
  const value = typedSql(column);
  const givenBack = (said: string): string => `${text} IS NULL OR coalesce(${said}, false)`;
  switch (column.type) {
    case 'VARCHAR':
      return 'true';
    case 'BOOLEAN':
      return givenBack(`lower(${text}) IN ('true', 'false')`);
    case 'BIGINT':
    case 'DOUBLE': {
      const digits = `abs(TRY_CAST(${value} AS HUGEINT))::VARCHAR`;
      const written = `trim(${text})`;
      const isExact = `NOT regexp_full_match(${written}, ${WHOLE}) OR ltrim(${written}, '-') = ${digits}`;
      return givenBack(`regexp_full_match(${written}, ${NUMBER}) AND ${value} IS NOT NULL AND (${isExact})`);
    }
    default:
      return givenBack(`${value}::VARCHAR = ${text}`);
  }
}

function keptName(at: number): string {
  return `kept${at}`;
}
