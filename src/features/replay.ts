import { token53 } from '../base/hash128.ts';
import { ENTITY_KINDS } from '../domain/entity-keys.ts';
import { epochBook } from './epoch-book.ts';
import type { FeatureOutput } from './feature-output.ts';
import type { FeatureSet } from './feature-set.ts';
import { HistoryBlock } from './history-block.ts';
import { EntityReplay, type ReplayRows } from './replay-entity.ts';
import { epochOfEvent, groupRows, numberEntities } from './replay-groups.ts';
import type { ReplayInput, ReplayPayments, ReplayReads, ReplayRecords } from './replay-input.ts';
import { createVectorEngine, featureOutput } from './vector-engine.ts';

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
 * are answered on the way. So time grows with events plus reads (110–130 k payments/s with the
 * shipped set on one core), and memory is a value for each read and history feature beside the
 * input. Expressions are computed when a vector is asked for.
 *
 * @throws AppError `table_corrupt` where numbers name an epoch that no record opens.
 */
export function replay(set: FeatureSet, input: ReplayInput): ReplayedVectors {
  return prepareReplay(set, input)(input.reads);
}

/**
 * Makes what all reads share, for reads that come in pieces: a piece takes 0.5 KB a read with the
 * shipped set, and feeds the events of its own entities again. Pieces in the order of time feed least.
 * The vectors of a piece are gone when the next one is asked for.
 *
 * @throws AppError as {@link replay}, from each piece.
 */
export function prepareReplay(set: FeatureSet, records: ReplayRecords): (reads: ReplayReads) => ReplayedVectors {
  const engine = createVectorEngine(set);
  const out = featureOutput(set);
  const fill = historyOf(set, records, out);
  return (reads) => {
    const block = fill(reads);
    return {
      count: reads.rows.length,
      vector(read) {
        block.load(read, out);
        engine.readRow(records.payments.row(reads.rows[read] as number), out);
        return out;
      },
    };
  };
}

function historyOf(set: FeatureSet, records: ReplayRecords, out: FeatureOutput): (reads: ReplayReads) => HistoryBlock {
  const { payments, labels } = records;
  const book = epochBook(records.epochs);
  const { entities, counts, labelPayees } = numberEntities(payments.keys, labels.payees);
  const rows = tokenRows(records);
  const journals = (ids: readonly string[]): Int32Array => Int32Array.from(ids, (id) => book.journalOf(id));
  const paymentJournals = journals(payments.places.journals);
  const labelJournals = journals(labels.places.journals);
  const grouped = ENTITY_KINDS.map((kind) => {
    const count = counts[kind];
    const events = groupRows(entities[kind], count, (row) => payments.isEvent[row] === 1);
    const labelled = groupRows(kind === 'payee' ? labelPayees : new Int32Array(0), count, () => true);
    return { kind, count, events, labelled };
  });
  const shared = { set, book, rows, paymentJournals, labelJournals, out };
  let block = new HistoryBlock(set, 0);
  return (reads) => {
    // Every feature of every read is written, so what an earlier piece left does no harm.
    if (block.reads < reads.rows.length) block = new HistoryBlock(set, reads.rows.length);
    const input = { ...records, reads };
    for (const { kind, count, events, labelled } of grouped) {
      const plan = set.kinds[kind];
      if (plan.outputs.length + plan.labelOutputs.length === 0) continue;
      const readEntities = Int32Array.from(reads.rows, (row) => entities[kind][row] as number);
      const replayed = new EntityReplay(kind, { ...shared, input, block });
      replayed.writeAbsent(readEntities);
      const readers = groupRows(readEntities, count, (read) => (reads.saw[kind].epochs[read] as number) > 0);
      for (let entity = 0; entity < count; entity += 1) replayed.run(entity, events, labelled, readers);
    }
    return block;
  };
}

function tokenRows({ payments, labels }: ReplayRecords): ReplayRows {
  const tokens = Float64Array.from(payments.ids, token53);
  // Only rows that are not their payment's one event look for it, so only those are held in a map.
  const eventsOf = new Map<number, number[]>();
  for (let row = 0; row < payments.count; row += 1) {
    if (payments.isEvent[row] !== 1) eventsOf.set(tokens[row] as number, []);
  }
  for (const token of tokensWithTwoEvents(payments, tokens)) eventsOf.set(token, []);
  for (let row = 0; row < payments.count; row += 1) {
    if (payments.isEvent[row] === 1) eventsOf.get(tokens[row] as number)?.push(row);
  }
  const earlierEvents = new Map<number, number[]>();
  for (const rows of eventsOf.values()) {
    if (rows.length < 2) continue;
    rows.sort((a, b) => compareEvents(payments, a, b));
    for (const [at, row] of rows.entries()) if (at > 0) earlierEvents.set(row, rows.slice(0, at));
  }
  return { tokens, labelTokens: Float64Array.from(labels.ids, token53), eventsOf, earlierEvents };
}

/** They are rare: a store had lost the first. Found by sorting, 0.1 s for 1 M. */
function tokensWithTwoEvents(payments: ReplayPayments, tokens: Float64Array): number[] {
  const sorted = tokens.filter((_, row) => payments.isEvent[row] === 1).sort();
  const twice: number[] = [];
  for (let at = 1; at < sorted.length; at += 1) {
    if (sorted[at] === sorted[at - 1]) twice.push(sorted[at] as number);
  }
  return twice;
}

/** By epoch, those without one last; then by known time, journal, position. */
function compareEvents({ numbers, places }: ReplayPayments, a: number, b: number): number {
  const [left, right] = [epochOfEvent(numbers, a), epochOfEvent(numbers, b)];
  if (left !== right) return left - right;
  if (places.knownTimes[a] !== places.knownTimes[b]) {
    return (places.knownTimes[a] as number) - (places.knownTimes[b] as number);
  }
  if (places.journals[a] !== places.journals[b]) {
    return (places.journals[a] as string) < (places.journals[b] as string) ? -1 : 1;
  }
  return (places.positions[a] as number) - (places.positions[b] as number);
}
