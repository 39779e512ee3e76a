import { type ManualClock, manualClock } from '../../../src/base/clock.ts';
import { ENTITY_KINDS, type EntityNumbers, hasNumber } from '../../../src/domain/entity-keys.ts';
import type { LabelState } from '../../../src/domain/label.ts';
import type { PaymentRow } from '../../../src/domain/payment-row.ts';
import { entityKeys } from '../../../src/domain/payment-row.ts';
import { EmbeddedStore } from '../../../src/features/embedded/embedded-store.ts';
import type { FeatureSet } from '../../../src/features/feature-set.ts';
import type { Observation } from '../../../src/features/online-store.ts';
import {
  SILVER_CORRECTIONS,
  SILVER_DECISIONS,
  SILVER_EPOCHS,
  SILVER_LABELS,
  SILVER_TRANSACTIONS,
} from '../../../src/governance/contracts/silver.ts';
import { definitionOf } from '../../../src/governance/contracts/table-contract.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import type { ObjectStore } from '../../../src/storage/store/object-store.ts';
import { createTable, type DeltaTable } from '../../../src/storage/table.ts';
import type { PinnedTable, SourceTables } from '../../../src/training-export/source-snapshots.ts';

/** A small silver whose decisions an embedded store served. */
export interface SilverWorld {
  readonly tables: SourceTables;
  readonly set: FeatureSet;
  /** The clock of the tables; it stands at 1970 until it is moved. */
  readonly clock: ManualClock;
  /** Scores a payment; `decision` is what the policy said. */
  pay(row: PaymentRow, knownTime: number, decision: string): Observation;
  /** Imports a payment: it has numbers and no decision. */
  importPayment(row: PaymentRow, knownTime: number, sourceId?: string): void;
  label(endToEndId: string, state: LabelState, eventTime: number, knownTime: number): void;
  /** Takes a payment back; with a row, puts that in its place. */
  correct(endToEndId: string, row: PaymentRow | null, knownTime: number): void;
  /** Writes what happened since the last call to the tables. */
  commit(): Promise<void>;
  /** Writes one more epoch, as a restart does. */
  restart(): void;
  readonly rows: readonly Record<string, unknown>[];
  readonly decisions: Record<string, unknown>[];
  readonly labels: readonly Record<string, unknown>[];
}

const JOURNAL = '11111111-2222-3333-4444-555555555555';

