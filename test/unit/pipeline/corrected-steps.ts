import fc from 'fast-check';
import { parsePayment } from '../../../src/domain/parse-payment.ts';
import { entityKeys } from '../../../src/domain/payment-row.ts';
import type { CorrectionRecord, JournalRecord } from '../../../src/events/journal-record.ts';
import { loadScoringProto } from '../../../src/events/scoring-proto.ts';
import type { EmbeddedStore } from '../../../src/features/embedded/embedded-store.ts';
import { correctMessage } from '../../grpc-message.ts';
import { examplePayment } from '../../payment-example.ts';
import { correction, idOf, scored, T0 } from './lake-example.ts';

/** Something that happens to one of six payments between two payers and three payees. */
const aStep = fc.record({
  kind: fc.constantFrom('pay', 'pay', 'second', 'retract', 'replace'),
  id: fc.integer({ min: 1, max: 6 }),
  payer: fc.integer({ min: 1, max: 2 }),
  payee: fc.integer({ min: 1, max: 3 }),
  reais: fc.integer({ min: 1, max: 9 }),
  minute: fc.nat(3000),
  source: fc.constantFrom('http', 'grpc'),
});
/** One of them. */
export type Step = typeof aStep extends fc.Arbitrary<infer T> ? T : never;

/** What every run begins with, so that none is without corrections that take effect. */
const CERTAIN: readonly Step[] = (['pay', 'replace', 'pay', 'retract'] as const).map((kind, at) => {
  return { kind, id: at < 2 ? 1 : 2, payer: 1, payee: 1, reais: 5, minute: 60, source: 'http' };
});

/** A payment that is replaced, one that is taken back, and then whatever happens. */
export function someSteps(random: { readonly minLength: number; readonly maxLength: number }): fc.Arbitrary<Step[]> {
  return fc.array(aStep, random).map((steps) => [...CERTAIN, ...steps]);
}

/** The body of `/v1/score` that a step sends. */
export function bodyOf({ id, payer, payee, reais, minute }: Step, side = 'PAYER'): Record<string, unknown> {
  return examplePayment({
    endToEndId: idOf(id),
    side,
    amount: `${reais}.00`,
    acceptedAt: new Date(T0 / 1000 - minute * 60_000).toISOString(),
    payer: { ispb: '12345678', document: '52998224725', account: { branch: '1', number: `10${payer}`, type: 'CACC' } },
    payee: { ispb: '1A2B3C4D', document: '12ABC34501DE35', account: { number: `20${payee}`, type: 'TRAN' } },
    device: { id: `device-${payer}` },
  });
}

/** A body as stores take it. */
export function paymentOf(body: Record<string, unknown>) {
  const { row } = parsePayment(body);
  return { row, keys: entityKeys(row) };
}

const correct = loadScoringProto().service.Correct;

/** The same correction as it comes over gRPC. */
function overGrpc(record: CorrectionRecord): CorrectionRecord {
  const body = JSON.parse(Buffer.from(record.raw).toString()) as Record<string, unknown>;
  return { ...record, source: 'grpc', raw: correct?.requestSerialize(correctMessage(body)) as Buffer };
}

/** What a store that answers the steps records of them. */
export function recordsOf(live: EmbeddedStore, steps: readonly Step[]): JournalRecord[] {
  const records: JournalRecord[] = [];
  const asked = new Map<string, Record<string, unknown>>();
  for (const [at, step] of steps.entries()) {
    const knownTimeMicros = T0 + at * 1000;
    const endToEndId = idOf(step.id);
    if (step.kind === 'pay' || step.kind === 'second') {
      const side = step.kind === 'pay' ? 'PAYER' : 'PAYEE';
      const key = `${endToEndId} ${side}`;
      // A repeat has the first answer, and another payment under the key is refused.
      if (asked.has(key)) continue;
      const body = bodyOf(step, side);
      asked.set(key, body);
      const { isEvent, numbers, saw } = live.observePayment(paymentOf(body));
      const raw = Buffer.from(JSON.stringify(body));
      records.push(scored(step.id, { knownTimeMicros, endToEndId, side, isEvent, numbers, saw, raw }));
      continue;
    }
    const body = step.kind === 'retract' ? null : bodyOf(step);
    const replacement = body === null ? null : paymentOf(body);
    const { mark: _, ...observed } = live.correctPayment({ endToEndId, replacement });
    const record = correction(step.id, body, { knownTimeMicros, ...observed });
    records.push(step.source === 'grpc' ? overGrpc(record) : record);
  }
  return records;
}
