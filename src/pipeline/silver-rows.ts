import { type CivilZone, civilParts, civilZone } from '../base/civil-time.ts';
import type { Decision } from '../domain/decision.ts';
import { microsOfInstant } from '../domain/instant.ts';
import type { Label } from '../domain/label.ts';
import { entityKeys, type ImportedPayment, paymentRow } from '../domain/payment-row.ts';
import { SILVER_DECISIONS, SILVER_LABELS, SILVER_TRANSACTIONS } from '../governance/contracts/silver.ts';
import { brokenExpectation, type TableContract } from '../governance/contracts/table-contract.ts';
import type { Row } from '../storage/types/cell.ts';

/** What became of a row of bronze. */
export type RefinedRow =
  | { readonly kind: 'row'; readonly row: Row }
  | { readonly kind: 'refused'; readonly code: string; readonly reason: string };

/** Turns a row of bronze, integers as numbers, into one of silver. */
export type RefineRow = (bronze: Row) => RefinedRow;

/** A payment, flat and with its civil time. */
export function refinePayment(zone: CivilZone = civilZone('America/Sao_Paulo')): RefineRow {
  return (bronze) => {
    const payment = parsed<ImportedPayment>(bronze.payment);
    // No way in takes such an instant; a row of 1970 in its place would be worse than none.
    if (payment === undefined || microsOfInstant(payment.acceptedAt) === undefined) return UNREADABLE;
    return checked(SILVER_TRANSACTIONS, () => {
      const row = paymentRow(payment);
      const { day, hour } = civilParts(zone, row.event_time);
      const keys = entityKeys(row);
      // One spread, and it last: V8 makes a slow dictionary of 70 columns that are spread together
      // (128 µs a row, three quarters of the job), where this literal costs 4 µs.
      return {
        day,
        civil_hour: hour,
        payer_account: keys.payer,
        payee_account: keys.payee,
        known_time: bronze.known_time,
        known_assumed: bronze.known_assumed,
        journal_id: bronze.journal_id,
        journal_position: bronze.journal_position,
        source: bronze.source,
        source_id: bronze.source_id,
        is_event: bronze.is_event,
        payer_epoch: bronze.payer_epoch,
        payer_seq: bronze.payer_seq,
        payee_epoch: bronze.payee_epoch,
        payee_seq: bronze.payee_seq,
        pair_epoch: bronze.pair_epoch,
        pair_seq: bronze.pair_seq,
        payer_document_epoch: bronze.payer_document_epoch,
        payer_document_seq: bronze.payer_document_seq,
        payee_document_epoch: bronze.payee_document_epoch,
        payee_document_seq: bronze.payee_document_seq,
        pix_key_epoch: bronze.pix_key_epoch,
        pix_key_seq: bronze.pix_key_seq,
        device_epoch: bronze.device_epoch,
        device_seq: bronze.device_seq,
        ...row,
      };
    });
  };
}

/** A decision, its answer taken apart. */
export function refineDecision(bronze: Row): RefinedRow {
  const answer = parsed<Decision>(bronze.answer);
  if (answer === undefined) return UNREADABLE;
  return checked(SILVER_DECISIONS, () => ({
    ...bronze,
    decision: answer.decision,
    score: answer.score,
    expires_at: answer.expiresAt === undefined ? null : microsOfInstant(answer.expiresAt),
    reasons: answer.reasons,
    model_name: answer.model.name,
    model_version: answer.model.version,
    model_sha256: answer.model.sha256,
    feature_set: answer.featureSet.name,
    feature_set_version: answer.featureSet.version,
    rule_id: answer.ruleId,
    policy_version: answer.policyVersion,
    degraded: answer.degraded,
  }));
}

/** A state of a contest. */
export function refineLabel(bronze: Row): RefinedRow {
  const label = parsed<Partial<Label>>(bronze.label);
  if (label === undefined) return UNREADABLE;
  return checked(SILVER_LABELS, () => ({
    ...bronze,
    med_status: label.medStatus ?? null,
    reported_at: label.reportedAt === undefined ? null : microsOfInstant(label.reportedAt),
  }));
}

/** The opening of an epoch, as it is. */
export function refineEpoch(bronze: Row): RefinedRow {
  return { kind: 'row', row: bronze };
}

/** What cannot be read at all. */
export const UNREADABLE = { kind: 'refused', code: 'unreadable', reason: 'the record cannot be read' } as const;

function checked(contract: TableContract, make: () => Row): RefinedRow {
  let row: Row;
  try {
    row = make();
  } catch {
    return UNREADABLE;
  }
  const broken = brokenExpectation(contract, row);
  return broken === undefined ? { kind: 'row', row } : { kind: 'refused', code: broken.code, reason: broken.reason };
}

/** JSON that our own writers made; undefined where it is missing. */
export function parsed<T>(text: unknown): T | undefined {
  if (typeof text !== 'string') return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as T) : undefined;
  } catch {
    return undefined;
  }
}
