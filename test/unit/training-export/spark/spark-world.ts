import { ENTITY_KINDS, type EntityKind } from '../../../../src/domain/entity-keys.ts';
import { EVENT } from '../../../../src/domain/recorded-event.ts';
import type { FeatureSetDefinition } from '../../../../src/features/definition/definition.ts';
import type { FeatureSet } from '../../../../src/features/feature-set.ts';

import type { HistoryPiece } from '../../../../src/training-export/read-history.ts';
import { RECORD } from '../../../../src/training-export/spark/entity-records.ts';
import { BLOCK_SCHEMA } from '../../../../src/training-export/spark/history-stage.ts';
import { eventColumns, sparkPlan } from '../../../../src/training-export/spark/spark-plan.ts';
import type { SparkRows } from '../../../../src/training-export/spark/spark-rows.ts';
import { PAYMENT_PART } from '../../../../src/training-export/spark/vector-stage.ts';
import { cellAt } from '../../../../src/training-export/split-file.ts';
import { type Entry, eventOf, isPresented, JOURNALS, START, World } from '../../features/replay-world.ts';
import { paymentOf, rowOf } from '../../features/streams.ts';

/** A row of a stage; what is left out is null. */
export type Row = Readonly<Record<string, unknown>>;

/** Rows as a worker reads them, without Arrow. */
export function rowsOf(rows: readonly Row[]): SparkRows {
  return {
    count: rows.length,
    texts: (name) => rows.map((row) => (row[name] as string | undefined) ?? null),
    bytes: (name) => rows.map((row) => (row[name] as Uint8Array | undefined) ?? null),
    numbers: (name) => Float64Array.from(rows, (row) => (row[name] === null ? Number.NaN : Number(row[name]))),
  };
}

/** Rows in pieces of a size. */
export function inPieces(rows: readonly Row[], size: number): SparkRows[] {
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, at) =>
    rowsOf(rows.slice(at * size, (at + 1) * size)),
  );
}

/** Cells of pieces, by the names of their columns. */
export function rowsOfPieces(pieces: readonly HistoryPiece[], names: readonly string[]): Row[] {
  return pieces.flatMap(({ columns, rows }) =>
    Array.from({ length: rows }, (_, row) =>
      Object.fromEntries(names.map((name, at) => [name, cellAt(columns[at], row)])),
    ),
  );
}

/** What a row of a block is called. */
export const BLOCK_NAMES = BLOCK_SCHEMA.fields.map(({ name }) => name);

/** An event that was presented: of several the first counts. */
const isEvent = (entry: Entry): boolean => eventOf(entry) === EVENT.first;
const keyOf = ({ row }: Entry, kind: EntityKind): string | null => (row === null ? null : paymentOf(row).keys[kind]);

/** Silver has one row a side; a world scores a payment as often as it likes. */
export function withSides(log: readonly Entry[]): Entry[] {
  const counts = new Map<string, number>();
  return log.map((entry) => {
    if (!isPresented(entry)) return entry;
    const id = entry.row?.end_to_end_id;
    if (entry.row === null || id === undefined) return entry;
    const side = `SIDE ${counts.get(id) ?? 0}`;
    counts.set(id, (counts.get(id) ?? 0) + 1);
    return { ...entry, row: { ...entry.row, side: side as 'PAYER' } };
  });
}

/** A payment with two events, at two payees: its store had lost the first, and the last epoch's base has it again. */
export function earlierEventWorld(set: FeatureSetDefinition): World {
  const world = new World(set);
  const [a, b] = JOURNALS as [string, string];
  const first = rowOf(`E${'1'.repeat(31)}`, START, 100, 1, 2);
  world.pay(first, a, true);
  world.open([1, 0]);
  world.pay({ ...first, side: 'PAYEE', payee_number: '1' }, b, true);
  world.open([0, 0]);
  world.pay(rowOf(`E${'3'.repeat(31)}`, START + 2, 100, 2, 1), b, true);
  return world;
}

