import { manualClock } from '../../src/base/clock.ts';
import { ENTITY_KINDS } from '../../src/domain/entity-keys.ts';
import { entityKeys, type PaymentRow } from '../../src/domain/payment-row.ts';
import { EVENT } from '../../src/domain/recorded-event.ts';
import type { FeatureSet } from '../../src/features/feature-set.ts';

import {
  SILVER_CORRECTIONS,
  SILVER_DECISIONS,
  SILVER_EPOCHS,
  SILVER_LABELS,
  SILVER_TRANSACTIONS,
} from '../../src/governance/contracts/silver.ts';
import { definitionOf } from '../../src/governance/contracts/table-contract.ts';
import type { ObjectStore } from '../../src/storage/store/object-store.ts';
import { createTable } from '../../src/storage/table.ts';
import { type Entry, eventOf, isPresented, type World } from '../unit/features/replay-world.ts';
import { withSides } from '../unit/training-export/spark/spark-world.ts';

type Rows = Record<string, unknown>[];

/** A random stream, with the name that keeps its entities apart from those of others. */
export interface NamedWorld {
  readonly name: string;
  readonly world: World;
  /** An import has numbers of its own and no decisions. */
  readonly isImport: boolean;
}

/** Writes streams as the tables of one silver: their entities, payments and journals are told apart by their names. */
export async function writeSilver(store: ObjectStore, set: FeatureSet, worlds: readonly NamedWorld[]): Promise<void> {
  const environment = { clock: manualClock(0) };
  const logs = worlds.map(({ name, world, isImport }) => ({
    isImport,
    entries: withSides(world.log).map((entry) => renamed(name, entry)),
  }));
  const tables = [
    [SILVER_TRANSACTIONS, logs.flatMap(({ entries, isImport }) => paymentsOf(entries, isImport))],
    [SILVER_DECISIONS, logs.flatMap(({ entries, isImport }) => (isImport ? [] : decisionsOf(entries, set)))],
    [SILVER_CORRECTIONS, logs.flatMap(({ entries }) => correctionsOf(entries))],
    [SILVER_LABELS, logs.flatMap(({ entries }) => labelsOf(entries))],
    [SILVER_EPOCHS, epochsOf(worlds)],
  ] as const;
  for (const [contract, rows] of tables) {
    const table = await createTable(store, definitionOf(contract), environment);
    await table.append({ rows, allowEmpty: true });
  }
}

function renamed(name: string, entry: Entry): Entry {
  const told = (text: string | null): string | null => (text === null ? null : `${name}${text}`);
  const { row, item } = entry;
  return {
    ...entry,
    journal: `${name}-${entry.journal}`,
    item:
      item === null || item.kind !== 'label'
        ? item
        : { ...item, id: `${name}${item.id}`, payee: item.payee.replace(/(?=[^|]*$)/, name) },
    row:
      row === null
        ? null
        : {
            ...row,
            end_to_end_id: `${name}${row.end_to_end_id}`,
            payer_number: told(row.payer_number),
            payee_number: told(row.payee_number),
            payer_document: told(row.payer_document),
            payee_document: told(row.payee_document),
            pix_key: told(row.pix_key),
            device_id: told(row.device_id),
          },
  };
}

function paymentsOf(entries: readonly Entry[], isImport: boolean): Rows {
  return entries.flatMap((entry) => {
    const { row, item } = entry;
    if (row === null || !isPresented(entry)) return [];
    return [
      {
        ...recordOf(entry, row),
        source: isImport ? 'import' : 'http',
        source_id: null,
        is_event: item !== null,
        day: 0,
        civil_hour: 0,
      },
    ];
  });
}

/** What corrections did, and one that did nothing. */
function correctionsOf(entries: readonly Entry[]): Rows {
  return entries.flatMap((entry) => {
    const { row } = entry;
    if (row === null || isPresented(entry)) return [];
    const done = { ...recordOf(entry, row), source: 'http', corrected_at: entry.known };
    const effect = eventOf(entry) === EVENT.retraction ? 'RETRACTED' : 'REPLACED';
    return [
      { ...done, effect },
      {
        end_to_end_id: row.end_to_end_id,
        ...placeOf(entry),
        effect: 'IGNORED',
        corrected_at: 0,
        known_assumed: false,
        source: 'http',
      },
    ];
  });
}

function recordOf(entry: Entry, row: PaymentRow): Record<string, unknown> {
  const { payer, payee } = entityKeys(row);
  return {
    ...row,
    ...placeOf(entry),
    ...numbersOf(entry, 'numbers'),
    known_assumed: false,
    payer_account: payer,
    payee_account: payee,
  };
}

function decisionsOf(entries: readonly Entry[], set: FeatureSet): Rows {
  const paid = entries.filter((entry): entry is Entry & { row: PaymentRow } => isPresented(entry));
  return paid.map((entry) => ({
    ...placeOf(entry),
    ...numbersOf(entry, 'saw'),
    end_to_end_id: entry.row.end_to_end_id,
    side: entry.row.side,
    decision: 'APPROVE',
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
    features: [],
    feature_status: new Uint8Array(0),
  }));
}

function labelsOf(entries: readonly Entry[]): Rows {
  return entries.flatMap((entry) => {
    const { item, numbers } = entry;
    if (item?.kind !== 'label') return [];
    return [
      {
        ...placeOf(entry),
        known_assumed: false,
        end_to_end_id: item.id,
        state: item.state,
        event_time: item.time,
        payee_account: item.payee,
        payee_epoch: numbers.payee?.epoch ?? null,
        payee_seq: numbers.payee?.seq ?? null,
      },
    ];
  });
}

/** Epochs have numbers of all streams together, each with the offsets of all. */
function epochsOf(worlds: readonly NamedWorld[]): Rows {
  const count = Math.max(...worlds.map(({ world }) => world.epochs.length));
  return Array.from({ length: count }, (_, at) => {
    const offsets = worlds.flatMap(({ name, world }) =>
      Object.entries(world.epochs[at]?.offsets ?? {}).map(([journal, position]) => [`${name}-${journal}`, position]),
    );
    return {
      known_time: at,
      known_assumed: false,
      journal_id: 'epochs',
      journal_position: at + 1,
      source: 'http',
      epoch: at + 1,
      reason: 'start',
      offsets: JSON.stringify(Object.fromEntries(offsets)),
    };
  });
}

function placeOf({ journal, position, known }: Entry): Record<string, unknown> {
  return { journal_id: journal, journal_position: position, known_time: known };
}

function numbersOf(entry: Entry, which: 'numbers' | 'saw'): Record<string, number | null> {
  return Object.fromEntries(
    ENTITY_KINDS.flatMap((kind) => [
      [`${kind}_epoch`, entry[which][kind]?.epoch ?? null],
      [`${kind}_seq`, entry[which][kind]?.seq ?? null],
    ]),
  );
}
