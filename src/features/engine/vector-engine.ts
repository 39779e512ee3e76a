import { token53 } from '../../base/hash128.ts';
import { ENTITY_KINDS, type EntityKeys } from '../../domain/entity-keys.ts';
import type { PaymentRow } from '../../domain/payment-row.ts';
import { ColumnDeriver } from '../expression/derived-columns.ts';
import type { FeatureOutput } from '../feature-output.ts';
import type { FeatureSet } from '../feature-set.ts';
import { FEATURE_STATUS } from '../feature-status.ts';
import { EventWriter, type KindEvents } from './event-layout.ts';
import { ExpressionEngine } from './expression-engine.ts';
import { LabelEngine } from './label-engine.ts';
import { paymentOutputs, writeNulls } from './payment-outputs.ts';
import { WindowEngine } from './window-engine.ts';
import type { KindPlan } from './window-plan.ts';

/** Every part of a feature vector, by what it is computed from. Online and offline call the same ones. */
export interface VectorEngine {
  readonly set: FeatureSet;
  /** In the order of ENTITY_KINDS. */
  readonly windows: readonly WindowEngine[];
  readonly labels: LabelEngine;
  /** The events of a payment, one a kind of entity; the arrays are filled again by the next call. */
  write(row: PaymentRow): KindEvents;
  /**
   * Writes what is computed from the payment and from features of entities, which are there already.
   * Without a payment what needs one is null.
   */
  readRow(row: PaymentRow | null, out: FeatureOutput): void;
}

/** Builds the engines of a set, with their scratch; one for each thread. */
export function createVectorEngine(set: FeatureSet): VectorEngine {
  const plans = ENTITY_KINDS.map((kind) => set.kinds[kind]);
  const writers = plans.map(({ layout }) => new EventWriter(layout));
  const events = plans.map(({ layout }) => new Float64Array(layout.stride));
  const deriver = new ColumnDeriver();
  const expressions = new ExpressionEngine(set.expressions);
  const ofPayment = paymentOutputs(set);
  return {
    set,
    windows: plans.map((plan) => new WindowEngine(plan, set.latenessMicros, set.defaults)),
    labels: new LabelEngine(set.kinds.payee, set.latenessMicros, set.defaults),
    write(row) {
      const identity = token53(row.end_to_end_id);
      const derived = deriver.read(row);
      for (let kind = 0; kind < writers.length; kind += 1) {
        (writers[kind] as EventWriter).write(row, derived, identity, events[kind] as Float64Array);
      }
      return events;
    },
    readRow(row, out) {
      expressions.read(row, out);
      if (row === null) writeNulls(ofPayment, out);
    },
  };
}

/** Marks all features of an entity, its labels' too, as absent, for want of the entity or of the store. */
export function writeAbsent(
  plan: KindPlan,
  status: typeof FEATURE_STATUS.notFound | typeof FEATURE_STATUS.unavailable,
  out: FeatureOutput,
): void {
  for (const outputs of [plan.outputs, plan.labelOutputs]) {
    for (let at = 0; at < outputs.length; at += 1) {
      out.values[outputs[at] as number] = Number.NaN;
      out.status[outputs[at] as number] = status;
    }
  }
}

/** Room for one vector. */
export function featureOutput(set: FeatureSet): FeatureOutput {
  return { values: new Float64Array(set.names.length), status: new Uint8Array(set.names.length) };
}

/**
 * The vector of a payment whose history could not be read: what the payment itself says is there,
 * the rest is `unavailable`, or `not_found` where the payment names no such entity.
 */
export function vectorWithoutStore(engine: VectorEngine, row: PaymentRow, keys: EntityKeys): FeatureOutput {
  const out = featureOutput(engine.set);
  for (const kind of ENTITY_KINDS) {
    const status = keys[kind] === null ? FEATURE_STATUS.notFound : FEATURE_STATUS.unavailable;
    writeAbsent(engine.set.kinds[kind], status, out);
  }
  engine.readRow(row, out);
  return out;
}
