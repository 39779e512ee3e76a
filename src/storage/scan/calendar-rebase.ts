import { sqlText } from '../types/sql-types.ts';

/*
 * A day before 1582-10-15 in the old calendar is the one that has the same year, month and day here.
 * In years that begin in March the two are apart by ⌊y/100⌋ − ⌊y/400⌋ − 2 days. Of a day that there is
 * only in the old one, the 29 February of most centuries, it is the day after, as in Spark.
 */

/** How old instants of a file are read: as they stand, moved, or, in a time zone whose history would be needed, not at all. */
export type InstantRule = 'plain' | 'rebase' | 'refuse';

/** A file that counts old days otherwise. */
export interface FileCalendar {
  readonly dates: boolean;
  readonly instants: InstantRule;
  readonly int96: InstantRule;
  /** The time zone that it was written in, for errors. */
  readonly zone: string;
}

const FIRST_GREGORIAN_DAY = "DATE '1582-10-15'";
/** Microseconds of 1582-10-15T00:00Z. */
const FIRST_GREGORIAN_MICROS = '-12219292800000000';
/** Microseconds of 1900-01-01T00:00Z. */
const SURE_MICROS = '-2208988800000000';
const DAY_MICROS = '86400000000';

/** A date of the old calendar as SQL. */
export function rebasedDateSql(sql: string): string {
  return `CASE WHEN ${sql} < ${FIRST_GREGORIAN_DAY} THEN ${sql} - (${daysApart(`(${sql} - DATE '1970-01-01')`)})::INTEGER ELSE ${sql} END`;
}

/** Microseconds of an instant, written in UTC in the old calendar, as SQL. */
export function rebasedMicrosSql(micros: string): string {
  const day = `((${micros} - ((${micros} % ${DAY_MICROS}) + ${DAY_MICROS}) % ${DAY_MICROS}) // ${DAY_MICROS})`;
  return `CASE WHEN ${micros} < ${FIRST_GREGORIAN_MICROS} THEN ${micros} - (${daysApart(day)})::BIGINT * ${DAY_MICROS} ELSE ${micros} END`;
}

/** Microseconds of an instant, or a failure where it is old, as SQL. */
export function refusedMicrosSql(micros: string, file: string, zone: string): string {
  const message =
    `The file ${file} holds instants before 1900 in the calendar of Spark 2 and the time zone ${zone || 'of its writer'}, ` +
    'which cannot be moved here; write it anew with Spark';
  return `CASE WHEN ${micros} < ${SURE_MICROS} THEN error(${sqlText(OLD_INSTANTS + message)}) ELSE ${micros} END`;
}

/** What a failure of {@link refusedMicrosSql} says first. */
export const OLD_INSTANTS = '#old-instants:';

/** How many days the calendars are apart, at a count of days since 1970. */
function daysApart(days: string): string {
  const year = `(floor((4.0 * (${days} + 2472670) + 3) / 1461) - 4800)`;
  return `floor(${year} / 100) - floor(${year} / 400) - 2`;
}
