import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/*
 * The table of `docs/delta.md`: which engine reads and writes which feature, made by running it:
 * `DELTA_MATRIX=1 npx vitest run test/conformance/spark-made.test.ts` writes it anew.
 */

/** What was done to a table, in the order of the matrix's columns. */
export const MATRIX_COLUMNS = [
  'we read Spark',
  'we append',
  'we delete, update',
  'we OPTIMIZE, checkpoint',
  'Spark reads ours',
  'Spark writes on',
  'delta-rs reads ours',
  'DuckDB reads ours',
] as const;

/** A column of the matrix. */
export type MatrixColumn = (typeof MATRIX_COLUMNS)[number];

/** What was found, table by table. */
export interface DeltaMatrix {
  note(table: string, column: MatrixColumn, outcome: string): void;
  /** Writes the matrix into the page. */
  write(): void;
}

const PAGE = fileURLToPath(new URL('../../docs/delta.md', import.meta.url));
const [BEGIN, END] = ['<!-- matrix -->', '<!-- end of matrix -->'];

/** An empty matrix. */
export function deltaMatrix(): DeltaMatrix {
  const rows = new Map<string, Map<MatrixColumn, string>>();
  const notes: string[] = [];
  return {
    note(table, column, outcome) {
      const row = rows.get(table) ?? new Map<MatrixColumn, string>();
      rows.set(table, row);
      row.set(column, outcome.length <= 10 ? outcome : `no [${notes.push(outcome)}]`);
    },
    write() {
      const lines = [
        `| a table with | ${MATRIX_COLUMNS.join(' | ')} |`,
        `|---|${MATRIX_COLUMNS.map(() => '---').join('|')}|`,
        ...[...rows].map(
          ([table, row]) => `| ${table} | ${MATRIX_COLUMNS.map((name) => row.get(name) ?? '').join(' | ')} |`,
        ),
        '',
        ...notes.map(
          (text, at) => `${at + 1}. ${text.replaceAll('|', '\\|').replaceAll(/`?file:\S+`?|\/tmp\/\S+/g, '…')}`,
        ),
      ];
      const page = readFileSync(PAGE, 'utf8');
      const before = page.slice(0, page.indexOf(BEGIN) + BEGIN.length);
      writeFileSync(PAGE, `${before}\n\n${lines.join('\n')}\n\n${page.slice(page.indexOf(END))}`);
    },
  };
}
