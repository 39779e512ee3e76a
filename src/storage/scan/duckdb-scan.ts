import { AppError } from '../../base/errors.ts';
import { columnMappingMode, storedName } from '../log/physical-schema.ts';
import type { DuckDb } from '../parquet/duckdb.ts';
import type { StructField } from '../types/delta-type.ts';
import { sqlName, sqlTypeOf } from '../types/sql-types.ts';
import { checkChoices } from './choice-check.ts';
import { withCalendars } from './file-calendars.ts';
import { columnSql } from './file-columns.ts';
import { fileRelation } from './file-relation.ts';
import { type FileSchema, fileSchemas } from './file-schema.ts';
import { localPaths } from './local-files.ts';
import { partitionLiteral, perFile } from './partition-columns.ts';
import { fieldsToRead, type PlaceColumn, type ScannedFile, type ScanOptions, type TableShape } from './read-options.ts';
import { keptRows, rowChoices } from './row-choices.ts';
import { placeSql } from './row-places.ts';
import type { Snapshot } from './snapshot.ts';
import { verifyFiles } from './verified-files.ts';

/**
 * A snapshot as a SQL table expression for DuckDB: it reads the files that our own log names, so
 * that DuckDB needs no Delta extension and sees exactly this version. Files of equal columns that
 * follow one another are one `read_parquet`, so that rows come in the order of the files.
 *
 * @param db the DuckDB that will run it: copies of remote files are its.
 * @throws AppError table_corrupt, table_unsupported.
 */
export async function duckdbScan(
  db: DuckDb,
  snapshot: TableShape & Partial<Pick<Snapshot, 'files'>>,
  options: ScanOptions = {},
): Promise<string> {
  const fields = fieldsToRead(snapshot, options.columns);
  const files = options.files ?? snapshot.files ?? [];
  const places = options.places ?? [];
  const paths = await localPaths(
    db,
    snapshot.store,
    files.map(({ key }) => key),
  );
  await verifyFiles(files, paths);
  const schemas = await fileSchemas(db, paths);
  const choices = options.rows ?? (await rowChoices(snapshot, files));
  const plain = files.map((file, at) => ({ file, at, path: paths[at] as string, choice: choices.get(file) }));
  if (choices.size > 0) await checkChoices(db, snapshot.table, plain);
  const scanned = await withCalendars(db, snapshot, fields, plain);
  const runs = runsOf(scanned, schemas);
  const scan = { snapshot, fields, places };
  const branches = runs.map((run) => branchOf(scan, run));
  return `(${[...branches, shapeOf(fields, places)].join('\n UNION ALL ')})`;
}

interface Scan {
  readonly snapshot: TableShape;
  readonly fields: readonly StructField[];
  readonly places: readonly PlaceColumn[];
}

interface Run {
  readonly schema: FileSchema;
  readonly files: ScannedFile[];
}

/** Beyond so many runs, files of equal columns are read together, whatever their order: a branch costs 1 ms. */
const MOST_RUNS = 64;

function runsOf(files: readonly ScannedFile[], schemas: ReadonlyMap<string, FileSchema>): Run[] {
  const runs: Run[] = [];
  for (const file of files) {
    const schema = schemas.get(file.path) as FileSchema;
    const last = runs.at(-1);
    if (last !== undefined && isAlike(last, { schema, files: [file] })) last.files.push(file);
    else runs.push({ schema, files: [file] });
  }
  if (runs.length <= MOST_RUNS) return runs;
  const merged: Run[] = [];
  for (const run of runs) {
    const alike = merged.find((other) => isAlike(other, run));
    if (alike === undefined) merged.push(run);
    else alike.files.push(...run.files);
  }
  return merged;
}

/** Whether files are read by the same expressions. */
function isAlike(left: Run, right: Run): boolean {
  const calendar = left.files[0]?.calendar;
  // A refusal names its file.
  if (calendar?.instants === 'refuse' || calendar?.int96 === 'refuse') return false;
  return left.schema === right.schema && calendar === right.files[0]?.calendar;
}

function branchOf({ snapshot, fields, places }: Scan, run: Run): string {
  const mode = columnMappingMode(snapshot);
  const { file, calendar } = run.files[0] ?? {};
  const reading = { mode, file: file?.key ?? '', ...(calendar === undefined ? {} : { calendar }) };
  if (mode === 'id' && run.schema.columns.every(({ fieldId }) => fieldId === undefined)) {
    throw new AppError(
      'table_unsupported',
      `The file ${reading.file} has no field ids, by which its columns are found`,
    );
  }
  const relation = fileRelation(
    run.files.map(({ path }) => path),
    run.schema.columns,
  );
  const columns = fields.map((wanted) => {
    const sql = snapshot.partitionColumns.includes(wanted.name)
      ? partitionSql(storedName(wanted, mode), wanted, run.files)
      : columnSql(reading, wanted, relation.columns);
    return `${sql} AS ${sqlName(wanted.name)}`;
  });
  const placed = places.map(
    (place) => `${placeSql(snapshot, place, relation.columns, run.files)} AS ${sqlName(place)}`,
  );
  const selected = [...columns, ...placed];
  // A branch without columns still has rows to count.
  const list = selected.length === 0 ? '1 AS one' : selected.join(', ');
  return `SELECT ${list} FROM ${keptRows(relation.sql, run.files)}`;
}

function partitionSql(name: string, wanted: StructField, files: readonly ScannedFile[]): string {
  return perFile(
    files.map(({ file }) => partitionLiteral(wanted.type, file.partitionValues[name] ?? null, wanted.name)),
    sqlTypeOf(wanted.type),
  );
}

/** The branch without rows that gives every column its name and type, also where no file holds it. */
function shapeOf(fields: readonly StructField[], places: readonly PlaceColumn[]): string {
  const columns = [
    ...fields.map(({ name, type }) => `NULL::${sqlTypeOf(type)} AS ${sqlName(name)}`),
    ...places.map((place) => `NULL::BIGINT AS ${sqlName(place)}`),
  ];
  return `SELECT ${columns.length === 0 ? '1 AS one' : columns.join(', ')} WHERE false`;
}