/** @param store where the tables lie: a lake's folder where commands are to read them. */
export async function silverWorld(set: FeatureSet, store: ObjectStore = memoryObjectStore()): Promise<SilverWorld> {
  const clock = manualClock(0);
  const environment = { clock };
  const tables = new Map<PinnedTable, DeltaTable>();
  for (const contract of [SILVER_TRANSACTIONS, SILVER_DECISIONS, SILVER_LABELS, SILVER_EPOCHS, SILVER_CORRECTIONS]) {
    tables.set(contract.path as PinnedTable, await createTable(store, definitionOf(contract), environment));
  }
  const table = (name: PinnedTable): DeltaTable => tables.get(name) as DeltaTable;
  const rows: Record<string, unknown>[] = [];
  const decisions: Record<string, unknown>[] = [];
  const labels: Record<string, unknown>[] = [];
  const epochs: Record<string, unknown>[] = [];
  const corrections: Record<string, unknown>[] = [];
  /** Payments as they are: of which there is an event. */
  const events = new Map<string, PaymentRow>();
  const written = { rows: 0, decisions: 0, labels: 0, epochs: 0, corrections: 0 };
  const online = new EmbeddedStore(set, { maxPayments: 100_000 });
  let epoch = 0;
  let position = 0;
  const place = (knownTime: number): Record<string, unknown> => {
    position += 1;
    return { known_time: knownTime, known_assumed: false, journal_id: JOURNAL, journal_position: position };
  };
  const restart = (): void => {
    const offsets = JSON.stringify({ [JOURNAL]: position });
    epoch += 1;
    epochs.push({ ...place(position), source: 'http', epoch, reason: 'start', silver_version: null, offsets });
    online.openEpoch(epoch);
  };
  restart();
  const transaction = (
    row: PaymentRow,
    knownTime: number,
    source: string,
    observation: Observation,
    sourceId: string | null = null,
  ): void => {
    const { payer, payee } = entityKeys(row);
    if (observation.isEvent) events.set(row.end_to_end_id, row);
    rows.push({
      ...row,
      ...place(knownTime),
      ...numbersOf(observation.numbers),
      source,
      source_id: sourceId,
      is_event: observation.isEvent,
      day: 0,
      civil_hour: 0,
      payer_account: payer,
      payee_account: payee,
    });
  };
  return {
    set,
    clock,
    tables: { table },
    rows,
    decisions,
    labels,
    restart,
    pay(row, knownTime, decision) {
      const observation = online.observePayment({ row, keys: entityKeys(row) });
      transaction(row, knownTime, 'http', observation);
      decisions.push({
        ...place(knownTime),
        ...decisionOf(row, decision, set),
        ...numbersOf(observation.saw),
        features: Array.from(observation.values, (value) => (Number.isNaN(value) ? null : value)),
        feature_status: observation.status,
      });
      return observation;
    },
    importPayment(row, knownTime, sourceId) {
      transaction(row, knownTime, 'import', online.observePayment({ row, keys: entityKeys(row) }), sourceId);
    },
    label(endToEndId, state, eventTime, knownTime) {
      const { payeeAccount, number } = online.observeLabel({
        endToEndId,
        state,
        eventTimeMicros: eventTime,
        payeeAccount: null,
      });
      labels.push({
        ...place(knownTime),
        end_to_end_id: endToEndId,
        state,
        med_status: null,
        event_time: eventTime,
        reported_at: null,
        payee_account: payeeAccount,
        payee_epoch: number?.epoch ?? null,
        payee_seq: number?.seq ?? null,
      });
    },
    correct(endToEndId, row, knownTime) {
      const replacement = row === null ? null : { row, keys: entityKeys(row) };
      const { retracted, replaced } = online.correctPayment({ endToEndId, replacement });
      const at = { ...place(knownTime), source: 'http', corrected_at: knownTime };
      const add = (effect: string, payment: PaymentRow, numbers: EntityNumbers): void => {
        const { payer, payee } = entityKeys(payment);
        corrections.push({
          ...payment,
          ...at,
          ...numbersOf(numbers),
          effect,
          payer_account: payer,
          payee_account: payee,
        });
      };
      const was = events.get(endToEndId);
      if (was !== undefined && hasNumber(retracted)) add('RETRACTED', was, retracted);
      events.delete(endToEndId);
      if (row === null || !hasNumber(replaced)) return;
      add('REPLACED', row, replaced);
      events.set(endToEndId, row);
    },
    async commit() {
      await table('silver/transactions').append({ rows: rows.slice(written.rows) });
      await table('silver/decisions').append({ rows: decisions.slice(written.decisions) });
      await table('silver/labels').append({ rows: labels.slice(written.labels) });
      await table('silver/epochs').append({ rows: epochs.slice(written.epochs) });
      const corrected = corrections.slice(written.corrections);
      if (corrected.length > 0) await table('silver/corrections').append({ rows: corrected });
      written.corrections = corrections.length;
      written.rows = rows.length;
      written.decisions = decisions.length;
      written.labels = labels.length;
      written.epochs = epochs.length;
    },
  };
}

function decisionOf(row: PaymentRow, decision: string, set: FeatureSet): Record<string, unknown> {
  return {
    end_to_end_id: row.end_to_end_id,
    side: row.side,
    decision,
    score: null,
    expires_at: null,
    reasons: [],
    model_name: 'm',
    model_version: '1',
    model_sha256: '0',
    feature_set: set.name,
    feature_set_version: set.version,
    rule_id: 'r',
    policy_version: 'p1',
    degraded: [],
    request_sha256: '0',
    answer: '{}',
  };
}

function numbersOf(numbers: EntityNumbers): Record<string, number | null> {
  return Object.fromEntries(
    ENTITY_KINDS.flatMap((kind) => [
      [`${kind}_epoch`, numbers[kind]?.epoch ?? null],
      [`${kind}_seq`, numbers[kind]?.seq ?? null],
    ]),
  );
}
