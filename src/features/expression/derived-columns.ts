import { type CivilParts, type CivilZone, civilParts, civilZone } from '../../base/civil-time.ts';
import { accountKey } from '../../domain/entity-keys.ts';
import { type ColumnType, PAYMENT_COLUMNS, type PaymentRow } from '../../domain/payment-row.ts';

/** The zone in which Pix counts nights and days. */
export const CIVIL_ZONE = 'America/Sao_Paulo';

/** What every payment has beside its own columns, made from them. */
export interface DerivedColumns {
  /** The account's key, `ispb|branch|number`; null where the payment names no account. */
  readonly payer_account: string | null;
  readonly payee_account: string | null;
  /** Civil date of acceptance in America/Sao_Paulo, days since 1970. */
  readonly day: number;
  /** Civil hour there, 0–23. */
  readonly civil_hour: number;
  /** Day of the week there, 1 = Monday … 7 = Sunday. */
  readonly weekday: number;
}

/** A column that expressions, filters and windows may name. */
export type ColumnName = keyof PaymentRow | keyof DerivedColumns;

interface DerivedColumn {
  readonly type: ColumnType;
  /** The payment's columns that it is made from. */
  readonly from: readonly (keyof PaymentRow)[];
}

const DERIVED: Readonly<Record<keyof DerivedColumns, DerivedColumn>> = {
  payer_account: { type: 'string', from: ['payer_ispb', 'payer_branch', 'payer_number'] },
  payee_account: { type: 'string', from: ['payee_ispb', 'payee_branch', 'payee_number'] },
  day: { type: 'date', from: ['event_time'] },
  civil_hour: { type: 'long', from: ['event_time'] },
  weekday: { type: 'long', from: ['event_time'] },
};

/** Every column that can be named, with its type: the payment's own, then the derived ones. */
export const COLUMN_TYPES: ReadonlyMap<string, ColumnType> = new Map([
  ...PAYMENT_COLUMNS.map(({ name, type }) => [name, type] as const),
  ...Object.entries(DERIVED).map(([name, { type }]) => [name, type] as const),
]);

/** Whether a text names a column. */
export function isColumnName(name: string): name is ColumnName {
  return COLUMN_TYPES.has(name);
}

/** Whether a column is made from others. */
export function isDerivedColumn(name: ColumnName): name is keyof DerivedColumns {
  return Object.hasOwn(DERIVED, name);
}

/** The payment's columns that the named ones are read from, each once. */
export function sourceColumns(names: Iterable<ColumnName>): (keyof PaymentRow)[] {
  return [...new Set([...names].flatMap((name) => (isDerivedColumn(name) ? DERIVED[name].from : [name])))];
}

/**
 * Derives columns, one payment after the other, when they are asked for: civil time takes 0.2 µs. It allocates nothing
 * but texts. What `read` gives is good until it is called again.
 */
export class ColumnDeriver implements DerivedColumns {
  readonly #zone: CivilZone = civilZone(CIVIL_ZONE);
  #row: PaymentRow | undefined;
  /** Null until the payment's civil time is asked for. */
  #civil: CivilParts | null = null;

  read(row: PaymentRow): DerivedColumns {
    this.#civil = null;
    this.#row = row;
    return this;
  }

  get day(): number {
    return this.#civilTime().day;
  }

  get civil_hour(): number {
    return this.#civilTime().hour;
  }

  get weekday(): number {
    return this.#civilTime().weekday;
  }

  #civilTime(): CivilParts {
    this.#civil ??= civilParts(this.#zone, this.#row?.event_time ?? 0);
    return this.#civil;
  }

  get payer_account(): string | null {
    const row = this.#row;
    if (row === undefined) return null;
    return accountKey({ ispb: row.payer_ispb, branch: row.payer_branch, number: row.payer_number });
  }

  get payee_account(): string | null {
    const row = this.#row;
    if (row === undefined) return null;
    return accountKey({ ispb: row.payee_ispb, branch: row.payee_branch, number: row.payee_number });
  }
}
