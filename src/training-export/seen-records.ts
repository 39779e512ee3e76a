import { type EntityKind, pairKey } from '../domain/entity-keys.ts';
import { LABEL_STATES } from '../domain/label.ts';
import { epochBook } from '../features/replay/epoch-book.ts';
import type { ReplayReads } from '../features/replay/replay-input.ts';
import type { SilverSource } from './silver-source.ts';

/** A record that a row saw, of one of its entities. */
export interface SeenRecord {
  /** Row of the records, or of the labels. */
  readonly row: number;
  /** A payment's event, its event in place of one before, the end of one, or a state of its contest. */
  readonly what: 'payment' | 'replacement' | 'retraction' | 'label';
  readonly endToEndId: string;
  readonly eventTimeMicros: number;
  readonly knownTimeMicros: number;
  /** Epoch 0 where it has no number: it is in the base of a later epoch. */
  readonly epoch: number;
  readonly seq: number;
  /** Of a label. */
  readonly state: string | null;
}

/**
 * What one row saw of its entity of a kind, by definition: the numbers of its epoch up to the one
 * that it saw, and before them what the opening of its epoch names. In that order.
 */
export function seenRecords(source: SilverSource, kind: EntityKind, { rows, saw }: ReplayReads): SeenRecord[] {
  const epoch = saw[kind].epochs[0] as number;
  const key = entityKeyOf(source, kind, rows[0] as number);
  if (key === null || epoch === 0) return [];
  const seq = saw[kind].seqs[0] as number;
  const book = epochBook(source.epochs);
  const place = book.placeOf(epoch);
  const isSeen = (its: number, number: number, journal: string, position: number): boolean =>
    its === epoch ? number <= seq : its < epoch && book.inBase(place, book.journalOf(journal), position);
  const seen = [
    ...paymentRecords(source, kind, key, isSeen),
    ...(kind === 'payee' ? labelRecords(source, key, isSeen) : []),
  ];
  // What has no number comes last before the epoch's own.
  const rank = (record: SeenRecord): number => (record.epoch === 0 ? epoch - 0.5 : record.epoch);
  return seen.sort((a, b) => rank(a) - rank(b) || a.seq - b.seq || a.knownTimeMicros - b.knownTimeMicros);
}

type IsSeen = (epoch: number, seq: number, journal: string, position: number) => boolean;

/** By EVENT; no event is no record. */
const WHAT_OF = [undefined, 'payment', 'retraction', 'replacement'] as const;

function* paymentRecords(source: SilverSource, kind: EntityKind, key: string, isSeen: IsSeen): Generator<SeenRecord> {
  const { records } = source;
  const { places, numbers } = records;
  const { epochs, seqs } = numbers[kind];
  for (let row = 0; row < records.count; row += 1) {
    const what = WHAT_OF[records.isEvent[row] as number];
    if (what === undefined || entityKeyOf(source, kind, row) !== key) continue;
    const [epoch, seq] = [epochs[row] as number, seqs[row] as number];
    if (!isSeen(epoch, seq, places.journals.at(row) ?? '', places.positions[row] as number)) continue;
    const times = { eventTimeMicros: records.times[row] as number, knownTimeMicros: places.knownTimes[row] as number };
    yield { row, what, endToEndId: records.ids.at(row) ?? '', ...times, epoch, seq, state: null };
  }
}

function* labelRecords({ labels }: SilverSource, key: string, isSeen: IsSeen): Generator<SeenRecord> {
  const { places, numbers } = labels;
  for (let row = 0; row < labels.count; row += 1) {
    if (labels.payees.at(row) !== key) continue;
    const [epoch, seq] = [numbers.epochs[row] as number, numbers.seqs[row] as number];
    if (!isSeen(epoch, seq, places.journals.at(row) ?? '', places.positions[row] as number)) continue;
    const times = { eventTimeMicros: labels.times[row] as number, knownTimeMicros: places.knownTimes[row] as number };
    const state = LABEL_STATES[labels.states[row] as number] ?? null;
    yield { row, what: 'label', endToEndId: labels.ids.at(row) ?? '', ...times, epoch, seq, state };
  }
}

/** The key of a record's entity of a kind; null where it names none. */
function entityKeyOf({ records }: SilverSource, kind: EntityKind, row: number): string | null {
  const { keys } = records;
  if (kind !== 'pair') return keys[kind].at(row) ?? null;
  return pairKey(keys.payer.at(row) ?? null, keys.payee.at(row) ?? null);
}
