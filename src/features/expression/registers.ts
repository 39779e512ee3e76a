import { assert } from '../../base/assert.ts';
import type { PaymentRow } from '../../domain/payment-row.ts';
import { FEATURE_STATUS } from '../feature-status.ts';
import { isNumberColumn, isTextColumn, NUMBER_LOADERS, TEXT_LOADERS } from './column-loaders.ts';
import { COLUMN_TYPES, type ColumnName, type DerivedColumns, isDerivedColumn } from './derived-columns.ts';

/** Gives the status of a value that is missing; it is asked only then. */
export type ReadStatus = () => number;

/** A compiled part of an expression: where its value lies once its steps have run. */
export interface Part {
  /** Whether it lies in `numbers` (NaN where it is null, never an infinity; booleans are 1 or 0) or in `texts`. */
  readonly kind: 'number' | 'text';
  readonly at: number;
  readonly status: ReadStatus;
}

/** The status of what is missing for no operand's sake. */
export const NULL_STATUS: ReadStatus = () => FEATURE_STATUS.null;

/**
 * Where compiled expressions keep all values: a payment's columns first, then constants, features and what is computed.
 * Steps go from register to register, because a closure that gives back a double makes an object of it (16 bytes, and a
 * third of the time); so a payment allocates nothing.
 */
export class Registers {
  readonly numbers: Float64Array;
  readonly texts: (string | null)[] = [];
  /** What computes, in order: operands come before what is computed of them. */
  readonly steps: (() => void)[] = [];
  /** The statuses of the vector: those of the payment that is read. */
  status: Uint8Array = new Uint8Array(0);
  readonly #columns = new Map<ColumnName, Part>();
  readonly #loadNumbers: readonly (typeof NUMBER_LOADERS)[keyof typeof NUMBER_LOADERS][];
  readonly #loadTexts: readonly (typeof TEXT_LOADERS)[keyof typeof TEXT_LOADERS][];
  readonly #derived: readonly (keyof DerivedColumns)[];
  #numbersTaken = 0;

  /** @param columns that expressions read; @param nodes that all of them have, the most registers that they take. */
  constructor(columns: ReadonlySet<ColumnName>, nodes: number) {
    this.numbers = new Float64Array(columns.size + nodes);
    const all = [...columns];
    const numbers = all.filter(isNumberColumn);
    const texts = all.filter(isTextColumn);
    this.#loadNumbers = numbers.map((name) => NUMBER_LOADERS[name]);
    this.#loadTexts = texts.map((name) => TEXT_LOADERS[name]);
    this.#derived = all.filter(isDerivedColumn);
    for (const name of [...numbers, ...texts, ...this.#derived]) {
      const part = COLUMN_TYPES.get(name) === 'string' ? this.takeText(NULL_STATUS) : this.takeNumber(NULL_STATUS);
      this.#columns.set(name, part);
    }
  }

  /** Whether derived columns are read: if not, a payment is loaded with `null` for them. */
  get readsDerived(): boolean {
    return this.#derived.length > 0;
  }

  /** A register for a number. */
  takeNumber(status: ReadStatus): Part {
    assert(this.#numbersTaken < this.numbers.length, 'a node takes one register at most');
    return { kind: 'number', at: this.#numbersTaken++, status };
  }

  /** A register for a text. */
  takeText(status: ReadStatus): Part {
    return { kind: 'text', at: this.texts.push(null) - 1, status };
  }

  /** Where a column lies. */
  column(name: ColumnName): Part {
    const part = this.#columns.get(name);
    assert(part !== undefined, 'registers have the columns of their expressions');
    return part;
  }

  /** Whether a part has no value now. */
  isMissing({ kind, at }: Part): boolean {
    return kind === 'text' ? this.texts[at] === null : Number.isNaN(this.numbers[at]);
  }

  /** Takes a payment; without one no column has a value. */
  load(row: PaymentRow | null, derived: DerivedColumns | null): void {
    if (row === null) {
      for (const { kind, at } of this.#columns.values()) {
        if (kind === 'text') this.texts[at] = null;
        else this.numbers[at] = Number.NaN;
      }
      return;
    }
    const { numbers, texts } = this;
    const loadNumbers = this.#loadNumbers;
    for (let at = 0; at < loadNumbers.length; at += 1) loadNumbers[at]?.(row, numbers, at);
    const loadTexts = this.#loadTexts;
    for (let at = 0; at < loadTexts.length; at += 1) loadTexts[at]?.(row, texts, at);
    if (derived !== null) this.#loadDerived(derived);
  }

  #loadDerived(derived: DerivedColumns): void {
    let number = this.#loadNumbers.length;
    let text = this.#loadTexts.length;
    for (let at = 0; at < this.#derived.length; at += 1) {
      const value = derived[this.#derived[at] as keyof DerivedColumns];
      if (typeof value === 'number') this.numbers[number++] = value;
      else this.texts[text++] = value;
    }
  }
}
