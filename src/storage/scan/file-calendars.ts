import { type ColumnMappingMode, columnMappingMode, storedName } from '../log/physical-schema.ts';
import type { DuckDb } from '../parquet/duckdb.ts';
import { type DeltaType, isNested, type StructField } from '../types/delta-type.ts';
import { sqlPath } from '../types/sql-types.ts';
import { boundCell, type FileStatistics, type StatisticsTree } from '../types/statistics.ts';
import type { FileCalendar, InstantRule } from './calendar-rebase.ts';
import type { ScannedFile, TableShape } from './read-options.ts';

/*
 * Files whose days are counted in the calendar of before 1582 (Spark 2, and later ones in the mode
 * LEGACY): what a date was there is another day here. Spark says so in the Parquet file's own metadata;
 * its reader's rules are those of `DataSourceUtils.datetimeRebaseSpec` and `int96RebaseSpec`.
 */

const KEYS = ['version', 'timeZone', 'legacyDateTime', 'legacyINT96'] as const;
const PREFIX = 'org.apache.spark.';

/** Calendars that are remembered, by path; null is ours. Files of one calendar share one object. */
const known = new Map<string, FileCalendar | null>();
const shared = new Map<string, FileCalendar>();
const MOST_KNOWN = 100_000;

/** Adds their calendars to files that may hold days of before 1900 in the fields that are read. */
export async function withCalendars(
  db: DuckDb,
  table: TableShape,
  fields: readonly StructField[],
  files: readonly ScannedFile[],
): Promise<readonly ScannedFile[]> {
  const mode = columnMappingMode(table);
  const timed = fields.filter(({ name, type }) => !table.partitionColumns.includes(name) && hasTime(type));
  if (timed.length === 0) return files;
  const old = files.filter(({ file }) => mayBeOld(file.statistics(), timed, mode));
  if (old.length === 0) return files;
  await learn(
    db,
    old.map(({ path }) => path),
  );
  const isOld = new Set(old);
  return files.map((file) => {
    const calendar = isOld.has(file) ? known.get(file.path) : undefined;
    return calendar === undefined || calendar === null ? file : { ...file, calendar };
  });
}

/** Whether values of a type are days or instants, or hold some. */
export function hasTime(type: DeltaType): boolean {
  if (!isNested(type)) return type === 'date' || type === 'timestamp' || type === 'timestamp_ntz';
  switch (type.type) {
    case 'struct':
      return type.fields.some((item) => hasTime(item.type));
    case 'array':
      return hasTime(type.elementType);
    case 'map':
      return hasTime(type.keyType) || hasTime(type.valueType);
  }
}

/** 1900-01-01: before it the offsets of time zones differ between the calendars' libraries too. */
const FIRST_SURE_DAY = -25_567;
const DAY_MICROS = 86_400_000_000n;

function mayBeOld(
  statistics: FileStatistics | undefined,
  fields: readonly StructField[],
  mode: ColumnMappingMode,
): boolean {
  if (statistics === undefined) return true;
  const mayHoldOld = (wanted: StructField, mins: StatisticsTree, nulls: StatisticsTree): boolean => {
    const { type } = wanted;
    const key = storedName(wanted, mode);
    if (isNested(type)) {
      // Of lists and maps there are no bounds.
      if (type.type !== 'struct') return hasTime(type);
      return type.fields.some((item) => hasTime(item.type) && mayHoldOld(item, treeAt(mins, key), treeAt(nulls, key)));
    }
    if (nulls[key] === statistics.numRecords) return false;
    const min = boundCell(type, mins[key]);
    if (typeof min === 'number') return min < FIRST_SURE_DAY;
    return typeof min === 'bigint' ? min < BigInt(FIRST_SURE_DAY) * DAY_MICROS : true;
  };
  return fields.some((item) => mayHoldOld(item, statistics.minValues, statistics.nullCount));
}

function treeAt(tree: StatisticsTree, key: string): StatisticsTree {
  const value = tree[key];
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as StatisticsTree) : {};
}

async function learn(db: DuckDb, paths: readonly string[]): Promise<void> {
  // Before it is asked what is missing: what this call needs must not be let go.
  if (known.size + paths.length > MOST_KNOWN) known.clear();
  const missing = paths.filter((path) => !known.has(path));
  if (missing.length === 0) return;
  const rows = await db.rows(
    `SELECT file_name, decode(key) AS key, decode(value) AS value FROM parquet_kv_metadata([${missing.map(sqlPath).join(', ')}])
     WHERE key IN (${KEYS.map((key) => `'${PREFIX}${key}'::BLOB`).join(', ')})`,
  );
  const said = new Map<string, Record<string, string>>();
  for (const { file_name: path, key, value } of rows) {
    const own = said.get(String(path)) ?? {};
    own[String(key).slice(PREFIX.length)] = String(value);
    said.set(String(path), own);
  }
  for (const path of missing) known.set(path, calendarOf(said.get(path) ?? {}));
}

function calendarOf({
  version,
  timeZone = '',
  legacyDateTime,
  legacyINT96,
}: Record<string, string>): FileCalendar | null {
  const isBefore = (major: number, minor: number): boolean => {
    const [own = major, ownMinor = minor] = (version ?? '').split('.').map((part) => Number.parseInt(part, 10));
    return version !== undefined && (own < major || (own === major && ownMinor < minor));
  };
  const dates = isBefore(3, 0) || legacyDateTime !== undefined;
  const int96 = isBefore(3, 1) || legacyINT96 !== undefined;
  if (!dates && !int96) return null;
  const ruleOf = (isOld: boolean): InstantRule => (!isOld ? 'plain' : UTC.has(timeZone) ? 'rebase' : 'refuse');
  const calendar = { dates, instants: ruleOf(dates), int96: ruleOf(int96), zone: timeZone };
  const key = JSON.stringify(calendar);
  const found = shared.get(key) ?? calendar;
  shared.set(key, found);
  return found;
}

const UTC: ReadonlySet<string> = new Set(['UTC', 'Etc/UTC', 'GMT', 'Z', '+00:00', 'UCT', 'Zulu', 'Etc/GMT']);
