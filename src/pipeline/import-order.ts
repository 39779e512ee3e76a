import { canonicalJson } from '../base/canonical-json.ts';
import { AppError, messageOf } from '../base/errors.ts';
import { type TimeHeap, timeHeap } from '../base/time-heap.ts';
import { accountKey } from '../domain/entity-keys.ts';
import { instantOfMicros } from '../domain/instant.ts';
import type { LabelState } from '../domain/label.ts';
import { type ParsedLabel, parseLabel } from '../domain/parse-label.ts';
import type { PaymentRow } from '../domain/payment-row.ts';
import type { FileRecord } from './import-lines.ts';
import type { ImportMapping } from './import-mapping.ts';
import { type BadRow, type GoodRow, type ImportedRow, jsonText, parseJson } from './import-row.ts';

/** Steps that {@link mergedSteps} hands on at once. */
const MERGED_STEPS = 1000;

/** When something was learned, and whether that is a guess. */
interface Known {
  /** Microseconds since 1970. */
  readonly knownMicros: number;
  readonly assumed: boolean;
}

/** A label on its way into the lake. */
export interface ImportedLabel {
  readonly line: number;
  /** Whether the line is one of the payments' file. */
  readonly ofRow: boolean;
  readonly raw: Buffer;
  /** Canonical JSON of the body of `/v1/labels`. */
  readonly label: string;
  readonly endToEndId: string;
  readonly state: LabelState;
  readonly eventMicros: number;
  readonly payeeAccount: string | null;
}

/** A correction on its way into the lake. */
export interface ImportedCorrection {
  readonly line: number;
  readonly raw: Buffer;
  /** Canonical JSON of the body of `/v1/corrections`. */
  readonly correction: string;
  readonly endToEndId: string;
  readonly correctedAtMicros: number;
  /** The payment as it is now; null where it is retracted. */
  readonly replacement: PaymentRow | null;
}

/** What an import does, in the order of its numbers. */
export type ImportStep =
  | (Known & { readonly kind: 'payment'; readonly row: GoodRow })
  | (Known & { readonly kind: 'label'; readonly label: ImportedLabel })
  | (Known & { readonly kind: 'correction'; readonly correction: ImportedCorrection })
  | (Known & { readonly kind: 'bad'; readonly table: 'transactions' | 'labels' | 'corrections'; readonly bad: BadRow });

/** A row of the payments' file with its known time. */
export interface TimedRow extends Known {
  readonly row: ImportedRow;
}

/**
 * Gives each row its known time. Under `running_max` the times never fall, so the file's order is
 * the order of numbers; under the other rules the rows are still to be sorted.
 *
 * @param startMicros known time of a bad record before the first good one.
 */
export async function* timedRows(
  batches: AsyncIterable<readonly ImportedRow[]>,
  startMicros: number,
): AsyncGenerator<TimedRow[]> {
  let newest = Number.NEGATIVE_INFINITY;
  for await (const batch of batches) {
    yield batch.map((row): TimedRow => {
      if (row.kind === 'payment') {
        if (row.knownMicros !== null) {
          newest = row.knownMicros;
          return { row, knownMicros: row.knownMicros, assumed: false };
        }
        newest = Math.max(newest, row.row.event_time);
      }
      return { row, knownMicros: Number.isFinite(newest) ? newest : startMicros, assumed: true };
    });
  }
}

/** Reads a file of labels, bodies of `/v1/labels`; known at the running maximum of their event times. */
export function labelSteps(
  batches: AsyncIterable<readonly FileRecord[]>,
  startMicros: number,
): AsyncGenerator<ImportStep[]> {
  return lineSteps(batches, startMicros, 'labels', ({ line, bytes }) => {
    const label = importedLabel(line, bytes, parseLabel(parseJson(jsonText(bytes))));
    return { atMicros: label.eventMicros, step: { kind: 'label', label } };
  });
}

/** What a good line is, and when that happened. */
interface ReadLine {
  readonly atMicros: number;
  readonly step:
    | { readonly kind: 'label'; readonly label: ImportedLabel }
    | { readonly kind: 'correction'; readonly correction: ImportedCorrection };
}

/**
 * Reads a file beside the payments', line by line; each is known at the running maximum of when it happened.
 *
 * @param startMicros known time of a bad line before the first good one.
 * @param read what throws as an AppError is the line's own fault and ends in the quarantine of `table`.
 */
export async function* lineSteps(
  batches: AsyncIterable<readonly FileRecord[]>,
  startMicros: number,
  table: 'labels' | 'corrections',
  read: (record: FileRecord) => ReadLine,
): AsyncGenerator<ImportStep[]> {
  let newest = Number.NEGATIVE_INFINITY;
  for await (const batch of batches) {
    yield batch.map((record): ImportStep => {
      const { line, bytes: raw } = record;
      try {
        if (record.problem !== null) throw new AppError('too_large', record.problem.reason);
        const { atMicros, step } = read(record);
        newest = Math.max(newest, atMicros);
        return { ...step, knownMicros: newest, assumed: true };
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        const knownMicros = Number.isFinite(newest) ? newest : startMicros;
        const bad: BadRow = { kind: 'bad', line, raw, code: error.code, reason: messageOf(error) };
        return { kind: 'bad', table, knownMicros, assumed: true, bad };
      }
    });
  }
}

