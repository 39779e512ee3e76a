import { AppError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { accountOfRow } from './user-account.ts';
import { type ReadCell, readAccount, readColumn, readInstant, readLabel, readText } from './user-cells.ts';
import { type UserColumns, type UserHeader, type UserMapping, userColumns } from './user-mapping.ts';

/** A record of a user's file. */
export interface UserRecord {
  /** Line of the text, or number of the row, from 1. */
  readonly line: number;
  /** Cells by the file's columns; what is missing is undefined. */
  readonly cells: Readonly<Record<string, unknown>>;
  /** Why the record cannot be read at all; null where it can. */
  readonly problem: string | null;
}

/** A user's file, open. */
export interface UserFile extends UserHeader {
  readonly format: 'csv' | 'parquet' | 'arrow';
  /** Of its bytes, in hex. */
  readonly sha256: string;
  records(): AsyncIterable<readonly UserRecord[]>;
}

/** The rows of a user's file, checked. */
export interface UserRows {
  readonly format: UserFile['format'];
  readonly sha256: string;
  readonly mapping: UserMapping;
  readonly ignored: readonly string[];
  readonly count: number;
  readonly times: readonly number[];
  /** When what a row may know was known: the event time where the file does not say. */
  readonly knownTimes: readonly number[];
  /** Payments that rows are of, which they do not see. */
  readonly ids: readonly (string | null)[];
  readonly payers: readonly (string | null)[];
  readonly payees: readonly (string | null)[];
  /** Null where the file has no labels. */
  readonly labels: readonly (1 | 0 | null)[] | null;
  /** Columns of payments that the file has, by name. */
  readonly values: ReadonlyMap<string, readonly (string | number | boolean | null)[]>;
}

/**
 * Reads a user's file whole.
 *
 * @throws AppError `invalid_file` that names every wrong row (line, column, why; the first
 * {@link LIMITS.rowsFileProblems} of them), `usage` as {@link userColumns}, `too_large`.
 */
export async function readUserRows(file: UserFile, mapping: UserMapping): Promise<UserRows> {
  const columns = userColumns(file, mapping);
  const problems = problemList();
  const readRow = rowReader(columns, problems);
  const rows = { times: [] as number[], knownTimes: [] as number[], labels: [] as (1 | 0 | null)[] };
  const texts = { ids: [] as Text[], payers: [] as Text[], payees: [] as Text[] };
  const values = new Map(
    columns.payment.map(({ name }) => [name as string, [] as (string | number | boolean | null)[]]),
  );
  for await (const records of file.records()) {
    for (const record of records) {
      problems.rows += 1;
      const row = readRow(record);
      rows.times.push(row.time);
      rows.knownTimes.push(row.knownTime);
      rows.labels.push(row.label);
      texts.ids.push(row.id);
      texts.payers.push(row.payer);
      texts.payees.push(row.payee);
      for (const [name, value] of row.payment) values.get(name)?.push(value);
      if (problems.rows > LIMITS.rowsFileRows) {
        throw new AppError('too_large', `--rows: the file has over ${LIMITS.rowsFileRows} rows: cut it into several`);
      }
    }
  }
  problems.check();
  const { labels, ...times } = rows;
  return {
    format: file.format,
    sha256: file.sha256,
    mapping,
    ignored: columns.ignored,
    count: problems.rows,
    ...times,
    ...texts,
    labels: columns.fileColumn('label') === undefined ? null : labels,
    values,
  };
}

type Text = string | null;

interface UserRow {
  readonly time: number;
  readonly knownTime: number;
  readonly label: 1 | 0 | null;
  readonly id: Text;
  readonly payer: Text;
  readonly payee: Text;
  readonly payment: ReadonlyMap<string, string | number | boolean | null>;
}

/** Reads records; what is wrong with one goes to the problems. */
function rowReader(columns: UserColumns, problems: ProblemList): (record: UserRecord) => UserRow {
  return ({ line, cells, problem }) => {
    if (problem !== null) problems.add(line, null, problem);
    const wrong = (name: string, what: string): null => {
      problems.add(line, columns.fileColumn(name) ?? name, what);
      return null;
    };
    const cell = <T>(name: string, read: (cell: unknown) => ReadCell<T>): T | null => {
      const column = columns.fileColumn(name);
      const found = column === undefined ? { value: null } : read(cells[column]);
      return 'value' in found ? found.value : wrong(name, found.problem);
    };
    const instant = (name: string): number | null => cell(name, (value) => readInstant(columns.fileType(name), value));
    const time = instant('event_time');
    if (time === null && problem === null && !problems.has(line)) {
      wrong('event_time', 'is empty: a row needs its time');
    }
    const payment = new Map(
      columns.payment.map((column) => {
        const own = columns.fileType(column.name);
        return [column.name as string, cell(column.name, (value) => readColumn(column, own, value))];
      }),
    );
    const known = instant('known_time');
    const account = (whose: 'payer' | 'payee'): Text => {
      const found = accountOfRow(whose, cell(`${whose}_account`, readAccount), payment);
      return 'value' in found ? found.value : wrong(found.column, found.problem);
    };
    return {
      time: time ?? 0,
      knownTime: known ?? time ?? 0,
      label: cell('label', readLabel),
      id: cell('end_to_end_id', readText),
      payer: account('payer'),
      payee: account('payee'),
      payment,
    };
  };
}

interface ProblemList {
  rows: number;
  add(line: number, column: string | null, problem: string): void;
  has(line: number): boolean;
  /** @throws AppError `invalid_file` where a row is wrong, `not_found` where there is none. */
  check(): void;
}

/** Gathers what is wrong. Values are not told: they may be of people. */
function problemList(): ProblemList {
  const told: string[] = [];
  const wrong = new Set<number>();
  let found = 0;
  return {
    rows: 0,
    add(line, column, problem) {
      found += 1;
      wrong.add(line);
      if (told.length < LIMITS.rowsFileProblems)
        told.push(`line ${line}: ${column === null ? '' : `${column} `}${problem}`);
    },
    has: (line) => wrong.has(line),
    check() {
      if (this.rows === 0) throw new AppError('not_found', '--rows: the file has no rows');
      if (found === 0) return;
      const more = found > told.length ? `\n  and ${found - told.length} more` : '';
      throw new AppError(
        'invalid_file',
        `--rows: ${wrong.size} of ${this.rows} rows are wrong, so nothing is exported:\n  ${told.join('\n  ')}${more}`,
        { rows: this.rows, wrong: wrong.size },
      );
    },
  };
}
