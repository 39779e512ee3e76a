import { byKind, ENTITY_KINDS, type EntityKind } from '../../domain/entity-keys.ts';
import { HistoryBlock, historyWidth } from '../engine/history-block.ts';
import type { FeatureSet } from '../feature-set.ts';
import type { KindSpill } from '../spill/kind-spill.ts';
import { AbsenceMarker } from './replay-absence.ts';
import type { PreparedColumns } from './replay-columns.ts';
import type { ReadSequence } from './replay-input.ts';
import type { KindReads, KindRecords } from './replay-items.ts';
import type { ReplayMemory } from './replay-memory.ts';
import { groupReads } from './replay-reads.ts';
import { tasksOfKind } from './replay-tasks.ts';

/** Reads to compute, split into tasks that threads take one after another, and room for what comes of them. */
export interface ReplayPiece {
  /** Row of the payment of each read. */
  readonly rows: Int32Array;
  /** Null for a kind that no feature of the set is of, or that is not computed now. */
  readonly kinds: Readonly<Record<EntityKind, KindReads | null>>;
  /** Three numbers a task: the kind's place in ENTITY_KINDS; from which of its entities, to below which. */
  readonly tasks: Int32Array;
  /** How many tasks were taken, changed by atomic addition alone. */
  readonly taken: Int32Array;
  /** Of a {@link HistoryBlock}; empty where values are spilled. */
  readonly values: Float64Array;
  readonly status: Uint8Array;
  /** The one kind that is computed, where its records are not among the columns and its values are spilled. */
  readonly pass: ReplayPass | null;
}

/** What a piece of all reads of one kind of entity brings with it. */
export interface ReplayPass {
  readonly kind: EntityKind;
  readonly records: KindRecords;
  readonly spill: KindSpill;
}

/** Reads of all kinds of entity with room in memory for what comes of them, what is absent marked. */
export function pieceInMemory(
  set: FeatureSet,
  prepared: PreparedColumns,
  reads: ReadSequence,
  memory: ReplayMemory,
): ReplayPiece {
  const rows = memory.integers(reads.rows.length);
  rows.set(reads.rows);
  const numbers = rows.length * historyWidth(set);
  const values = memory.doubles(numbers);
  const status = memory.bytes(numbers);
  const block = new HistoryBlock(set, values, status);
  const absence = new AbsenceMarker(set);
  const { columns } = prepared;
  const kinds = byKind((kind) => {
    const records = columns.kinds[kind];
    if (records === null) return null;
    const entityOf = prepared.entities[kind];
    absence.markAll(kind, rows, reads.saw(kind, 0, rows.length), entityOf, block);
    return groupReads({ kind, entityOf, count: records.start.length - 1 }, reads, memory);
  });
  writeEvents(prepared, rows, kinds);
  const numbered = ENTITY_KINDS.flatMap((kind, place) => {
    const [grouped, records] = [kinds[kind], columns.kinds[kind]];
    return grouped === null || records === null ? [] : tasksOfKind(place, grouped, records);
  });
  const tasks = memory.integers(numbered.length);
  tasks.set(numbered);
  return { rows, kinds, tasks, taken: memory.integers(1), values, status, pass: null };
}

/** Writes the events that the reads may see. */
function writeEvents(
  { columns, events }: PreparedColumns,
  rows: Int32Array,
  kinds: Readonly<Record<EntityKind, KindReads | null>>,
): void {
  for (const row of rows) events.write(row);
  // Where reads are of all rows, looking at every record again would take 0.25 µs a payment.
  if (events.isWhole) return;
  for (const kind of ENTITY_KINDS) {
    const records = columns.kinds[kind];
    for (const entity of kinds[kind]?.entities ?? []) {
      const end = records?.start[entity + 1] ?? 0;
      for (let at = records?.start[entity] ?? 0; at < end; at += 1) {
        const item = records?.items[at] ?? -1;
        if (item >= 0) events.write(item);
      }
    }
  }
}
