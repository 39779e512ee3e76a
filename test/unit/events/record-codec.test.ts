import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byKind, type EntityNumbers, NO_NUMBERS } from '../../../src/domain/entity-keys.ts';
import type {
  CorrectionRecord,
  IntentRecord,
  JournalRecord,
  ScoredRecord,
} from '../../../src/events/journal-record.ts';
import { decodeRecord, encodeRecord, skimRecord } from '../../../src/events/record-codec.ts';

const numbers = {
  ...NO_NUMBERS,
  payer: { epoch: 2, seq: 7 },
  pair: { epoch: 2, seq: 1 },
  device: { epoch: 2, seq: 3 },
};
const payment = {
  endToEndId: 'E1234567820261101120000000000001',
  side: 'PAYEE',
  source: 'grpc',
  requestSha256: new Uint8Array(32).fill(7),
  raw: Buffer.from('{"a":"é"}'),
} as const;
const decision = {
  isEvent: true,
  numbers,
  saw: numbers,
  answer: Buffer.from('{"decision":"APPROVE"}'),
  features: Float64Array.of(1.5, Number.NaN, -0.25),
  featureStatus: Uint8Array.of(0, 2, 0),
};
const records: JournalRecord[] = [
  { kind: 'scored', knownTimeMicros: 1_700_000_000_000_001, ...payment, ...decision },
  { kind: 'payment', knownTimeMicros: 2, ...payment },
  {
    kind: 'decision',
    knownTimeMicros: 3,
    endToEndId: payment.endToEndId,
    side: 'PAYER',
    source: 'http',
    requestSha256: payment.requestSha256,
    ...decision,
  },
  {
    kind: 'label',
    knownTimeMicros: 4,
    endToEndId: payment.endToEndId,
    source: 'http',
    state: 'AGREED',
    eventTimeMicros: -5,
    payeeAccount: '12345678||1',
    number: { epoch: 1, seq: 2 ** 40 },
    raw: Buffer.from('{}'),
  },
  {
    kind: 'label',
    knownTimeMicros: 4,
    endToEndId: payment.endToEndId,
    source: 'grpc',
    state: 'CANCELLED',
    eventTimeMicros: 0,
    payeeAccount: null,
    number: null,
    raw: Buffer.alloc(0),
  },
  { kind: 'sequence', knownTimeMicros: 5, endToEndId: payment.endToEndId, side: 'PAYER', isEvent: false, numbers },
  {
    kind: 'correction',
    knownTimeMicros: 5,
    endToEndId: payment.endToEndId,
    source: 'http',
    correctedAtMicros: -7,
    isApplied: true,
    retracted: numbers,
    replaced: NO_NUMBERS,
    raw: Buffer.from('{"correctedAt":"…"}'),
  },
  { kind: 'epoch', knownTimeMicros: 6, epoch: 3, reason: 'start', silverVersion: null, offsets: { a: 1 } },
];

describe('journal records', () => {
  it.each(records.map((record) => [record.kind, record] as const))('a %s record comes back as it was', (_, record) => {
    expect(normal(decodeRecord(encodeRecord(record)))).toEqual(normal(record));
  });

  it.each(records.map((record) => [record.kind, record] as const))(
    'a skimmed %s record lacks its bodies and nothing else',
    (_, record) => {
      const skimmed = skimRecord(encodeRecord(record)) as Partial<ScoredRecord>;
      for (const body of [skimmed.raw, skimmed.answer, skimmed.features, skimmed.featureStatus]) {
        expect(body?.length ?? 0).toBe(0);
      }
      const bodies = { raw: 0, answer: 0, features: 0, featureStatus: 0 };
      expect(normal({ ...skimmed, ...bodies } as never)).toEqual(normal({ ...record, ...bodies } as never));
    },
  );

  it('a cut payload is refused', () => {
    for (const record of records) {
      const bytes = encodeRecord(record);
      expect(() => decodeRecord(bytes.subarray(0, bytes.length - 1))).toThrow(/cannot be decoded/);
    }
  });
});

const anyNumbers: fc.Arbitrary<EntityNumbers> = fc.record(
  byKind(() => fc.option(fc.record({ epoch: fc.integer({ min: 1, max: 2 ** 32 - 1 }), seq: fc.maxSafeNat() }))),
);

const anyCorrection: fc.Arbitrary<CorrectionRecord> = fc.record({
  kind: fc.constant('correction'),
  knownTimeMicros: fc.maxSafeNat(),
  endToEndId: fc.string({ maxLength: 40 }),
  source: fc.constantFrom('http', 'grpc', 'import'),
  correctedAtMicros: fc.maxSafeInteger(),
  isApplied: fc.boolean(),
  retracted: anyNumbers,
  replaced: anyNumbers,
  raw: fc.uint8Array({ maxLength: 300 }),
});

const settles = fc.record({ request: fc.string({ maxLength: 40 }), revision: fc.nat() });
const anyIntent: fc.Arbitrary<IntentRecord> = fc.record({
  kind: fc.constant('intent'),
  knownTimeMicros: fc.maxSafeNat(),
  request: fc.string({ maxLength: 40 }),
  endToEndId: fc.string({ maxLength: 40 }),
  isVoid: fc.boolean(),
  source: fc.constantFrom('http', 'grpc'),
  correctedAtMicros: fc.maxSafeInteger(),
  raw: fc.uint8Array({ maxLength: 300 }),
});
const withRedis = fc.oneof(
  anyIntent,
  fc.tuple(anyCorrection, settles).map(([record, settled]): JournalRecord => ({ ...record, settles: settled })),
);

describe('a correction', () => {
  it('with Redis comes back as it was, and so does its intent, skimmed without its body', () => {
    fc.assert(
      fc.property(withRedis, (record) => {
        const bytes = encodeRecord(record);
        expect(normal(decodeRecord(bytes))).toEqual(normal(record));
        expect(normal(skimRecord(bytes) as never)).toEqual(normal({ ...record, raw: new Uint8Array(0) } as never));
      }),
    );
  });

  it('of any kind comes back as it was, skimmed without its body', () => {
    fc.assert(
      fc.property(anyCorrection, (record) => {
        const bytes = encodeRecord(record);
        expect(normal(decodeRecord(bytes))).toEqual(normal(record));
        expect(normal(skimRecord(bytes) as never)).toEqual(normal({ ...record, raw: new Uint8Array(0) }));
      }),
    );
  });

  it('is a seventh kind: the codes of what earlier programs wrote stay', () => {
    const code = (kind: JournalRecord['kind']): number | undefined =>
      encodeRecord(records.find((record) => record.kind === kind) as JournalRecord)[0];
    expect((['scored', 'payment', 'decision', 'label', 'sequence', 'epoch', 'correction'] as const).map(code)).toEqual([
      1, 2, 3, 4, 5, 6, 7,
    ]);
  });
});

/** Views of bytes compare by their bytes. */
function normal(record: JournalRecord): unknown {
  return Object.fromEntries(
    Object.entries(record).map(([key, value]) => [
      key,
      value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
    ]),
  );
}
