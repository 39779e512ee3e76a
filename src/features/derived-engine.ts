import type { DerivedExpression, DerivedFeature } from './definition.ts';
import { FEATURE_STATUS } from './feature-status.ts';
import type { FeatureOutput } from './window-engine.ts';
import type { Placed } from './window-plan.ts';

const { present, null: nothing, notFound, unavailable } = FEATURE_STATUS;

type Derive = (out: FeatureOutput) => number;

interface Step {
  readonly output: number;
  readonly inputs: readonly number[];
  readonly derive: Derive;
  /** Whether the expression speaks of statuses and so has a value where its input has none. */
  readonly onStatus: boolean;
}

/** Computes features from other features, in an order in which inputs come first. */
export class DerivedEngine {
  readonly #steps: readonly Step[];

  /** @param outputOf place of a feature by its name; @param features ordered, inputs first. */
  constructor(features: readonly Placed<DerivedFeature>[], outputOf: (name: string) => number) {
    this.#steps = features.map(({ feature, output }) => {
      const inputs = feature.value.of.map(outputOf);
      const { op } = feature.value;
      return {
        output,
        inputs,
        derive: compile(feature.value, inputs),
        onStatus: op === 'absent' || op === 'never_seen',
      };
    });
  }

  /** Writes the derived features; all others are in `out` already. */
  read(out: FeatureOutput): void {
    const steps = this.#steps;
    for (let at = 0; at < steps.length; at += 1) {
      const step = steps[at] as Step;
      const missing = step.onStatus ? present : missingOf(step.inputs, out);
      // Adding 0 makes −0 into 0; NaN stays.
      const value = missing === present ? step.derive(out) + 0 : Number.NaN;
      out.values[step.output] = value;
      out.status[step.output] = !Number.isNaN(value)
        ? present
        : missing !== present
          ? missing
          : step.onStatus
            ? unavailable
            : nothing;
    }
  }
}

/** Status of the first input without a value; `present` where all have one. */
function missingOf(inputs: readonly number[], out: FeatureOutput): number {
  for (let at = 0; at < inputs.length; at += 1) {
    const input = inputs[at] as number;
    const value = out.values[input] as number;
    if (Number.isNaN(value)) return out.status[input] as number;
  }
  return present;
}

function compile(expression: DerivedExpression, inputs: readonly number[]): Derive {
  const [a = 0, b = 0, c = 0] = inputs;
  const value = (out: FeatureOutput, input: number): number => out.values[input] as number;
  switch (expression.op) {
    case 'ratio':
      return (out) => (value(out, b) === 0 ? Number.NaN : value(out, a) / value(out, b));
    case 'difference':
      return (out) => value(out, a) - value(out, b);
    case 'z_score':
      return (out) => (value(out, c) === 0 ? Number.NaN : (value(out, a) - value(out, b)) / value(out, c));
    case 'absent':
      return (out) => (Number.isNaN(value(out, a)) ? 1 : 0);
    case 'never_seen':
      return (out) => {
        const status = out.status[a];
        return status === unavailable ? Number.NaN : status === notFound ? 1 : 0;
      };
    case 'above': {
      const { than } = expression;
      return (out) => (value(out, a) > than ? 1 : 0);
    }
  }
}
