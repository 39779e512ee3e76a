import { Client, credentials, loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadScoringProto } from '../../src/events/scoring-proto.ts';
import { callUnary, type Reply } from '../grpc-client.ts';
import { correctMessage, scoreMessage } from '../grpc-message.ts';
import { examplePayment } from '../payment-example.ts';
import { type RunningServer, startServer } from '../running-server.ts';

let server: RunningServer;
let client: Client;
const proto = loadScoringProto();

const { Score: method, Correct: correctMethod } = proto.service;

beforeAll(async () => {
  server = await startServer();
  client = new Client(server.grpcAddress, credentials.createInsecure());
});
afterAll(async () => {
  client.close();
  expect(await server.stop()).toBe(0);
});

/** Sends bytes as a request of a method, Score unless told. */
const send = (bytes: Buffer, to = method): Promise<Reply> => callUnary(client, to, bytes);
const score = (message: object): Promise<Reply> => send(method?.requestSerialize(message) as Buffer);
const correct = (message: object): Promise<Reply> =>
  send(correctMethod?.requestSerialize(message) as Buffer, correctMethod);

describe('Scoring.Score', () => {
  it('means the same as POST /v1/score: a repeat over the other way in gets the first answer', async () => {
    const payment = examplePayment({ endToEndId: `E12345678202611011300${'0'.repeat(10)}1` });
    const http = (await (await server.post('/v1/score', payment)).json()) as Record<string, unknown>;
    const { error, response, replayed } = await score(scoreMessage(payment));
    expect(error).toBeNull();
    expect(replayed).toBe(true);
    const { score: value, decidedAt, expiresAt, reasons, degraded, ...rest } = http;
    expect(response).toMatchObject(rest);
    expect(response?.score).toBe(value);

    const other = examplePayment({ endToEndId: `E12345678202611011300${'0'.repeat(10)}2` });
    const first = await score(scoreMessage(other));
    expect(first.replayed).toBe(false);
    const again = await score(scoreMessage(other));
    expect(again.replayed).toBe(true);
    expect(again.response).toEqual(first.response);
    const overHttp = await server.post('/v1/score', other);
    expect(overHttp.headers.get('idempotent-replayed')).toBe('true');
    expect(await overHttp.json()).toMatchObject({ decision: first.response?.decision, score: first.response?.score });
  });

  it('refuses another payment under the same key with ALREADY_EXISTS', async () => {
    const payment = scoreMessage(examplePayment({ endToEndId: `E12345678202611011300${'0'.repeat(10)}3` }));
    await score(payment);
    const { error } = await score({ ...payment, amountCentavos: 1 });
    expect(error?.code).toBe(6);
    expect(error?.metadata.get('sentinela-code')).toEqual(['key_reused']);
  });

  it('names the field of a bad payment', async () => {
    const payment = scoreMessage(examplePayment());
    for (const [change, field] of [
      [{ amountCentavos: -1 }, /amount_centavos/],
      [{ side: 0 }, /side/],
      [{ localInstrument: '' }, /localInstrument/],
      [{ payer: undefined }, /payer/],
      [{ acceptedAt: undefined }, /acceptedAt/],
    ] as const) {
      const { error } = await score({ ...payment, ...change });
      expect(error?.code).toBe(3);
      expect(error?.details).toMatch(field);
    }
  });

  it('answers undecodable bytes with INVALID_ARGUMENT', async () => {
    const { error } = await send(Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff]));
    expect(error?.code).toBe(3);
    expect(error?.metadata.get('sentinela-code')).toEqual(['invalid_protobuf']);
  });

  it('survives 2,000 fuzzed messages without an internal error', { timeout: 120_000 }, async () => {
    const good = method?.requestSerialize(scoreMessage(examplePayment())) as Buffer;
    const mutated = fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => {
      const copy = Buffer.from(good);
      copy[at] = byte;
      return copy;
    });
    const random = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
    await fc.assert(
      fc.asyncProperty(fc.oneof(mutated, mutated, random), async (bytes) => {
        const { error } = await send(bytes);
        expect([null, 3, 6]).toContain(error?.code ?? null);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('Scoring.Correct', () => {
  const correctedAt = '2026-11-02T12:00:00Z';
  let counter = 0;
  const freshPayment = (changes: Record<string, unknown> = {}): Record<string, unknown> => {
    counter += 1;
    return examplePayment({ endToEndId: `E12345678202611011400${String(counter).padStart(11, '0')}`, ...changes });
  };
  const payeeOf = (number: string) => ({
    ispb: '87654321',
    document: '12ABC34501DE35',
    account: { number, type: 'CACC' },
  });
  /** How much a fresh payment sees that its payee got before; the payment itself is taken back, over gRPC. */
  const sumSeen = async (payee: object): Promise<unknown> => {
    const payment = freshPayment({ payee });
    const { endToEndId } = payment;
    await server.post('/v1/score', payment);
    const shown = (await (await fetch(`${server.url}/v1/decisions/${endToEndId}/PAYER`)).json()) as {
      features: { name: string; value: unknown }[];
    };
    const taken = await correct(correctMessage({ endToEndId, correctedAt }));
    expect([taken.error, taken.response]).toEqual([null, { applied: true }]);
    return shown.features.find(({ name }) => name === 'payee_sum_24h')?.value;
  };

  it('takes a payment back and puts one in its place, as POST /v1/corrections does', async () => {
    const [payee, other] = [payeeOf('700001'), payeeOf('700002')];
    const payment = freshPayment({ payee, amount: '10.00' });
    const { endToEndId } = payment;
    await score(scoreMessage(payment));
    const sum = Number(await sumSeen(payee));
    expect(sum).toBeGreaterThan(0);
    const dearer = { endToEndId, correctedAt, payment: { ...payment, amount: '30.00' } };
    const moved = { endToEndId, correctedAt, payment: { ...payment, payee: other } };
    // Sent twice, as after a lost answer, and once more over the other way in.
    for (let again = 0; again < 2; again += 1) {
      expect((await correct(correctMessage(dearer))).response).toEqual({ applied: true });
      expect(await sumSeen(payee)).toBe(3 * sum);
    }
    expect(await (await server.post('/v1/corrections', dearer)).json()).toEqual({ accepted: true, applied: true });
    expect(await sumSeen(payee)).toBe(3 * sum);
    expect((await correct(correctMessage(moved))).error).toBeNull();
    expect([await sumSeen(payee), await sumSeen(other)]).toEqual([0, sum]);
    expect((await correct(correctMessage({ endToEndId, correctedAt }))).error).toBeNull();
    expect(await sumSeen(other)).toBe(0);
    const unknown = await correct(correctMessage({ endToEndId: 'Z'.repeat(32), correctedAt }));
    expect([unknown.error, unknown.response?.applied ?? false]).toEqual([null, false]);
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toMatch(/sentinela_corrections_total\{effect="unknown"\} 1/);
    expect(metrics).toMatch(/sentinela_corrections_total\{effect="replacement"\} 4/);
  });

  it('names what is wrong as POST /v1/corrections does', async () => {
    const payment = freshPayment();
    const good = correctMessage({ endToEndId: payment.endToEndId, correctedAt, payment });
    const ofPayment = (changes: object) => ({ ...good, payment: { ...(good.payment as object), ...changes } });
    const ahead = { seconds: Math.floor(Date.now() / 1000) + 13 * 3600, nanos: 0 };
    const cases: [object, string, RegExp][] = [
      [{ ...good, endToEndId: '' }, 'invalid_correction', /^endToEndId /],
      [{ ...good, correctedAt: undefined }, 'invalid_correction', /^correctedAt is missing/],
      [{ ...good, correctedAt: { seconds: 0, nanos: -1 } }, 'invalid_correction', /^correctedAt is not a real/],
      [{ ...good, correctedAt: ahead }, 'in_future', /12 h ahead/],
      [{ ...good, payment: {} }, 'invalid_correction', /^payment\./],
      [ofPayment({ endToEndId: 'Z'.repeat(32) }), 'invalid_correction', /^payment\.endToEndId is not endToEndId/],
      [ofPayment({ amountCentavos: -1 }), 'invalid_correction', /^payment\.amount_centavos /],
      [ofPayment({ acceptedAt: { seconds: 0, nanos: -1 } }), 'invalid_correction', /^payment\.acceptedAt /],
      [ofPayment({ acceptedAt: ahead }), 'in_future', /12 h ahead/],
      [ofPayment({ payer: undefined }), 'invalid_correction', /^payment\.payer is missing/],
    ];
    for (const [message, code, told] of cases) {
      const { error } = await correct(message);
      expect([error?.code, error?.metadata.get('sentinela-code')], error?.details).toEqual([3, [code]]);
      expect(error?.details).toMatch(told);
      expect(error?.details).not.toContain('52998224725');
    }
    const { error } = await send(Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff]), correctMethod);
    expect([error?.code, error?.metadata.get('sentinela-code')]).toEqual([3, ['invalid_protobuf']]);
  });

  it('survives 1,000 fuzzed messages without an internal error', { timeout: 120_000 }, async () => {
    const payment = freshPayment();
    const message = correctMessage({ endToEndId: payment.endToEndId, correctedAt, payment });
    const good = correctMethod?.requestSerialize(message) as Buffer;
    const mutated = fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => {
      const copy = Buffer.from(good);
      copy[at] = byte;
      return copy;
    });
    await fc.assert(
      fc.asyncProperty(mutated, async (bytes) => {
        const { error } = await send(bytes, correctMethod);
        expect([null, 3]).toContain(error?.code ?? null);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('beside scoring', () => {
  it('tells its health', async () => {
    const definition = loadSync(
      new URL('../../node_modules/grpc-health-check/proto/health/v1/health.proto', import.meta.url).pathname,
    );
    const health = loadPackageDefinition(definition) as unknown as {
      grpc: {
        health: {
          v1: {
            Health: new (
              address: string,
              creds: unknown,
            ) => { check(request: object, done: (error: unknown, reply: { status: string }) => void): void };
          };
        };
      };
    };
    const checker = new health.grpc.health.v1.Health(server.grpcAddress, credentials.createInsecure());
    const reply = await new Promise<{ status: string | number }>((resolve, reject) =>
      checker.check({ service: 'sentinela.scoring.v1.Scoring' }, (error, value) =>
        error ? reject(error) : resolve(value),
      ),
    );
    expect([1, 'SERVING']).toContain(reply.status);
  });

  it('lists its services by reflection', async () => {
    const definition = loadSync(
      new URL('../../node_modules/@grpc/reflection/build/proto/grpc/reflection/v1/reflection.proto', import.meta.url)
        .pathname,
    );
    const loaded = loadPackageDefinition(definition) as unknown as {
      grpc: {
        reflection: {
          v1: {
            ServerReflection: new (
              address: string,
              creds: unknown,
            ) => { serverReflectionInfo(): NodeJS.ReadWriteStream & { write(value: object): void } };
          };
        };
      };
    };
    const reflection = new loaded.grpc.reflection.v1.ServerReflection(server.grpcAddress, credentials.createInsecure());
    const stream = reflection.serverReflectionInfo();
    const reply = await new Promise<{ listServicesResponse: { service: { name: string }[] } }>((resolve, reject) => {
      stream.on('data', resolve);
      stream.on('error', reject);
      stream.write({ listServices: '' });
    });
    stream.end();
    expect(reply.listServicesResponse.service.map(({ name }) => name)).toContain('sentinela.scoring.v1.Scoring');
  });
});
