import type { PaymentRow } from '../../domain/payment-row.ts';
import { COLUMN_TYPES, type ColumnName, type DerivedColumns, isDerivedColumn } from './derived-columns.ts';

/**
 * What compiled expressions read: a payment's columns, and a vector. It is filled for one payment after the other and
 * allocates nothing then; closures keep the places of their columns.
 */
export class ColumnFrame {
  /** Numbers, instants, dates and booleans (1 or 0) of the payment; NaN where it does not say. */
  readonly numbers: Float64Array;
  /** Texts of the payment. */
  readonly texts: (string | null)[];
  /** The vector's values and statuses: those of the payment that is read. */
  values: Float64Array = new Float64Array(0);
  status: Uint8Array = new Uint8Array(0);
  readonly #places = new Map<ColumnName, number>();
  readonly #numberColumns: readonly (keyof PaymentRow)[];
  readonly #textColumns: readonly (keyof PaymentRow)[];
  readonly #derivedNumbers: readonly (keyof DerivedColumns)[];
  readonly #derivedTexts: readonly (keyof DerivedColumns)[];

  constructor(columns: Iterable<ColumnName>) {
    const all = [...columns];
    const texts = all.filter((name) => COLUMN_TYPES.get(name) === 'string');
    const numbers = all.filter((name) => COLUMN_TYPES.get(name) !== 'string');
    this.#numberColumns = numbers.filter(isOwn);
    this.#derivedNumbers = numbers.filter(isDerivedColumn);
    this.#textColumns = texts.filter(isOwn);
    this.#derivedTexts = texts.filter(isDerivedColumn);
    for (const [place, name] of [...this.#numberColumns, ...this.#derivedNumbers].entries()) {
      this.#places.set(name, place);
    }
    for (const [place, name] of [...this.#textColumns, ...this.#derivedTexts].entries()) this.#places.set(name, place);
    this.numbers = new Float64Array(numbers.length);
    this.texts = texts.map(() => null);
  }

  /** Whether derived columns are read: without them a payment is taken with none. */
  get readsDerived(): boolean {
    return this.#derivedNumbers.length + this.#derivedTexts.length > 0;
  }

  /** Where a column lies, in `numbers` or `texts` by its type. */
  placeOf(column: ColumnName): number {
    return this.#places.get(column) ?? -1;
  }

  /** Takes a payment. */
  load(row: PaymentRow, derived: DerivedColumns | null): void {
    const { numbers, texts } = this;
    const ownNumbers = this.#numberColumns;
    for (let at = 0; at < ownNumbers.length; at += 1) {
      const value = row[ownNumbers[at] as keyof PaymentRow];
      numbers[at] = value === null ? Number.NaN : Number(value);
    }
    const ownTexts = this.#textColumns;
    for (let at = 0; at < ownTexts.length; at += 1) {
      const value = row[ownTexts[at] as keyof PaymentRow];
      texts[at] = typeof value === 'string' ? value : null;
    }
    if (derived === null) return;
    for (let at = 0; at < this.#derivedNumbers.length; at += 1) {
      numbers[ownNumbers.length + at] = Number(derived[this.#derivedNumbers[at] as keyof DerivedColumns]);
    }
    for (let at = 0; at < this.#derivedTexts.length; at += 1) {
      const value = derived[this.#derivedTexts[at] as keyof DerivedColumns];
      texts[ownTexts.length + at] = typeof value === 'string' ? value : null;
    }
  }
}

function isOwn(name: ColumnName): name is keyof PaymentRow {
  return !isDerivedColumn(name);
}
