import type { PaymentRow } from '../domain/payment-row.ts';
import { ExpressionEngine } from './expression-engine.ts';
import type { FeatureSet } from './feature-set.ts';
import { FEATURE_STATUS } from './feature-status.ts';
import { LabelEngine } from './label-engine.ts';
import { type FeatureOutput, WindowEngine } from './window-engine.ts';
import type { KindPlan } from './window-plan.ts';

/** Every part of a feature vector, by what it is computed from. Online and offline call the same ones. */
export interface VectorEngine {
  readonly set: FeatureSet;
  readonly payer: WindowEngine;
  readonly payee: WindowEngine;
  readonly pair: WindowEngine;
  readonly labels: LabelEngine;
  /** Reads the others' outputs. */
  readonly expressions: ExpressionEngine;
}

/** Builds the engines of a set, with their scratch; one for each thread. */
export function createVectorEngine(set: FeatureSet): VectorEngine {
  const window = (plan: KindPlan): WindowEngine => new WindowEngine(plan, set.latenessMicros, set.defaults);
  return {
    set,
    payer: window(set.kinds.payer),
    payee: window(set.kinds.payee),
    pair: window(set.kinds.pair),
    labels: new LabelEngine(set.kinds.payee, set.defaults),
    expressions: new ExpressionEngine(set.expressions),
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
export function vectorWithoutStore(
  engine: VectorEngine,
  row: PaymentRow,
  keys: { readonly payer: string | null; readonly payee: string | null; readonly pair: string | null },
): FeatureOutput {
  const out = featureOutput(engine.set);
  for (const kind of ['payer', 'payee', 'pair'] as const) {
    const status = keys[kind] === null ? FEATURE_STATUS.notFound : FEATURE_STATUS.unavailable;
    writeAbsent(engine.set.kinds[kind], status, out);
  }
  engine.expressions.read(row, out);
  return out;
}
