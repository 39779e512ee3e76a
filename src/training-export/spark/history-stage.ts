import { assert } from '../../base/assert.ts';
import { byKind, ENTITY_KINDS, type EntityKind } from '../../domain/entity-keys.ts';
import { FIRST_SLOT } from '../../features/engine/event-layout.ts';
import { outputsOfKind } from '../../features/engine/history-block.ts';
import type { FeatureSet } from '../../features/feature-set.ts';
import type { EpochOpening } from '../../features/replay/epoch-book.ts';
import { replayColumns } from '../../features/replay/replay-columns.ts';
import { sequenceOf } from '../../features/replay/replay-input.ts';
import { OWN_MEMORY } from '../../features/replay/replay-memory.ts';
import { pieceInMemory } from '../../features/replay/replay-piece.ts';
import { ReplayRunner } from '../../features/replay/replay-runner.ts';
import { paymentRows } from '../../governance/payment-reader.ts';
import { field, structOf } from '../../storage/types/delta-type.ts';
import type { HistoryPiece } from '../read-history.ts';
import { entityRecords } from './entity-records.ts';
import { eventColumns } from './spark-plan.ts';
import type { SparkRows } from './spark-rows.ts';
import { wholeEntities } from './whole-entities.ts';

/** What the first stage gives: for a payment and a kind of entity, doubles (little-endian) and a byte each for statuses. */
export const BLOCK_SCHEMA = structOf([
  field('end_to_end_id', 'string', { nullable: false }),
  field('side', 'string', { nullable: false }),
  field('part', 'integer', { nullable: false }),
  field('block_values', 'binary', { nullable: false }),
  field('block_statuses', 'binary', { nullable: false }),
]);

/** Rows that are replayed at once where their entities are small: some 30 MB with the shipped set. */
const REPLAYED_ROWS = 16_384;
/** Rows of a piece of the answer: below 5 MB. */
const PIECE_ROWS = 8192;

/**
 * Replays entities, kind after kind, by the engine of exports. Memory holds a batch of whole entities: one that is large
 * is there whole.
 *
 * @param pieces rows sorted by (kind, entity). @param replayedRows least rows that are replayed at once, where a kind has
 * so many. @throws AppError as a replay.
 */
export async function* historyStage(
  set: FeatureSet,
  epochs: readonly EpochOpening[],
  pieces: Iterable<SparkRows> | AsyncIterable<SparkRows>,
  replayedRows: number = REPLAYED_ROWS,
): AsyncGenerator<HistoryPiece> {
  const sets = byKind((kind) => setOfKind(set, kind));
  for await (const { kind: place, rows } of wholeEntities(pieces, replayedRows)) {
    const kind = ENTITY_KINDS[place];
    assert(kind !== undefined, 'a row names a kind of entity by its place');
    yield* blocks(sets[kind], kind, epochs, rows);
  }
}

/** A set that computes features of one kind and no other: nothing is held or written for the rest. */
function setOfKind(set: FeatureSet, kind: EntityKind): FeatureSet {
  const none = new Int32Array(0);
  const kinds = byKind((other) =>
    other === kind
      ? set.kinds[kind]
      : { ...set.kinds[other], outputs: none, labelOutputs: none, layout: { slots: [], stride: FIRST_SLOT } },
  );
  return { ...set, kinds };
}

function* blocks(
  set: FeatureSet,
  kind: EntityKind,
  epochs: readonly EpochOpening[],
  rows: SparkRows,
): Generator<HistoryPiece> {
  const columns = ['end_to_end_id', 'side', 'event_time', ...eventColumns(set).map(({ name }) => name)];
  const { input, readRows } = entityRecords(kind, rows, epochs, paymentRows(rows, columns));
  if (readRows.length === 0) return;
  const prepared = replayColumns(set, input, OWN_MEMORY);
  const piece = pieceInMemory(set, prepared, sequenceOf(input.reads), OWN_MEMORY);
  new ReplayRunner(set, prepared.columns).run(piece);
  // The set has no other kind, so what lies side by side for a read is the kind's.
  const width = outputsOfKind(set.kinds[kind]).length;
  const values = new Uint8Array(piece.values.buffer);
  const [ids, sides] = [rows.texts('end_to_end_id'), rows.texts('side')];
  const part = ENTITY_KINDS.indexOf(kind);
  for (let from = 0; from < readRows.length; from += PIECE_ROWS) {
    const some = readRows.subarray(from, from + PIECE_ROWS);
    yield {
      rows: some.length,
      columns: [
        Array.from(some, (row) => ids[row]),
        Array.from(some, (row) => sides[row]),
        new Array<number>(some.length).fill(part),
        cellsOf(values, from, some.length, width * 8),
        cellsOf(piece.status, from, some.length, width),
      ],
    };
  }
}

function cellsOf(bytes: Uint8Array, from: number, rows: number, width: number): Uint8Array[] {
  return Array.from({ length: rows }, (_, at) => bytes.subarray((from + at) * width, (from + at + 1) * width));
}
