import { hash } from 'node:crypto';
import { AppError } from '../base/errors.ts';
import { hash128 } from '../base/hash128.ts';
import { IdTable } from '../base/id-table.ts';
import { byKind, type EntityKeys, type EntityKind } from '../domain/entity-keys.ts';
import type { LabelState } from '../domain/label.ts';
import type { Side } from '../domain/payment.ts';
import { entityKeys, type PaymentRow } from '../domain/payment-row.ts';

/** A payment that the lake held before the import. */
export interface KnownPayment {
  readonly endToEndId: string;
  readonly side: Side;
  readonly payeeAccount: string | null;
}

/** Sequence numbers in the import's epoch; null where the payment has no such entity. */
export type ImportNumbers = Readonly<Record<EntityKind, number | null>>;

/** What a record is, given those before it. */
export type PaymentPlace =
  /** The first record of its payment: it takes the next number of each of its entities. */
  | { readonly kind: 'event'; readonly numbers: ImportNumbers }
  /** The other side of a payment that is known: it adds nothing, and sees up to these numbers (0: nothing). */
  | { readonly kind: 'second_side'; readonly numbers: ImportNumbers }
  /** The same payment under the same key. */
  | { readonly kind: 'duplicate' }
  /** The lake held this key before the import. */
  | { readonly kind: 'in_lake' }
  /** Another payment under the same key. */
  | { readonly kind: 'key_reused' };

/** What happened so far in an import: who has which number, which keys were there. */
export interface ImportLedger {
  /** @param payment canonical JSON, which says whether two payments are the same. */
  place(row: PaymentRow, payment: string): PaymentPlace;
  /** The payee of a label's payment, the caller's word where we never saw it, and the label's number. */
  placeLabel(label: LedgerLabel): LabelPlace;
  /** @param replacement the payment as it is now; null where it is retracted. */
  placeCorrection(endToEndId: string, replacement: PaymentRow | null): CorrectionPlace;
}

/** What a correction does, given what was before it: as the online stores do it. */
export interface CorrectionPlace {
  /** Whether the payment is known; else nothing happens. */
  readonly isApplied: boolean;
  /** Numbers that the retraction takes in the entities of the event as it was; nulls where there was none. */
  readonly retracted: ImportNumbers;
  /** Numbers that the event in its place takes; nulls where there is none. */
  readonly replaced: ImportNumbers;
}

/** What makes two labels the same, and the account that its caller names. */
export interface LedgerLabel {
  readonly endToEndId: string;
  readonly state: LabelState;
  readonly eventMicros: number;
  readonly payeeAccount: string | null;
}

/** What a label is, given those before it. */
export type LabelPlace =
  /** Its entity and its number in it; null where there is none. */
  | { readonly kind: 'label'; readonly payeeAccount: string | null; readonly number: number | null }
  /** The same state of the same payment at the same time. */
  | { readonly kind: 'duplicate' };

/** How many records an import may have at most. */
export interface LedgerCapacity {
  readonly payments: number;
  readonly labels: number;
  readonly corrections: number;
}

/** What the ledger stands on. */
export interface LedgerBase {
  /** Payments that the lake held before: they are read once, and not kept. */
  readonly payments: AsyncIterable<readonly KnownPayment[]> | readonly (readonly KnownPayment[])[];
  /** Of those that were corrected or will be: the entities of the event as it is, null where it was taken back. */
  readonly events: ReadonlyMap<string, EntityKeys | null>;
  /** Ids that the import corrects. */
  readonly corrected: ReadonlySet<string>;
}

const SIDE_BITS: Readonly<Record<Side, number>> = { PAYER: 1, PAYEE: 2 };
/** The side was in the lake: what it said is not compared. */
const IN_LAKE_SHIFT = 2;

/**
 * A ledger in memory: 45 bytes a payment and each of its entities, the texts of payees' accounts, and the keys of the
 * payments that are corrected.
 */
