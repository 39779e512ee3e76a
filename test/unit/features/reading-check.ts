import type { FeatureRead, FeatureReading } from '../../../src/features/online-store.ts';
import { type OracleStore, oracleVector } from './oracle.ts';
import { cellsOf, testSet } from './streams.ts';

const FEATURES = testSet(1).features;
/** Features that need the payment: its amount and what is computed from it, windows that include it or compare with it. */
const NEED_PAYMENT = new Set([
  'amount',
  'z',
  'shape',
  'twice',
  ...FEATURES.filter((one) => one.kind === 'window' && (one.current === 'include' || one.aggregate === 'is_top')).map(
    ({ name }) => name,
  ),
]);

/** Throws where a reading is not what the oracle gives for the same question. */
export function checkReading(oracle: OracleStore, { keys, atMicros, row }: FeatureRead, got: FeatureReading): void {
  const id = row?.end_to_end_id ?? 'no payment';
  const expected = oracleVector(oracle.set, oracle.items, {
    id,
    time: atMicros,
    row,
    keys,
  });
  const names = oracle.set.features.map(({ name }) => name);
  const cells = cellsOf(names, got);
  for (const [name, cell] of expected) {
    const right = row === null && NEED_PAYMENT.has(name) ? { value: Number.NaN, status: 'null' } : cell;
    const found = cells.get(name);
    if (Object.is(found?.value, right.value) && found?.status === right.status) continue;
    throw new Error(`read of ${name}: ${JSON.stringify(found)} is not ${JSON.stringify(right)}`);
  }
}
