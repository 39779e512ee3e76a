import { PAYMENT_COLUMNS, type PaymentRow } from '../domain/payment-row.ts';
import type { LabelFeature, WindowFeature } from '../features/definition/definition.ts';
import { durationMicros } from '../features/duration.ts';
import { WindowEdges } from '../features/engine/window-edges.ts';
import { compileCondition } from '../features/expression/condition.ts';
import { ColumnDeriver, isDerivedColumn } from '../features/expression/derived-columns.ts';
import type { SeenRecord } from './seen-records.ts';

/** A record behind a value, and whether it counts. */
export interface ExplainedRecord extends SeenRecord {
  /** What is aggregated; null where nothing is, `hidden` where it is of a person. */
  readonly value: string | number | boolean | null;
  readonly counts: boolean;
  /** Why it does not count; null where it does. */
  readonly why: string | null;
}

/** The payment that a value is of. */
export interface ExplainedPayment {
  readonly endToEndId: string | null;
  readonly timeMicros: number;
  /** The payment of a record's row. */
  readonly rowOf: (record: SeenRecord) => PaymentRow;
}

/** Begin and end of a window in event time: after `from`, up to `to`. */
export interface ExplainedWindow {
  readonly fromMicros: number;
  readonly toMicros: number;
}

const PERSONAL: ReadonlySet<string> = new Set([
  'payer_account',
  'payee_account',
  ...PAYMENT_COLUMNS.filter(({ personal }) => personal).map(({ name }) => name),
]);

/** The window of a feature as a payment at `t` has it. */
export function windowOf(feature: WindowFeature | LabelFeature, t: number): ExplainedWindow {
  const micros = (span: string | undefined): number => (span === undefined ? 0 : durationMicros(span, feature.name));
  const { window = 'all' } = feature;
  const hopMicros = micros('hop' in feature ? feature.hop : undefined);
  const isSpan = window !== 'all' && window !== 'civil_day' && window !== 'civil_month';
  const kind = isSpan ? (hopMicros > 0 ? 'hop' : 'sliding') : window;
  const sizeMicros = isSpan ? micros(window) : window === 'all' ? Number.POSITIVE_INFINITY : 0;
  const edges = new WindowEdges([{ kind, sizeMicros, hopMicros, offsetMicros: micros(feature.offset) }]);
  edges.moveTo(t);
  return { fromMicros: t - (edges.far[0] as number), toMicros: t - (edges.near[0] as number) };
}

/** Which payments count in a window, and what of them is aggregated. */
export function explainWindow(
  feature: WindowFeature,
  payment: ExplainedPayment,
  seen: readonly SeenRecord[],
): ExplainedRecord[] {
  const window = windowOf(feature, payment.timeMicros);
  const passes = conditionOf(feature);
  const read = valueReader(feature);
  const isTakenBack = takenBack(seen);
  return seen
    .filter(({ what }) => what !== 'label')
    .map((record): ExplainedRecord => {
      const row = payment.rowOf(record);
      const isOwn = record.endToEndId === payment.endToEndId;
      const why =
        isOwn && feature.current !== 'include'
          ? 'is the payment itself'
          : (whyCorrected(record, isTakenBack) ??
            whyOutside(record.eventTimeMicros, window) ??
            (passes(row) ? null : 'does not pass the filter'));
      return { ...record, value: read(row), counts: why === null, why };
    });
}

/** Events of payments that a correction took back before the row saw them. @param seen in the order of their numbers. */
function takenBack(seen: readonly SeenRecord[]): ReadonlySet<SeenRecord> {
  const events = new Map<string, SeenRecord>();
  const ended = new Set<SeenRecord>();
  for (const record of seen) {
    const before = events.get(record.endToEndId);
    if (record.what === 'payment' || record.what === 'replacement') events.set(record.endToEndId, record);
    else if (record.what === 'retraction' && before !== undefined) ended.add(before);
  }
  return ended;
}

function whyCorrected(record: SeenRecord, isTakenBack: ReadonlySet<SeenRecord>): string | null {
  if (record.what === 'retraction') return 'takes the payment back';
  return isTakenBack.has(record) ? 'was taken back by a correction' : null;
}

function whyOutside(micros: number, { fromMicros, toMicros }: ExplainedWindow): string | null {
  if (micros > toMicros) return 'is after the window';
  return micros <= fromMicros ? 'is before the window' : null;
}

function conditionOf({ filter, name }: WindowFeature): (row: PaymentRow) => boolean {
  if (filter === undefined) return () => true;
  const condition = compileCondition(filter, `feature '${name}'`);
  const deriver = new ColumnDeriver();
  return (row) => condition.holds(row, deriver.read(row));
}

function valueReader({ column }: WindowFeature): (row: PaymentRow) => ExplainedRecord['value'] {
  if (column === undefined) return () => null;
  if (PERSONAL.has(column)) return () => 'hidden';
  const deriver = new ColumnDeriver();
  return (row) => (isDerivedColumn(column) ? deriver.read(row)[column] : row[column]);
}

/**
 * Which labels count: of each payment the latest state by (event time, number) up to the instant. A
 * window is on the label's time, or on its payment's.
 */
export function explainLabels(
  feature: LabelFeature,
  payment: ExplainedPayment,
  seen: readonly SeenRecord[],
): ExplainedRecord[] {
  const window = windowOf(feature, payment.timeMicros);
  const latest = new Map<string, SeenRecord>();
  for (const record of seen) {
    if (record.what !== 'label' || record.eventTimeMicros > payment.timeMicros) continue;
    const before = latest.get(record.endToEndId);
    if (before === undefined || record.eventTimeMicros >= before.eventTimeMicros) latest.set(record.endToEndId, record);
  }
  const onPayment = feature.on === 'payment' || feature.aggregate === 'rate';
  const isTakenBack = takenBack(seen);
  const paidAt = new Map(
    seen
      .filter((record) => record.what !== 'label' && record.what !== 'retraction' && !isTakenBack.has(record))
      .map((record) => [record.endToEndId, record.eventTimeMicros]),
  );
  const states: readonly string[] = feature.states;
  return seen
    .filter(
      (record) =>
        record.what === 'label' || (feature.aggregate === 'rate' && whyCorrected(record, isTakenBack) === null),
    )
    .map((record): ExplainedRecord => {
      const micros = onPayment ? paidAt.get(record.endToEndId) : record.eventTimeMicros;
      let why: string | null = null;
      if (record.endToEndId === payment.endToEndId) why = 'is of the payment itself';
      else if (micros === undefined) why = 'its payment is not among those of the entity';
      else if (record.what === 'label' && record.eventTimeMicros > payment.timeMicros) why = 'is after the payment';
      else if (record.what === 'label' && latest.get(record.endToEndId) !== record)
        why = 'a later state of its payment is known';
      else if (record.what === 'label' && !states.includes(record.state ?? '')) why = 'is not of a state that counts';
      else why = whyOutside(micros, window) ?? whyImmature(feature, micros, payment.timeMicros);
      return { ...record, value: null, counts: why === null, why };
    });
}

function whyImmature({ denominator, maturity, name }: LabelFeature, paidMicros: number, t: number): string | null {
  if (denominator !== 'matured') return null;
  return paidMicros + durationMicros(maturity ?? '91d', name) > t ? 'its payment is not mature' : null;
}
