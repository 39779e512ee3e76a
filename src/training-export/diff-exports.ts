import type { ObjectStore } from '../storage/store/object-store.ts';
import type { CellRow } from '../storage/types/cell.ts';
import { cellText } from './cell-text.ts';
import { differentOrigins, type MadeOf, type ReasonOf, reasonsFor } from './diff-reasons.ts';
import { isIdColumn } from './entity-columns.ts';
import type { ExportColumn } from './export-columns.ts';
import type { ExportManifest } from './manifest.ts';
import { type RowsOfInstant, rowKey, rowsByInstant } from './ordered-rows.ts';
import { readManifest } from './read-manifest.ts';

/** A column in which rows of both exports differ. */
export interface ColumnDiff {
  readonly column: string;
  readonly rows: number;
  /** Rows by why they differ. */
  readonly why: Readonly<Record<string, number>>;
  /** The first such row; values of ids of people are not shown. */
  readonly example: { readonly row: string; readonly first: string; readonly second: string };
}

/** How two exports differ. */
export interface ExportDiff {
  readonly isSame: boolean;
  readonly madeOf: readonly MadeOf[];
  readonly columnsOnlyInFirst: readonly string[];
  readonly columnsOnlyInSecond: readonly string[];
  readonly rowsInBoth: number;
  readonly rowsOnlyInFirst: number;
  readonly rowsOnlyInSecond: number;
  /** Keys of the first rows that only one has. */
  readonly onlyInFirst: readonly string[];
  readonly onlyInSecond: readonly string[];
  readonly values: readonly ColumnDiff[];
}

/** Rows that are named of those that only one export has. */
const NAMED_ROWS = 5;

/**
 * Compares two exports of any formats, row by row by (end_to_end_id, side), an instant at a time.
 *
 * @throws AppError as {@link readManifest} and storage.
 */
export async function diffExports(first: ObjectStore, second: ObjectStore): Promise<ExportDiff> {
  const manifests = [await readManifest(first), await readManifest(second)] as const;
  const columns = sharedColumns(...manifests);
  const rows = await compareRows(
    rowsByInstant(first, manifests[0]),
    rowsByInstant(second, manifests[1]),
    columnComparisons(columns, manifests),
  );
  const names = manifests.map((manifest) => manifest.columns.map(({ name }) => name));
  const [one = [], other = []] = names;
  const found = {
    columnsOnlyInFirst: one.filter((name) => !other.includes(name)),
    columnsOnlyInSecond: other.filter((name) => !one.includes(name)),
    ...rows,
  };
  const isSame =
    rows.values.length + rows.rowsOnlyInFirst + rows.rowsOnlyInSecond === 0 &&
    found.columnsOnlyInFirst.length + found.columnsOnlyInSecond.length === 0;
  return { isSame, madeOf: differentOrigins(...manifests), ...found };
}

function sharedColumns(first: ExportManifest, second: ExportManifest): ExportColumn[] {
  return first.columns.filter(({ name }) => second.columns.some((column) => column.name === name));
}

/** Compares one column of rows that both have, and counts. */
interface ColumnComparison {
  see(first: CellRow, second: CellRow): void;
  /** Null where no row differs. */
  result(): ColumnDiff | null;
}

function columnComparisons(
  columns: readonly ExportColumn[],
  [first, second]: readonly [ExportManifest, ExportManifest],
): ColumnComparison[] {
  const reasonOf = reasonsFor(first, second);
  // A double and the float that it was rounded to are one value.
  const isRounded = first.featureType !== second.featureType;
  return columns.map((column) => {
    const round = isRounded && column.role === 'feature';
    const text = (row: CellRow): string => {
      const cell = row[column.name];
      return cellText(round && typeof cell === 'number' ? Math.fround(cell) : cell);
    };
    return columnComparison(column.name, text, reasonOf(column));
  });
}

function columnComparison(name: string, text: (row: CellRow) => string, reasonOf: ReasonOf): ColumnComparison {
  let rows = 0;
  let example: ColumnDiff['example'] | undefined;
  const why: Record<string, number> = {};
  return {
    see(first, second) {
      const [was, is] = [text(first), text(second)];
      if (was === is) return;
      rows += 1;
      const reason = reasonOf(first, second);
      why[reason] = (why[reason] ?? 0) + 1;
      const isHidden = isIdColumn(name);
      example ??= { row: rowKey(first), first: isHidden ? 'hidden' : was, second: isHidden ? 'hidden' : is };
    },
    result: () => (example === undefined ? null : { column: name, rows, why, example }),
  };
}

interface OnlyRows {
  rows: number;
  readonly named: string[];
}

type RowsDiff = Omit<ExportDiff, 'isSame' | 'madeOf' | 'columnsOnlyInFirst' | 'columnsOnlyInSecond'>;

async function compareRows(
  first: AsyncGenerator<RowsOfInstant>,
  second: AsyncGenerator<RowsOfInstant>,
  comparisons: readonly ColumnComparison[],
): Promise<RowsDiff> {
  try {
    return await comparedRows(first, second, comparisons);
  } finally {
    // Where one cannot be read, the other is in mid-file.
    await Promise.all([first.return(undefined), second.return(undefined)]);
  }
}

async function comparedRows(
  first: AsyncGenerator<RowsOfInstant>,
  second: AsyncGenerator<RowsOfInstant>,
  comparisons: readonly ColumnComparison[],
): Promise<RowsDiff> {
  const only: readonly [OnlyRows, OnlyRows] = [
    { rows: 0, named: [] },
    { rows: 0, named: [] },
  ];
  const missing = (side: 0 | 1, row: CellRow): void => {
    only[side].rows += 1;
    if (only[side].named.length < NAMED_ROWS) only[side].named.push(rowKey(row));
  };
  let rowsInBoth = 0;
  let [left, right] = await Promise.all([first.next(), second.next()]);
  while (left.done !== true || right.done !== true) {
    const [here, there] = [microsOf(left), microsOf(right)];
    const mine: RowsOfInstant['rows'] = left.done !== true && here <= there ? left.value.rows : new Map();
    const yours: RowsOfInstant['rows'] = right.done !== true && there <= here ? right.value.rows : new Map();
    for (const [key, row] of mine) {
      const other = yours.get(key);
      if (other === undefined) {
        missing(0, row);
        continue;
      }
      rowsInBoth += 1;
      for (const comparison of comparisons) comparison.see(row, other);
    }
    for (const [key, row] of yours) if (!mine.has(key)) missing(1, row);
    if (here <= there) left = await first.next();
    if (there <= here) right = await second.next();
  }
  return {
    rowsInBoth,
    rowsOnlyInFirst: only[0].rows,
    rowsOnlyInSecond: only[1].rows,
    onlyInFirst: only[0].named,
    onlyInSecond: only[1].named,
    values: comparisons.flatMap((comparison) => comparison.result() ?? []),
  };
}

function microsOf(head: IteratorResult<RowsOfInstant>): number {
  return head.done === true ? Number.POSITIVE_INFINITY : head.value.micros;
}
