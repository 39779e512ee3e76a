import { Client, credentials, loadPackageDefinition, Metadata, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadScoringProto } from '../../src/events/scoring-proto.ts';
import { examplePayment } from '../payment-example.ts';
import { type RunningServer, startServer } from '../running-server.ts';

let server: RunningServer;
let client: Client;
const proto = loadScoringProto();
const method = proto.service.Score;

beforeAll(async () => {
  server = await startServer();
  client = new Client(server.grpcAddress, credentials.createInsecure());
});
afterAll(async () => {
  client.close();
  expect(await server.stop()).toBe(0);
});

interface Reply {
  readonly error: ServiceError | null;
  readonly response: Record<string, unknown> | undefined;
  readonly replayed: boolean;
}

/** Sends bytes as a ScoreRequest. */
function send(bytes: Buffer): Promise<Reply> {
  return new Promise((resolve) => {
    let replayed = false;
    const call = client.makeUnaryRequest(
      method?.path ?? '',
      (value: Buffer) => value,
      (value: Buffer) => method?.responseDeserialize(value) as Record<string, unknown>,
      bytes,
      new Metadata(),
      (error, response) => resolve({ error, response, replayed }),
    );
    call.on('metadata', (metadata) => {
      replayed = metadata.get('idempotent-replayed')[0] === 'true';
    });
  });
}

const score = (message: object): Promise<Reply> => send(method?.requestSerialize(message) as Buffer);

/** The message that says the same as a body of /v1/score. */
function messageOf(payment: Record<string, unknown>): Record<string, unknown> {
  const { amount, acceptedAt, device, ...rest } = payment as {
    amount: string;
    acceptedAt: string;
    device?: { enrolledAt?: string };
  };
  return {
    ...rest,
    amountCentavos: amount.replace('.', ''),
    acceptedAt: timestamp(acceptedAt),
    ...(device === undefined ? {} : { device: { ...device, enrolledAt: timestamp(device.enrolledAt ?? '') } }),
  };
}

function timestamp(text: string): { seconds: number; nanos: number } {
  const ms = Date.parse(text);
  return { seconds: Math.floor(ms / 1000), nanos: (ms % 1000) * 1_000_000 };
}

describe('Scoring.Score', () => {
  it('means the same as POST /v1/score: a repeat over the other way in gets the first answer', async () => {
    const payment = examplePayment({ endToEndId: `E12345678202611011300${'0'.repeat(10)}1` });
    const http = (await (await server.post('/v1/score', payment)).json()) as Record<string, unknown>;
    const { error, response, replayed } = await score(messageOf(payment));
    expect(error).toBeNull();
    expect(replayed).toBe(true);
    const { score: value, decidedAt, expiresAt, reasons, degraded, ...rest } = http;
    expect(response).toMatchObject(rest);
    expect(response?.score).toBe(value);

    const other = examplePayment({ endToEndId: `E12345678202611011300${'0'.repeat(10)}2` });
    const first = await score(messageOf(other));
    expect(first.replayed).toBe(false);
    const again = await score(messageOf(other));
    expect(again.replayed).toBe(true);
    expect(again.response).toEqual(first.response);
    const overHttp = await server.post('/v1/score', other);
    expect(overHttp.headers.get('idempotent-replayed')).toBe('true');
    expect(await overHttp.json()).toMatchObject({ decision: first.response?.decision, score: first.response?.score });
  });

  it('refuses another payment under the same key with ALREADY_EXISTS', async () => {
    const payment = messageOf(examplePayment({ endToEndId: `E12345678202611011300${'0'.repeat(10)}3` }));
    await score(payment);
    const { error } = await score({ ...payment, amountCentavos: 1 });
    expect(error?.code).toBe(6);
    expect(error?.metadata.get('sentinela-code')).toEqual(['key_reused']);
  });

  it('names the field of a bad payment', async () => {
    const payment = messageOf(examplePayment());
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
    const good = method?.requestSerialize(messageOf(examplePayment())) as Buffer;
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
