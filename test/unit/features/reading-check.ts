import type { FeatureRead, FeatureReading } from '../../../src/features/online-store.ts';
import { type OracleStore, oracleVector } from './oracle.ts';
import { cellsOf, testSet } from './streams.ts';

/** Features of {@link testSet} that need the payment: its amount, and what is computed from it. */
const NEED_PAYMENT = new Set(['amount', 'z', 'shape', 'twice']);
const NAMES = testSet(1).features.map(({ name }) => name);

/** Throws where a reading is not what the oracle gives for the same question. */
export function checkReading(oracle: OracleStore, { keys, atMicros, row }: FeatureRead, got: FeatureReading): void {
  const id = row?.end_to_end_id ?? 'no payment';
  const expected = oracleVector(oracle.set, oracle.items, {
    id,
    time: atMicros,
    row,
    keys,
  });
  const cells = cellsOf(NAMES, got);
  for (const [name, cell] of expected) {
    const right = row === null && NEED_PAYMENT.has(name) ? { value: Number.NaN, status: 'null' } : cell;
    const found = cells.get(name);
    if (Object.is(found?.value, right.value) && found?.status === right.status) continue;
    throw new Error(`read of ${name}: ${JSON.stringify(found)} is not ${JSON.stringify(right)}`);
  }
}
