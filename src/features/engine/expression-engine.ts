import type { PaymentRow } from '../../domain/payment-row.ts';
import type { BoundExpression } from '../definition/bind-expressions.ts';
import { compileExpression } from '../expression/compile-expression.ts';
import { ColumnDeriver } from '../expression/derived-columns.ts';
import { type Part, Registers } from '../expression/registers.ts';
import { columnsOf, sizeOf } from '../expression/typed-expression.ts';
import type { FeatureOutput } from '../feature-output.ts';
import { FEATURE_STATUS } from '../feature-status.ts';

/** A compiled expression: its steps end before `end`, and what it gives is then in a register. */
interface Placed {
  readonly output: number;
  readonly part: Part;
  readonly end: number;
}

/** Computes the features that are expressions, inputs first. It has scratch of its own: one for each thread. */
export class ExpressionEngine {
  readonly #registers: Registers;
  readonly #deriver: ColumnDeriver | null;
  /** Features of entities that expressions read, by their places in the vector, and their registers. */
  readonly #inputs: Int32Array;
  readonly #inputRegisters: Int32Array;
  readonly #placed: readonly Placed[];

  constructor(expressions: readonly BoundExpression[]) {
    const trees = expressions.map(({ expression }) => expression);
    const columns = new Set(trees.flatMap((tree) => [...columnsOf(tree)]));
    const registers = new Registers(
      columns,
      trees.reduce((size, tree) => size + sizeOf(tree), 0),
    );
    const inputs = new Map<number, Part>();
    const features = new Map<number, Part>();
    const featureAt = (output: number): Part => {
      const known = features.get(output);
      if (known !== undefined) return known;
      const part = registers.takeNumber(() => registers.status[output] as number);
      features.set(output, part);
      inputs.set(output, part);
      return part;
    };
    this.#placed = expressions.map(({ output, expression }) => {
      const part = compileExpression(expression, registers, featureAt);
      // To later expressions its status is what was written for it.
      features.set(output, { ...part, status: () => registers.status[output] as number });
      return { output, part, end: registers.steps.length };
    });
    this.#registers = registers;
    this.#deriver = registers.readsDerived ? new ColumnDeriver() : null;
    this.#inputs = Int32Array.from(inputs.keys());
    this.#inputRegisters = Int32Array.from(inputs.values(), ({ at }) => at);
  }

  /**
   * Writes the expressions of a payment; all other features are in `out` already. Without a payment no column has a
   * value.
   */
  read(row: PaymentRow | null, out: FeatureOutput): void {
    const { values, status } = out;
    const registers = this.#registers;
    const { numbers, steps } = registers;
    registers.load(row, row === null || this.#deriver === null ? null : this.#deriver.read(row));
    registers.status = status;
    for (let at = 0; at < this.#inputs.length; at += 1) {
      numbers[this.#inputRegisters[at] as number] = values[this.#inputs[at] as number] as number;
    }
    const placed = this.#placed;
    let step = 0;
    for (let at = 0; at < placed.length; at += 1) {
      const { output, part, end } = placed[at] as Placed;
      for (; step < end; step += 1) (steps[step] as () => void)();
      // Adding 0 makes −0 into 0; NaN stays.
      const value = (numbers[part.at] as number) + 0;
      values[output] = value;
      status[output] = Number.isNaN(value) ? part.status() : FEATURE_STATUS.present;
    }
  }
}