export async function importLedger(capacity: LedgerCapacity, base: LedgerBase): Promise<ImportLedger> {
  const payments = paymentTable(capacity.payments);
  // A label may name a payee that no payment did, and a correction takes two numbers in entities of its own.
  const named = capacity.payments + 2 * capacity.corrections;
  const entities = byKind((kind) => numberTable(named + (kind === 'payee' ? capacity.labels : 0)));
  const accounts = textTable(named);
  const labels = table(capacity.labels);
  const events = new Map(base.events);
  const setPayee = (place: number, account: string | null): void => {
    payments.payees[place] = account === null ? 0 : accounts.placeOf(account) + 1;
  };
  for await (const known of base.payments) {
    for (const { endToEndId, side, payeeAccount } of known) {
      const place = payments.placeOf(endToEndId);
      payments.sides[place] = (payments.sides[place] ?? 0) | SIDE_BITS[side] | (SIDE_BITS[side] << IN_LAKE_SHIFT);
      if (payeeAccount !== null) setPayee(place, payeeAccount);
    }
  }
  for (const [endToEndId, keys] of events) {
    const place = payments.find(endToEndId);
    if (place !== -1) setPayee(place, keys?.payee ?? null);
  }
  const takeNumbers = (keys: EntityKeys | null): ImportNumbers =>
    byKind((kind) => {
      const key = keys?.[kind] ?? null;
      return key === null ? null : entities[kind].advance(key, 1);
    });
  return {
    place(row, payment) {
      const bit = SIDE_BITS[row.side];
      const place = payments.placeOf(row.end_to_end_id);
      const sides = payments.sides[place] ?? 0;
      if ((sides & bit) !== 0) {
        if ((sides & (bit << IN_LAKE_SHIFT)) !== 0) return { kind: 'in_lake' };
        return { kind: payments.saysTheSame(place, bit, payment) ? 'duplicate' : 'key_reused' };
      }
      payments.sides[place] = sides | bit;
      payments.remember(place, bit, payment);
      const event = sides === 0;
      const keys = entityKeys(row);
      const step = event ? 1 : 0;
      if (event) setPayee(place, keys.payee);
      if (event && base.corrected.has(row.end_to_end_id)) events.set(row.end_to_end_id, keys);
      return {
        kind: event ? 'event' : 'second_side',
        numbers: byKind((kind) => {
          const key = keys[kind];
          return key === null ? null : entities[kind].advance(key, step);
        }),
      };
    },
    placeLabel({ endToEndId, state, eventMicros, payeeAccount }) {
      const before = labels.count();
      labels.placeOf(`${endToEndId} ${state} ${eventMicros}`);
      if (labels.count() === before) return { kind: 'duplicate' };
      const seen = payments.payees[payments.find(endToEndId)] ?? 0;
      const account = seen === 0 ? payeeAccount : accounts.textOf(seen - 1);
      if (account === null) return { kind: 'label', payeeAccount: null, number: null };
      return { kind: 'label', payeeAccount: account, number: entities.payee.advance(account, 1) };
    },
    placeCorrection(endToEndId, replacement) {
      const place = payments.find(endToEndId);
      if (place === -1) return { isApplied: false, retracted: takeNumbers(null), replaced: takeNumbers(null) };
      const keys = replacement === null ? null : entityKeys(replacement);
      const retracted = takeNumbers(events.get(endToEndId) ?? null);
      events.set(endToEndId, keys);
      setPayee(place, keys?.payee ?? null);
      return { isApplied: true, retracted, replaced: takeNumbers(keys) };
    },
  };
}

function table(capacity: number) {
  const ids = new IdTable(capacity);
  const name = new Int32Array(4);
  const find = (text: string): number => {
    hash128(text, name);
    return ids.find(name);
  };
  return {
    find,
    count: () => ids.count,
    placeOf(text: string): number {
      const place = find(text);
      if (place !== -1) return place;
      const free = ids.count;
      if (free >= capacity) {
        throw new AppError(
          'invalid_file',
          `there are more than the ${capacity} records that were counted: the file changed while it was read`,
        );
      }
      ids.put(free, name);
      return free;
    },
  };
}

function paymentTable(capacity: number) {
  const { find, placeOf } = table(capacity);
  const sides = new Uint8Array(capacity);
  // Six bytes of the payment's SHA-256 for each side.
  const hashes = new Float64Array(capacity * 2);
  const at = (place: number, bit: number): number => place * 2 + (bit === 1 ? 0 : 1);
  const hashOf = (payment: string): number => hash('sha256', payment, 'buffer').readUIntBE(0, 6);
  return {
    find,
    placeOf,
    sides,
    /** 1 + the place of the payee's account, 0 where there is none. */
    payees: new Int32Array(capacity),
    remember(place: number, bit: number, payment: string): void {
      hashes[at(place, bit)] = hashOf(payment);
    },
    saysTheSame(place: number, bit: number, payment: string): boolean {
      return hashes[at(place, bit)] === hashOf(payment);
    },
  };
}

function numberTable(capacity: number) {
  const { placeOf } = table(capacity);
  const numbers = new Int32Array(capacity);
  return {
    /** The entity's number after a step. */
    advance(text: string, step: number): number {
      const place = placeOf(text);
      numbers[place] = (numbers[place] ?? 0) + step;
      return numbers[place] ?? 0;
    },
  };
}

/** Texts by place, each once. */
function textTable(capacity: number) {
  const { placeOf } = table(capacity);
  const texts: string[] = [];
  return {
    placeOf(text: string): number {
      const place = placeOf(text);
      texts[place] ??= text;
      return place;
    },
    textOf: (place: number): string | null => texts[place] ?? null,
  };
}
