import { assert } from '../../base/assert.ts';
import { AppError } from '../../base/errors.ts';
import { ENTITY_KINDS } from '../../domain/entity-keys.ts';
import { STATUS_SUFFIX } from '../../features/definition/reserved-names.ts';
import { outputsOfKind } from '../../features/engine/history-block.ts';
import {
  createVectorEngine,
  featureOutput,
  type VectorEngine,
  writeAbsent,
} from '../../features/engine/vector-engine.ts';
import type { FeatureSet } from '../../features/feature-set.ts';
import { FEATURE_STATUS } from '../../features/feature-status.ts';
import { paymentRows } from '../../governance/payment-reader.ts';
import { field, type StructType, structOf } from '../../storage/types/delta-type.ts';
import { FeatureCells } from '../feature-cells.ts';
import type { HistoryPiece } from '../read-history.ts';
import { sparkPlan } from './spark-plan.ts';
import type { SparkRows } from './spark-rows.ts';
import type { SparkTask } from './spark-task.ts';

/** What a row of the second stage is where it is no block: the payment, which comes behind its blocks. */
export const PAYMENT_PART = ENTITY_KINDS.length;

/** What is answered: keys, then a double a feature, with its status where asked. */
export function vectorSchema({ features, statuses }: Pick<SparkTask, 'features' | 'statuses'>): StructType {
  return structOf([
    field('end_to_end_id', 'string'),
    field('side', 'string'),
    field('event_time', 'timestamp'),
    ...features.flatMap((name) => [
      field(name, 'double'),
      ...(statuses ? [field(`${name}${STATUS_SUFFIX}`, 'string')] : []),
    ]),
  ]);
}

/**
 * Makes vectors of blocks and payments.
 *
 * @param pieces rows sorted by (end_to_end_id, side, part).
 * @throws AppError `table_corrupt` where a payment is there twice, or not all of its blocks are.
 */
export async function* vectorStage(
  set: FeatureSet,
  { features, statuses }: Pick<SparkTask, 'features' | 'statuses'>,
  pieces: Iterable<SparkRows> | AsyncIterable<SparkRows>,
): AsyncGenerator<HistoryPiece> {
  const columns = ['end_to_end_id', 'side', 'event_time', ...sparkPlan(set, [], null).vectorColumns.map(nameOf)];
  const engine = createVectorEngine(set);
  const vector = new OpenVector(set, engine);
  const places = features.map((name) => set.indexOf(name));
  for await (const rows of pieces) {
    const payment = paymentRows(rows, columns);
    const payments = rows.numbers('part').filter((part) => part === PAYMENT_PART).length;
    const cells = new FeatureCells(places, statuses, payments);
    const keys: [string[], string[], number[]] = [[], [], []];
    const [ids, sides, parts] = [rows.texts('end_to_end_id'), rows.texts('side'), rows.numbers('part')];
    const [values, statusBytes] = [rows.bytes('block_values'), rows.bytes('block_statuses')];
    const [times, entityCounts] = [rows.numbers('event_time'), rows.numbers('entity_count')];
    for (let row = 0; row < rows.count; row += 1) {
      const [id, side] = [ids[row] ?? '', sides[row] ?? ''];
      const part = parts[row] as number;
      if (part !== PAYMENT_PART) {
        vector.take(id, side, part, values[row] ?? null, statusBytes[row] ?? null);
        continue;
      }
      vector.close(id, side, entityCounts[row] as number);
      engine.readRow(payment(row), vector.out);
      cells.add(vector.out);
      keys[0].push(id);
      keys[1].push(side);
      keys[2].push(times[row] as number);
      vector.open();
    }
    if (payments > 0) yield { rows: payments, columns: [...keys, ...cells.columns()] };
  }
}

function nameOf({ name }: { readonly name: string }): string {
  return name;
}

/** The vector of the payment whose rows come; what no block says is of an entity that the payment does not name. */
class OpenVector {
  readonly out;
  readonly #set: FeatureSet;
  readonly #outputs: readonly Int32Array[];
  /** Blocks are nowhere in particular in the memory of a batch: doubles are copied to where they may be read. */
  readonly #floats: Float64Array;
  readonly #bytes: Uint8Array;
  #id = '';
  #side = '';
  #blocks = 0;

  constructor(set: FeatureSet, engine: VectorEngine) {
    this.out = featureOutput(engine.set);
    this.#set = set;
    this.#outputs = ENTITY_KINDS.map((kind) => outputsOfKind(set.kinds[kind]));
    this.#floats = new Float64Array(set.names.length);
    this.#bytes = new Uint8Array(this.#floats.buffer);
    this.open();
  }

  open(): void {
    this.#blocks = 0;
    for (const kind of ENTITY_KINDS) writeAbsent(this.#set.kinds[kind], FEATURE_STATUS.notFound, this.out);
  }

  take(id: string, side: string, part: number, values: Uint8Array | null, statuses: Uint8Array | null): void {
    const outputs = this.#outputs[part];
    assert(outputs !== undefined && values?.length === outputs.length * 8, 'a block has a double for each output');
    assert(statuses?.length === outputs.length, 'a block has a byte for each output');
    if (this.#blocks > 0) this.#check(id, side);
    this.#id = id;
    this.#side = side;
    this.#blocks += 1;
    this.#bytes.set(values);
    for (let at = 0; at < outputs.length; at += 1) {
      this.out.values[outputs[at] as number] = this.#floats[at] as number;
      this.out.status[outputs[at] as number] = statuses[at] as number;
    }
  }

  /** @param blocks how many the payment must have. */
  close(id: string, side: string, blocks: number): void {
    if (this.#blocks > 0) this.#check(id, side);
    if (this.#blocks !== blocks) throw twice();
  }

  #check(id: string, side: string): void {
    if (this.#id !== id || this.#side !== side) throw twice();
  }
}

function twice(): AppError {
  return new AppError(
    'table_corrupt',
    'a payment of silver has other rows than one a side, or its decisions have: look at silver with `sentinela table fsck`',
  );
}
