import { byKeyedKind, byKind, ENTITY_KINDS, type EntityNumbers, hasNumber, NO_NUMBERS } from '../domain/entity-keys.ts';
import { LABEL_STATES } from '../domain/label.ts';
import type { Side } from '../domain/payment.ts';
import { entityKeys, type PaymentRow } from '../domain/payment-row.ts';
import { EVENT } from '../domain/recorded-event.ts';
import type { SkimmedRecord } from '../events/journal-record.ts';
import type { JournalTail } from '../events/journal-tail.ts';
import { numberColumns, type PlaceColumns } from '../features/replay/replay-input.ts';
import type { RecordedEvents } from './recorded-events.ts';

/** What a record after a payment says of its event: whether it is one, and its numbers. */
interface Told {
  readonly isEvent: boolean;
  readonly numbers: EntityNumbers;
}

/** A row of a payment in a tail: the payment, or what a correction made of it. */
interface TailPayment {
  readonly row: PaymentRow;
  /** Of EVENT. */
  readonly event: number;
  readonly numbers: EntityNumbers;
  readonly place: TailPlace;
  /** Of a correction's row: its place among those of its payment, where Redis counted them. */
  readonly revision?: number;
}

type SkimmedLabel = Extract<SkimmedRecord, { kind: 'label' }>;
type SkimmedIntent = Extract<SkimmedRecord, { kind: 'intent' }>;
type SkimmedCorrection = Extract<SkimmedRecord, { kind: 'correction' }>;

interface TailPlace {
  readonly journalId: string;
  readonly position: number;
  readonly knownTimeMicros: number;
}

/** A correction in a tail, and the payment as it is now. */
interface TailCorrection {
  readonly record: SkimmedCorrection;
  readonly row: PaymentRow | null;
  readonly place: TailPlace;
}

/** The ids of payments that tails take back. */
export function retractedIn(tails: readonly JournalTail[]): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const { entries } of tails) {
    for (const { record } of entries) if (record.kind === 'correction') ids.add(record.endToEndId);
  }
  return ids;
}

/** Corrections of which tails do not say what became of them. */
export function openIntents(tails: readonly JournalTail[]): readonly SkimmedIntent[] {
  const open = new Map<string, SkimmedIntent>();
  for (const { record } of tails.flatMap(({ entries }) => entries)) {
    if (record.kind === 'intent' && !record.isVoid) open.set(record.request, record);
    else if (record.kind === 'intent') open.delete(record.request);
    else if (record.kind === 'correction') open.delete(record.settles?.request ?? '');
  }
  return [...open.values()];
}

/**
 * The events of journals' tails: payments with the numbers that records after them tell, what corrections made of
 * them, and labels.
 *
 * @param known payments that were recorded before the tails, for the retractions of theirs: as they were then.
 */
export function tailEvents(
  tails: readonly JournalTail[],
  known: ReadonlyMap<string, PaymentRow> = new Map(),
): RecordedEvents {
  const payments: TailPayment[] = [];
  const corrections: TailCorrection[] = [];
  const labels: { readonly record: SkimmedLabel; readonly place: TailPlace }[] = [];
  for (const { journalId, entries } of tails) {
    const told = toldByKey(entries.map(({ record }) => record));
    for (const { record, row, position } of entries) {
      const place = { journalId, position, knownTimeMicros: record.knownTimeMicros };
      if (record.kind === 'label') labels.push({ record, place });
      else if (record.kind === 'correction') corrections.push({ record, row, place });
      else if (row === null) continue;
      else if (record.kind === 'scored') payments.push(tailPayment(row, record, place));
      else if (record.kind === 'payment') payments.push(tailPayment(row, told.get(keyOf(record)), place));
    }
  }
  // Put together, not pushed as arguments, of which a call takes 100,000 or so.
  const all = [...payments, ...correctedPayments(corrections, payments, known)];
  return { payments: paymentColumns(all), labels: labelColumns(labels) };
}

/** A payment with what was told of it. Nothing told yet: it may be an event, and comes after all that are known to be. */
function tailPayment(row: PaymentRow, told: Told | undefined, place: TailPlace): TailPayment {
  const event = told?.isEvent === false ? EVENT.none : EVENT.first;
  return { row, event, numbers: told?.numbers ?? NO_NUMBERS, place };
}

/**
 * What corrections made of payments, in their order: first the payment as it was, with the numbers that the retraction
 * took, then the payment as it is now. A retraction of a payment that nobody recorded retracts nothing.
 */
