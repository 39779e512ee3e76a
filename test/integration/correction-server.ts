import { randomUUID } from 'node:crypto';
import type { PaymentRow } from '../../src/domain/payment-row.ts';
import type { FeatureSet } from '../../src/features/feature-set.ts';
import type { CorrectionObservation, ObservedCorrection } from '../../src/features/online-store.ts';
import { RedisOnlineStore, type RedisStoreHooks } from '../../src/features/redis/redis-online-store.ts';
import { paymentOf, rowOf } from '../unit/features/streams.ts';
import { epochOf, NO_HOOKS } from './redis-parts.ts';

/** A server's store, on the epoch that is open or an empty one. */
export interface CorrectionServer {
  readonly store: RedisOnlineStore;
  /** What it learned of corrections that were not answered, by their requests. */
  readonly settled: ReadonlyMap<string, CorrectionObservation | null>;
  /** What a new payment between two accounts would see of its payee: how many payments ever, and up to which number. */
  countOf(
    payer: number,
    payee: number,
  ): Promise<{ readonly payee: number | undefined; readonly saw: number | undefined }>;
}

/** When the payments of {@link CorrectionServer.countOf} are, in microseconds. */
const AT_MICROS = 1_762_000_000_001_000;

/** Starts a server. @param timeoutMs how long a command may take. */
export async function correctionServer(url: string, set: FeatureSet, timeoutMs = 10_000): Promise<CorrectionServer> {
  const settled = new Map<string, CorrectionObservation | null>();
  const onCorrectionSettled: RedisStoreHooks['onCorrectionSettled'] = ({ intent }, made) =>
    settled.set(intent?.request ?? '', made);
  const store = new RedisOnlineStore(url, set, { ...NO_HOOKS, onCorrectionSettled }, timeoutMs);
  await store.connect();
  await store.rebuild(epochOf(url, set));
  return {
    store,
    settled,
    async countOf(payer, payee) {
      const payment = paymentOf(rowOf(`E${'2'.repeat(31)}`, AT_MICROS, 5, payer, payee));
      const { values, saw } = await store.readFeatures({ ...payment, atMicros: AT_MICROS });
      return { payee: values[set.names.indexOf('payee_ever')], saw: saw.payee?.seq };
    },
  };
}

/** A correction that nobody asked for before. @param row null for a retraction. */
export function correctionOf(
  endToEndId: string,
  row: PaymentRow | null,
): ObservedCorrection & { readonly request: string } {
  const request = randomUUID();
  const intent = { request, source: 'http', correctedAtMicros: AT_MICROS, raw: new Uint8Array(0) } as const;
  return { endToEndId, replacement: row && paymentOf(row), intent, request };
}