/** Two streams that are in the order of known times as one that is: of equal times the first comes first. */
export async function* mergedSteps(
  first: AsyncIterable<readonly ImportStep[]>,
  second: AsyncIterable<readonly ImportStep[]>,
): AsyncGenerator<ImportStep[]> {
  const [a, b] = [cursor(first), cursor(second)];
  for (;;) {
    const steps: ImportStep[] = [];
    while (steps.length < MERGED_STEPS) {
      const [ofA, ofB] = [a.known ?? (await a.load()), b.known ?? (await b.load())];
      if (Math.min(ofA, ofB) === Number.POSITIVE_INFINITY) break;
      steps.push(ofA <= ofB ? a.take() : b.take());
    }
    if (steps.length === 0) return;
    yield steps;
  }
}

function importedLabel(line: number, raw: Buffer, parsed: ParsedLabel): ImportedLabel {
  return {
    line,
    ofRow: false,
    raw,
    label: canonicalJson(parsed.label),
    endToEndId: parsed.endToEndId,
    state: parsed.state,
    eventMicros: parsed.eventTimeMicros,
    payeeAccount: parsed.payeeAccount,
  };
}

/**
 * Payments, the labels that their rows hold, and what the files beside them hold (labels, corrections), by (known time,
 * payments before the rest, line); with `ties: before_payments` the labels of rows come before other payments of their known
 * time. What comes in must be in that order already.
 */
export async function* importSteps(
  payments: AsyncIterable<readonly TimedRow[]>,
  beside: AsyncIterable<readonly ImportStep[]>,
  rule: ImportMapping['label'],
): AsyncGenerator<ImportStep[]> {
  const pending = timeHeap<ImportStep>();
  const fromFile = cursor(beside);
  for await (const batch of payments) {
    const steps: ImportStep[] = [];
    for (const timed of batch) {
      // A label of the same known time comes after the payments of that time. What is wrong was known at no time of the file.
      if (timed.row.kind === 'payment') await takeLabels(pending, fromFile, timed.knownMicros, steps);
      const step = paymentStep(timed);
      steps.push(step);
      if (step.kind === 'payment') rowLabels(step, rule, pending);
    }
    yield steps;
  }
  const rest: ImportStep[] = [];
  await takeLabels(pending, fromFile, Number.POSITIVE_INFINITY, rest);
  if (rest.length > 0) yield rest;
}

function paymentStep({ row, knownMicros, assumed }: TimedRow): ImportStep {
  if (row.kind === 'payment') return { kind: 'payment', knownMicros, assumed, row };
  return { kind: 'bad', table: 'transactions', knownMicros, assumed, bad: row };
}

/** The label that a row holds: known after its delay, and never before the row itself. */
function rowLabels(
  step: ImportStep & { readonly kind: 'payment' },
  rule: ImportMapping['label'],
  pending: TimeHeap<ImportStep>,
): void {
  const { row, knownMicros } = step;
  const { line, raw } = row;
  if (row.labelProblem !== null) {
    const bad: BadRow = { kind: 'bad', line, raw, code: 'invalid_label', reason: row.labelProblem };
    pending.push(knownMicros, { kind: 'bad', table: 'labels', knownMicros, assumed: step.assumed, bad });
  }
  if (row.label === null) return;
  const eventMicros = row.row.event_time + (rule?.delayMicros ?? 0);
  const endToEndId = row.row.end_to_end_id;
  const body = { endToEndId, state: row.label, eventTime: instantOfMicros(eventMicros) };
  const { payee_ispb: ispb, payee_branch: branch, payee_number: number } = row.row;
  const label: ImportedLabel = {
    line,
    ofRow: true,
    raw,
    label: canonicalJson(body),
    endToEndId,
    state: row.label,
    eventMicros,
    payeeAccount: accountKey({ ispb, branch, number }),
  };
  const known = Math.max(eventMicros, knownMicros);
  // Times are whole, so half a microsecond earlier is before the payments of that time and after all others.
  const place = rule?.ties === 'before_payments' ? known - 0.5 : known;
  pending.push(place, { kind: 'label', knownMicros: known, assumed: step.assumed && known === knownMicros, label });
}

/** Takes the labels whose known time is before `before`; those of rows first where times are equal. */
async function takeLabels(
  pending: TimeHeap<ImportStep>,
  fromFile: Cursor<ImportStep>,
  before: number,
  steps: ImportStep[],
): Promise<void> {
  for (;;) {
    const known = fromFile.known ?? (await fromFile.load());
    const own = pending.nextMicros();
    const next = Math.min(own, known);
    if (!(next < before) || next === Number.POSITIVE_INFINITY) return;
    steps.push(own <= known ? pending.pop() : fromFile.take());
  }
}

interface Cursor<T> {
  /** Known time of the next item, before all others of what is wrong; undefined where the next batch is still to be read. */
  readonly known: number | undefined;
  /** Reads on; Infinity at the end. */
  load(): Promise<number>;
  take(): T;
}

function cursor(batches: AsyncIterable<readonly ImportStep[]>): Cursor<ImportStep> {
  const source = batches[Symbol.asyncIterator]();
  let batch: readonly ImportStep[] = [];
  let at = 0;
  let ended = false;
  const known = (): number | undefined => {
    if (ended) return Number.POSITIVE_INFINITY;
    const item = batch[at];
    // What is wrong holds nothing up: it goes where it stood.
    return item?.kind === 'bad' ? Number.NEGATIVE_INFINITY : item?.knownMicros;
  };
  return {
    get known() {
      return known();
    },
    async load() {
      while (known() === undefined) {
        const next = await source.next();
        at = 0;
        if (next.done === true) ended = true;
        else batch = next.value;
      }
      return known() ?? Number.POSITIVE_INFINITY;
    },
    take() {
      const item = batch[at];
      if (item === undefined) throw new Error('a step was taken that is not there');
      at += 1;
      return item;
    },
  };
}
