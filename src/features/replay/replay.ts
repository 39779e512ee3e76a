import { LIMITS } from '../../base/limits.ts';
import { HistoryBlock } from '../engine/history-block.ts';
import { createVectorEngine, featureOutput } from '../engine/vector-engine.ts';
import type { FeatureOutput } from '../feature-output.ts';
import type { FeatureSet } from '../feature-set.ts';
import { MEMORY_SPILL } from '../spill/memory-spill.ts';
import type { SpillPlace } from '../spill/spill-place.ts';
import { kindsOfSet, replayColumns } from './replay-columns.ts';
import { type ReadSequence, type ReplayInput, type ReplayRecords, readsBetween, sequenceOf } from './replay-input.ts';
import { OWN_MEMORY, SHARED_MEMORY } from './replay-memory.ts';
import { SpilledReplay } from './replay-pass.ts';
import { pieceInMemory } from './replay-piece.ts';
import { ReplayRunner } from './replay-runner.ts';
import { ReplayTeam } from './replay-team.ts';
import type { ReplayThreads } from './replay-threads.ts';
import type { ComputedPiece, SpilledValues } from './spilled-values.ts';

/** Vectors that were computed again, read by read. */
export interface ReplayedVectors {
  readonly count: number;
  /** The vector of a read; the object is the same for every call. */
  vector(read: number): FeatureOutput;
}

/** What a replay of many reads may use. */
export interface ReplayPorts {
  /** Threads that help; none unless told. */
  readonly threads?: ReplayThreads | null;
  /** Where values go that memory has no room for; shared memory all the same unless told. */
  readonly spill?: SpillPlace;
  /** Reads whose values are in memory at once; `LIMITS.replayReads` unless told. */
  readonly pieceReads?: number;
  /** Told now and then, before the first vectors, how many of the reads are worth of what is computed. */
  readonly onComputed?: (reads: number, total: number) => void;
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
  const piece = pieceInMemory(set, prepared, sequenceOf(input.reads), OWN_MEMORY);
  new ReplayRunner(set, prepared.columns).run(piece);
  return vectorsOf(set, input)(piece);
}

/**
 * As {@link replay}, for any number of reads: their vectors come in pieces, in the order of the reads. Reads of more
 * than one piece are computed first, all of them, and their values spilled. Threads take entities one after another,
 * this one too; values do not depend on their number.
 *
 * The vectors of a piece are gone when the next one is asked for.
 *
 * @throws AppError as {@link replay}, {@link SpillPlace.open} and those of its rooms; `internal` where a thread ended.
 */
export async function* replayPieces(
  set: FeatureSet,
  records: ReplayRecords,
  reads: ReadSequence,
  ports: ReplayPorts = {},
): AsyncGenerator<ReplayedVectors> {
  const count = reads.rows.length;
  if (count === 0) return;
  const vectors = vectorsOf(set, records);
  if (count <= (ports.pieceReads ?? LIMITS.replayReads)) {
    yield vectors(await computeInMemory(set, records, reads, ports));
    return;
  }
  // What was recorded is in nobody's hands any more once values come back.
  const spilled = await computeSpilled(set, records, reads, ports);
  try {
    for (let piece = 0; piece < spilled.pieces; piece += 1) yield vectors(spilled.piece(piece));
  } finally {
    spilled.close();
  }
}

async function computeInMemory(
  set: FeatureSet,
  records: ReplayRecords,
  reads: ReadSequence,
  { threads = null }: ReplayPorts,
): Promise<ComputedPiece> {
  const memory = threads === null ? OWN_MEMORY : SHARED_MEMORY;
  const team = teamFor(set, reads, threads);
  try {
    const prepared = replayColumns(set, records, memory);
    team.begin(prepared.columns);
    // What they saw is asked for three times, and of some reads it is looked up.
    const piece = pieceInMemory(set, prepared, sequenceOf(readsBetween(reads, 0, reads.rows.length)), memory);
    await team.run(piece);
    return piece;
  } finally {
    await team.stop();
  }
}

async function computeSpilled(
  set: FeatureSet,
  records: ReplayRecords,
  reads: ReadSequence,
  { threads = null, pieceReads = LIMITS.replayReads, spill = MEMORY_SPILL, onComputed }: ReplayPorts,
): Promise<SpilledValues> {
  const memory = threads === null ? OWN_MEMORY : SHARED_MEMORY;
  const team = teamFor(set, reads, threads);
  let spilled: SpilledReplay | null = null;
  try {
    const prepared = replayColumns(set, records, memory, false);
    team.begin(prepared.columns);
    spilled = new SpilledReplay(set, prepared, reads, memory, { pieceReads, threads: team.size, place: spill });
    await computeAll(spilled, team, reads.rows.length, onComputed);
    await team.stop();
    return spilled.values();
  } catch (error) {
    // Threads first: the room is theirs until they end.
    await team.stop();
    spilled?.room.close();
    throw error;
  }
}

function teamFor(set: FeatureSet, { rows }: ReadSequence, threads: ReplayThreads | null): ReplayTeam {
  return new ReplayTeam(set, threads, rows.length * kindsOfSet(set).length);
}

async function computeAll(
  spilled: SpilledReplay,
  team: ReplayTeam,
  count: number,
  onComputed: ReplayPorts['onComputed'],
): Promise<void> {
  for (const [at, kind] of spilled.kinds.entries()) {
    const pass = spilled.pass(kind);
    const tasks = pass.tasks.length / 3;
    await team.run(pass, spilled.room, (taken) =>
      onComputed?.(Math.floor(((at + taken / tasks) / spilled.kinds.length) * count), count),
    );
    spilled.passed(pass);
  }
}

function vectorsOf(set: FeatureSet, { payments }: ReplayRecords): (piece: ComputedPiece) => ReplayedVectors {
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
