import type { FeatureOutput } from '../feature-output.ts';
import type { FeatureSet } from '../feature-set.ts';
import { HistoryBlock } from '../history-block.ts';
import { createVectorEngine, featureOutput } from '../vector-engine.ts';
import { type PreparedColumns, replayColumns } from './replay-columns.ts';
import type { ReplayInput, ReplayReads, ReplayRecords } from './replay-input.ts';
import { OWN_MEMORY, SHARED_MEMORY } from './replay-memory.ts';
import { PieceMaker, type ReplayPiece } from './replay-piece.ts';
import { ReplayRunner } from './replay-runner.ts';
import type { ReplayCrew, ReplayThreads } from './replay-threads.ts';

/** Vectors that were computed again, read by read. */
export interface ReplayedVectors {
  readonly count: number;
  /** The vector of a read; the object is the same for every call. */
  vector(read: number): FeatureOutput;
}

/**
 * Computes features again from what was recorded: each read sees, of each of its entities, the base
 * of its epoch and the numbers of that epoch up to the one that it saw, and nothing else. The
 * engine and the rule of what an entity keeps are those of the embedded store.
 *
 * Entity by entity: an entity's events are put in their order and go through one state, and reads
 * are answered on the way. So time grows with events plus reads, and memory is a value for each read
 * and history feature beside the input. Expressions are computed when a vector is asked for.
 *
 * @throws AppError `table_corrupt` where numbers name an epoch that no record opens.
 */
export function replay(set: FeatureSet, input: ReplayInput): ReplayedVectors {
  const prepared = replayColumns(set, input, OWN_MEMORY);
  const piece = new PieceMaker(set, prepared, OWN_MEMORY, 1).piece(input.reads);
  new ReplayRunner(set, prepared.columns).run(piece);
  return vectorsOf(set, input)(piece);
}

/**
 * As {@link replay}, for reads that come in pieces: a piece takes 1 KB a read with the shipped set, and feeds the
 * events of its own entities again. Pieces in the order of time feed least. Threads take the entities of a piece one
 * after another, this one too; while a piece is used, they are at the next. Values do not depend on their number.
 *
 * The vectors of a piece are gone when the next one is asked for.
 *
 * @param threads that help; null where this one does it all.
 * @throws AppError as {@link replay}; `internal` where a thread ended.
 */
export async function* replayPieces(
  set: FeatureSet,
  records: ReplayRecords,
  reads: Iterable<ReplayReads>,
  threads: ReplayThreads | null,
): AsyncGenerator<ReplayedVectors> {
  const memory = threads === null ? OWN_MEMORY : SHARED_MEMORY;
  const prepared = replayColumns(set, records, memory);
  const vectors = vectorsOf(set, records);
  const queue = piecesOf(set, prepared, reads, threads);
  try {
    for (let piece = queue.next(); piece !== null; piece = queue.next()) {
      await queue.finish(piece);
      yield vectors(piece.piece);
    }
  } finally {
    await queue.stop();
  }
}

/** A piece that threads may be at. */
interface BegunPiece {
  readonly piece: ReplayPiece;
  readonly helped: Promise<void>;
}

interface PieceQueue {
  next(): BegunPiece | null;
  /** Takes part in a piece until it is done, and begins the one after it where threads are idle then. */
  finish(piece: BegunPiece): Promise<void>;
  stop(): Promise<void>;
}

function piecesOf(
  set: FeatureSet,
  prepared: PreparedColumns,
  reads: Iterable<ReplayReads>,
  threads: ReplayThreads | null,
): PieceQueue {
  const { columns } = prepared;
  const maker =
    threads === null ? new PieceMaker(set, prepared, OWN_MEMORY, 1) : new PieceMaker(set, prepared, SHARED_MEMORY, 2);
  const runner = new ReplayRunner(set, columns);
  let crew: ReplayCrew | null = null;
  const source = reads[Symbol.iterator]();
  const begin = (): BegunPiece | null => {
    const { value, done } = source.next();
    if (done === true) return null;
    const piece = maker.piece(value);
    if (threads !== null && piece.tasks.length / 3 >= threads.fewestTasks) {
      crew ??= threads.start(set.definition, columns);
    }
    const helped = crew?.help(piece) ?? Promise.resolve();
    // It is waited for in `finish`; until then its failure is nobody's.
    helped.catch(() => {});
    return { piece, helped };
  };
  let ahead: BegunPiece | null = null;
  return {
    next() {
      const piece = ahead ?? begin();
      ahead = null;
      return piece;
    },
    async finish({ piece, helped }) {
      runner.run(piece);
      await helped;
      if (crew !== null) ahead = begin();
    },
    stop: async () => crew?.stop(),
  };
}

function vectorsOf(set: FeatureSet, { payments }: ReplayRecords): (piece: ReplayPiece) => ReplayedVectors {
  const engine = createVectorEngine(set);
  const out = featureOutput(set);
  return ({ rows, values, status }) => {
    const block = new HistoryBlock(set, values, status);
    return {
      count: rows.length,
      vector(read) {
        block.load(read, out);
        engine.readRow(payments.row(rows[read] as number), out);
        return out;
      },
    };
  };
}
