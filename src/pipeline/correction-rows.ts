import { ENTITY_KINDS } from '../domain/entity-keys.ts';
import { entityKeys, type ImportedPayment, paymentRow } from '../domain/payment-row.ts';
import { type CORRECTION_EFFECTS, SILVER_CORRECTIONS } from '../governance/contracts/silver.ts';
import { brokenExpectation } from '../governance/contracts/table-contract.ts';
import type { Row } from '../storage/types/cell.ts';
import { parsed, type RefinedRow, UNREADABLE } from './silver-rows.ts';

/** What became of a correction. */
export type RefinedCorrection =
  | {
      readonly kind: 'rows';
      readonly rows: readonly Row[];
      /** Columns of the payment from here on; undefined where the correction put no event in its place. */
      readonly becomes: Row | undefined;
    }
  | Extract<RefinedRow, { kind: 'refused' }>;

const PAYMENT_MISSING = {
  kind: 'refused',
  code: 'payment_missing',
  reason: 'silver does not hold the payment that was retracted',
} as const;

/**
 * A correction as the rows of what it did: the payment as it was, where its event was taken back, and the payment as it is
 * now, where that is an event; one of neither where it did nothing.
 *
 * @param bronze a row of bronze.corrections, integers as numbers.
 * @param was columns of the payment as it was before; undefined where silver does not hold it.
 */
export function refineCorrection(bronze: Row, was: Row | undefined): RefinedCorrection {
  const correction = parsed<{ readonly payment?: ImportedPayment }>(bronze.correction);
  if (correction === undefined) return UNREADABLE;
  const [retracted, replaced] = [numbersOf(bronze, 'retracted_'), numbersOf(bronze, 'replaced_')];
  if (retracted !== undefined && was === undefined) return PAYMENT_MISSING;
  const becomes = replaced === undefined ? undefined : paymentPart(correction.payment);
  if (becomes === null) return UNREADABLE;
  const rows: Row[] = [];
  /** Rows of one correction follow each other in the order that Redis counts. */
  const add = (effect: (typeof CORRECTION_EFFECTS)[number], payment: Row): void => {
    const revision = effect === 'IGNORED' || bronze.revision === null ? null : Number(bronze.revision) + rows.length;
    rows.push(correctionRow(bronze, effect, { ...payment, revision }));
  };
  if (retracted !== undefined) add('RETRACTED', { ...was, ...retracted });
  if (replaced !== undefined) add('REPLACED', { ...becomes, ...replaced });
  if (rows.length === 0) add('IGNORED', {});
  const broken = rows.map((row) => brokenExpectation(SILVER_CORRECTIONS, row)).find((one) => one !== undefined);
  if (broken !== undefined) return { kind: 'refused', code: broken.code, reason: broken.reason };
  return { kind: 'rows', rows, becomes };
}

/** Null where there is none, or none that can be read. */
function paymentPart(payment: ImportedPayment | undefined): Row | null {
  if (payment === undefined) return null;
  try {
    const row = paymentRow(payment);
    const { payer, payee } = entityKeys(row);
    return { ...row, payer_account: payer, payee_account: payee };
  } catch {
    return null;
  }
}

function correctionRow(bronze: Row, effect: (typeof CORRECTION_EFFECTS)[number], payment: Row): Row {
  const { known_time, known_assumed, journal_id, journal_position, source, end_to_end_id, corrected_at } = bronze;
  const provenance = { known_time, known_assumed, journal_id, journal_position, source };
  return { ...payment, ...provenance, end_to_end_id, corrected_at, effect };
}

/** The numbers of one part of a correction; undefined where it has none. */
function numbersOf(bronze: Row, prefix: string): Row | undefined {
  const names = ENTITY_KINDS.flatMap((kind) => [`${kind}_epoch`, `${kind}_seq`]);
  const numbers = Object.fromEntries(names.map((name) => [name, bronze[`${prefix}${name}`] ?? null]));
  return names.some((name) => numbers[name] !== null) ? numbers : undefined;
}
