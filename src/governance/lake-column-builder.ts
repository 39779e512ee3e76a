import { CodeBuilder } from '../base/coded-texts.ts';
import { NarrowNumbers } from '../base/narrow-numbers.ts';
import { PackedBuilder } from '../base/packed-column.ts';
import type { TextColumn } from '../base/text-column.ts';
import { safeNumbers } from '../storage/scan/column-read.ts';
import { type ColumnData, columnSink } from '../storage/types/column-data.ts';
import type { StructField } from '../storage/types/delta-type.ts';
import { joinColumns } from '../storage/types/join-columns.ts';

/** A column that was read, in the form in which it takes least memory. */
export type TakenColumn =
  | { readonly kind: 'texts'; readonly texts: TextColumn }
  | { readonly kind: 'numbers'; readonly numbers: NarrowNumbers }
  | { readonly kind: 'data'; readonly data: ColumnData };

/** Columns of ids, where nearly every text is another one. */
const IDS: ReadonlySet<string> = new Set(['end_to_end_id', 'source_id']);

type NumberData = Extract<ColumnData, { readonly kind: 'int64' | 'int32' | 'float64' | 'boolean' }>;

/** Gathers a column of a table from chunks. */
export class LakeColumnBuilder {
  readonly #field: StructField;
  readonly #expected: number;
  /** Texts that come again are numbered, ids packed. */
  #texts: CodeBuilder | PackedBuilder | null = null;
  #numbers: NarrowNumbers | null = null;
  readonly #chunks: ColumnData[] = [];

  /** @param expected rows, so that memory is taken once. */
  constructor(field: StructField, expected: number) {
    this.#field = field;
    this.#expected = expected;
  }

  push(column: ColumnData): void {
    switch (column.kind) {
      case 'string':
        this.#texts ??= IDS.has(this.#field.name) ? new PackedBuilder(this.#expected) : new CodeBuilder(this.#expected);
        for (const text of column.values) this.#texts.push(text);
        return;
      case 'int64':
      case 'int32':
      case 'float64':
      case 'boolean':
        this.#numbers ??= new NarrowNumbers(this.#expected);
        this.#numbers.push(doublesOf(column));
        return;
      default:
        this.#chunks.push(column);
    }
  }

  /** The column; nothing is pushed any more. */
  take(): TakenColumn {
    const isEmpty = this.#texts === null && this.#numbers === null;
    // What a column without rows is, its type says.
    if (isEmpty && this.#chunks.length === 0) this.push(columnSink(this.#field.type, 0).take());
    if (this.#texts !== null) return { kind: 'texts', texts: this.#texts.take() };
    if (this.#numbers !== null) return { kind: 'numbers', numbers: this.#numbers };
    const [first, ...others] = this.#chunks;
    return { kind: 'data', data: joinColumns([first as ColumnData, ...others]) };
  }
}

function doublesOf(column: NumberData): Float64Array {
  const values = column.kind === 'int64' ? safeNumbers(column.values) : Float64Array.from(column.values);
  if (column.nulls === null) return values;
  for (let row = 0; row < values.length; row += 1) if (column.nulls[row] === 1) values[row] = Number.NaN;
  return values;
}