function correctedPayments(
  corrections: readonly TailCorrection[],
  payments: readonly TailPayment[],
  known: ReadonlyMap<string, PaymentRow>,
): TailPayment[] {
  const ids = new Set(corrections.map(({ record }) => record.endToEndId));
  const now = new Map([...known].filter(([id]) => ids.has(id)));
  const certain = new Set(now.keys());
  for (const { row, event, numbers } of payments) {
    const id = row.end_to_end_id;
    if (event !== EVENT.first || !ids.has(id)) continue;
    // The first event of a payment counts; one that has a number is one, and of others nothing may be told yet.
    const isCertain = hasNumber(numbers);
    if (!now.has(id) || (isCertain && !certain.has(id))) now.set(id, row);
    if (isCertain) certain.add(id);
  }
  const made: TailPayment[] = [];
  for (const { record, row, place } of [...corrections].sort(byTurn)) {
    const was = now.get(record.endToEndId);
    const { revision = Number.NaN } = record.settles ?? {};
    const isRetracted = was !== undefined && hasNumber(record.retracted);
    if (isRetracted) made.push({ row: was, event: EVENT.retraction, numbers: record.retracted, place, revision });
    if (row === null || !record.isApplied) continue;
    const numbers = record.replaced;
    made.push({ row, event: EVENT.replacement, numbers, place, revision: isRetracted ? revision + 1 : revision });
    now.set(record.endToEndId, row);
  }
  return made;
}

/** Corrections payment by payment, each payment's as they were made: as Redis counted them in an epoch, else as they were recorded. */
function byTurn(a: TailCorrection, b: TailCorrection): number {
  const [idA, idB] = [a.record.endToEndId, b.record.endToEndId];
  if (idA !== idB) return idA < idB ? -1 : 1;
  const turnOf = ({ record }: TailCorrection): number => record.settles?.revision ?? -1;
  return epochOf(a) - epochOf(b) || turnOf(a) - turnOf(b) || byPlace(a, b);
}

function epochOf({ record: { retracted, replaced } }: TailCorrection): number {
  for (const kind of ENTITY_KINDS) {
    const number = retracted[kind] ?? replaced[kind];
    if (number !== null) return number.epoch;
  }
  return 0;
}

function byPlace({ place: a }: TailCorrection, { place: b }: TailCorrection): number {
  if (a.knownTimeMicros !== b.knownTimeMicros) return a.knownTimeMicros - b.knownTimeMicros;
  if (a.journalId !== b.journalId) return a.journalId < b.journalId ? -1 : 1;
  return a.position - b.position;
}

/** What is told first counts: later numbers are of a repeat in another epoch. */
function toldByKey(records: readonly SkimmedRecord[]): ReadonlyMap<string, Told> {
  const told = new Map<string, Told>();
  for (const record of records) {
    const tells = record.kind === 'sequence' || (record.kind === 'decision' && hasNumber(record.saw));
    if (tells && !told.has(keyOf(record))) told.set(keyOf(record), record);
  }
  return told;
}

/** Names a payment's side. */
function keyOf({ endToEndId, side }: { readonly endToEndId: string; readonly side: Side }): string {
  return `${endToEndId}/${side}`;
}

function paymentColumns(tail: readonly TailPayment[]): RecordedEvents['payments'] {
  const keys = tail.map(({ row }) => entityKeys(row));
  const numbers = byKind(() => numberColumns(tail.length));
  for (const [row, { numbers: told }] of tail.entries()) {
    for (const kind of ENTITY_KINDS) {
      numbers[kind].epochs[row] = told[kind]?.epoch ?? 0;
      numbers[kind].seqs[row] = told[kind]?.seq ?? 0;
    }
  }
  return {
    count: tail.length,
    keys: byKeyedKind((kind) => keys.map((of) => of[kind])),
    row: (at) => (tail[at] as TailPayment).row,
    isEvent: Uint8Array.from(tail, ({ event }) => event),
    numbers,
    places: placeColumns(tail.map(({ place }) => place)),
    revisions: Float64Array.from(tail, ({ revision = Number.NaN }) => revision),
  };
}

function labelColumns(
  tail: readonly { readonly record: SkimmedLabel; readonly place: TailPlace }[],
): RecordedEvents['labels'] {
  return {
    count: tail.length,
    ids: tail.map(({ record }) => record.endToEndId),
    states: Uint8Array.from(tail, ({ record }) => LABEL_STATES.indexOf(record.state)),
    times: Float64Array.from(tail, ({ record }) => record.eventTimeMicros),
    payees: tail.map(({ record }) => record.payeeAccount),
    numbers: {
      epochs: Float64Array.from(tail, ({ record }) => record.number?.epoch ?? 0),
      seqs: Float64Array.from(tail, ({ record }) => record.number?.seq ?? 0),
    },
    places: placeColumns(tail.map(({ place }) => place)),
  };
}

function placeColumns(places: readonly TailPlace[]): PlaceColumns {
  return {
    journals: places.map(({ journalId }) => journalId),
    positions: Float64Array.from(places, ({ position }) => position),
    knownTimes: Float64Array.from(places, ({ knownTimeMicros }) => knownTimeMicros),
  };
}