/** What Spark makes of a log for the first stage, said anew: sorted by kind and entity and nothing else. */
export function historyRows(set: FeatureSet, log: readonly Entry[]): Row[] {
  const columns = eventColumns(set);
  const rows = sparkPlan(set, [], null).kinds.flatMap(({ kind, place }) => {
    const of = { kind: place };
    const paid = log.filter((entry) => entry.row !== null && keyOf(entry, kind) !== null);
    const payments = paid.map((entry) => ({ ...of, entity: keyOf(entry, kind), ...paymentRow(entry, kind, columns) }));
    // Others first, as they come from Spark: they have no number.
    return [...otherEvents(log, kind).map((row) => ({ ...of, ...row })), ...payments];
  });
  const payee = ENTITY_KINDS.indexOf('payee');
  const labels = log.flatMap(({ item, numbers, ...entry }) =>
    item?.kind !== 'label'
      ? []
      : [
          {
            ...placeOf(entry),
            record: RECORD.label,
            kind: payee,
            entity: item.payee,
            end_to_end_id: item.id,
            state: item.state,
            event_time: item.time,
            epoch: numbers.payee?.epoch ?? 0,
            seq: numbers.payee?.seq ?? 0,
            is_read: 0,
            is_event: 0,
            event_epoch: 0,
          },
        ],
  );
  return [...rows, ...labels].sort(
    (a: Row, b: Row) => compare(Number(a.kind), Number(b.kind)) || compare(String(a.entity), String(b.entity)),
  );
}

function paymentRow(entry: Entry, kind: EntityKind, columns: readonly { readonly name: string }[]): Row {
  const { row, numbers, saw } = entry;
  const cells = row as unknown as Record<string, unknown>;
  return {
    ...Object.fromEntries(columns.map(({ name }) => [name, cells[name]])),
    ...eventRow(entry),
    record: RECORD.payment,
    is_read: isPresented(entry) ? 1 : 0,
    is_event: eventOf(entry),
    epoch: numbers[kind]?.epoch ?? 0,
    seq: numbers[kind]?.seq ?? 0,
    saw_epoch: saw[kind]?.epoch ?? 0,
    saw_seq: saw[kind]?.seq ?? 0,
  };
}

/** Every event of a payment that has several, told to each entity of all of them. */
function otherEvents(log: readonly Entry[], kind: EntityKind): Row[] {
  const events = log.filter(isEvent);
  return events.flatMap((event) => {
    const twins = events.filter(({ row }) => row?.end_to_end_id === event.row?.end_to_end_id);
    if (twins.length === 1) return [];
    const entities = new Set(twins.map((twin) => keyOf(twin, kind)).filter((key) => key !== null));
    return [...entities].map((entity) => ({
      ...eventRow(event),
      entity,
      record: RECORD.otherEvent,
      is_read: 0,
      is_event: 1,
      epoch: 0,
      seq: 0,
    }));
  });
}

function eventRow(entry: Entry): Row {
  const { row, numbers } = entry;
  const epoch = ENTITY_KINDS.map((kind) => numbers[kind]?.epoch ?? 0).find((one) => one !== 0);
  return {
    ...placeOf(entry),
    end_to_end_id: row?.end_to_end_id,
    side: row?.side,
    event_time: row?.event_time,
    event_epoch: epoch ?? 0,
  };
}

function placeOf({ journal, position, known }: Pick<Entry, 'journal' | 'position' | 'known'>): Row {
  return { journal_id: journal, journal_position: position, known_time: known };
}

/** What Spark makes of blocks and payments for the second stage, said anew. */
export function vectorRows(set: FeatureSet, log: readonly Entry[], blocks: readonly Row[]): Row[] {
  const { kinds, vectorColumns } = sparkPlan(set, [], null);
  const payments = log.flatMap((entry) => {
    const { row } = entry;
    if (row === null || !isPresented(entry)) return [];
    const cells = row as unknown as Record<string, unknown>;
    return [
      {
        ...Object.fromEntries(vectorColumns.map(({ name }) => [name, cells[name]])),
        end_to_end_id: row.end_to_end_id,
        side: row.side,
        event_time: row.event_time,
        part: PAYMENT_PART,
        entity_count: kinds.filter(({ kind }) => keyOf(entry, kind) !== null).length,
      },
    ];
  });
  return [...blocks, ...payments].sort(
    (a: Row, b: Row) =>
      compare(String(a.end_to_end_id), String(b.end_to_end_id)) ||
      compare(String(a.side), String(b.side)) ||
      compare(Number(a.part), Number(b.part)),
  );
}

function compare<T extends number | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
