import type { FastifyInstance } from 'fastify';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ManualClock, manualClock } from '../../../src/base/clock.ts';
import { LIMITS } from '../../../src/base/limits.ts';
import { NO_NUMBERS } from '../../../src/domain/entity-keys.ts';
import { forgetfulFiles } from '../../../src/events/memory-journal-files.ts';
import { FEATURE_STATUS_NAMES } from '../../../src/features/feature-status.ts';
import { buildHttpServer } from '../../../src/server/http-server.ts';
import { buildMetrics } from '../../../src/server/metrics.ts';
import { examplePayment } from '../../payment-example.ts';
import { type ScoringWorld, SET, startWorld } from '../../scoring-world.ts';

const START = Date.UTC(2026, 10, 1, 12) * 1000;
const AT = '2026-11-01T12:00:00.000Z';
const EPOCH = '1970-01-01T00:00:00Z';

let world: ScoringWorld;
let clock: ManualClock;
let app: FastifyInstance;

/** The payment of a number: a second apart, between two payers and one payee. */
function paymentOf(number: number): Record<string, unknown> {
  return examplePayment({
    endToEndId: `E12345678202611011200${String(number).padStart(11, '0')}`,
    amount: `${number + 1}.00`,
    acceptedAt: new Date(START / 1000 - (100 - number) * 1000).toISOString(),
    payer: {
      ispb: '12345678',
      document: '52998224725',
      account: { branch: '1', number: String(number % 2), type: 'CACC' },
    },
    payee: { ispb: '87654321', document: '52998224725', account: { number: '77', type: 'CACC' } },
  });
}

async function post(url: string, payload: unknown): Promise<{ status: number; body: Record<string, never> }> {
  const headers = { 'content-type': 'application/json' };
  const answer = await app.inject({ method: 'POST', url, headers, payload: JSON.stringify(payload) });
  return { status: answer.statusCode, body: answer.json() };
}

beforeAll(async () => {
  clock = manualClock(START);
  world = await startWorld(forgetfulFiles(), clock);
  for (let number = 0; number < 20; number += 1) await world.score(paymentOf(number));
  app = await buildHttpServer({
    scoring: world.scoring,
    features: { version: SET.version, names: SET.names, statuses: FEATURE_STATUS_NAMES },
    reads: { served: [{ set: SET, store: world.store }], nowMicros: () => clock.nowMicros() },
    historical: { read: () => Promise.reject(new Error('no lake here')) },
    readiness: { ready: true, stopping: false },
    metrics: buildMetrics({ gauges: {}, build: { version: '0', featureSet: '-', model: '-', node: '-' } }),
    logger: pino({ level: 'silent' }),
    version: '0',
  });
});
afterAll(async () => {
  await app.close();
  await world.close();
});

const PAYER_1 = { payer_ispb: '12345678', payer_branch: '1', payer_number: '1' };

describe('POST /v1/features/online', () => {
  it('gives each payment, on either side, what its decision then uses, and later the same', async () => {
    interface Read {
      readonly features: readonly string[];
      readonly rows: readonly { readonly values: readonly unknown[]; readonly statuses: readonly unknown[] }[];
    }
    const asIn = ({ features, rows: [row] }: Read): unknown =>
      features.map((name, at) => ({ name, value: row?.values[at], status: row?.statuses[at] }));
    for (let number = 40; number < 60; number += 1) {
      for (const side of ['PAYER', 'PAYEE']) {
        const payment = { ...paymentOf(number), side };
        const read = async (): Promise<unknown> =>
          asIn((await post('/v1/features/online', { rows: [{ payment }] })).body as unknown as Read);
        const before = await read();
        await world.score(payment);
        const stored = (await app.inject(`/v1/decisions/${paymentOf(number).endToEndId}/${side}`)).json();
        expect(before).toEqual((stored as { features: unknown }).features);
        expect(await read()).toEqual(before);
      }
    }
  });

  it('records nothing', async () => {
    const before = world.store.stats();
    await post('/v1/features/online', { rows: [{ payer: '12345678|1|9' }, { payment: paymentOf(60) }] });
    expect(world.store.stats()).toEqual(before);
  });

  it('reads entities by columns and by whole keys, as of now or of another instant', async () => {
    const features = ['payer_count_24h', 'payer_max_24h', 'pair_count_ever', 'amount'];
    const payee = { payee_ispb: '87654321', payee_number: '77' };
    const read = async (row: object, at?: string): Promise<unknown> =>
      (await post('/v1/features/online', { features, rows: [row], ...(at === undefined ? {} : { at }) })).body;
    // Payments 1, 3 … 19 and 41, 43 … 59 are of payer 1; second sides are no events.
    expect(await read({ ...PAYER_1, ...payee })).toEqual({
      featureSet: { name: 'pix-core', version: SET.version },
      features,
      rows: [
        {
          at: AT,
          values: [20, 6000, 20, null],
          statuses: ['present', 'present', 'present', 'null'],
          saw: {
            ...NO_NUMBERS,
            payer: { epoch: 1, seq: 20 },
            payee: { epoch: 1, seq: 40 },
            pair: { epoch: 1, seq: 20 },
          },
        },
      ],
    });
    const byKey = await read({ payer: '12345678|1|1', payee: '87654321||77' });
    expect(byKey).toEqual(await read({ pair: '12345678|1|1>87654321||77' }));
    expect(byKey).toEqual(await read({ ...PAYER_1, ...payee }));
    expect(await read(PAYER_1, '2026-11-01T11:58:26Z')).toMatchObject({ rows: [{ values: [3, 600, null, null] }] });
    expect(await read({ payer: '12345678|1|404' })).toMatchObject({
      rows: [{ values: [0, null, null, null], statuses: ['not_found', 'not_found', 'not_found', 'null'] }],
    });
  });

  it('says what is wrong with a request, with the nearest name and never with an account', async () => {
    const problem = async (body: unknown): Promise<unknown[]> => {
      const answer = await post('/v1/features/online', body);
      return [answer.status, answer.body.code, answer.body.detail];
    };
    const rows = [PAYER_1];
    expect(await problem({ features: ['payer_cuont_24h'], rows })).toEqual([
      404,
      'feature_not_found',
      'pix-core has no feature payer_cuont_24h, did you mean payer_count_24h?',
    ]);
    expect(await problem({ featureSet: 'pix_core', rows })).toEqual([
      404,
      'feature_not_found',
      'no feature set pix_core is served, did you mean pix-core?: GET /v1/features lists them',
    ]);
    expect(await problem({ featureSet: 'pix-core@000000000000', rows })).toEqual([
      404,
      'feature_not_found',
      `pix-core is served in version ${SET.version}, not in the one that is asked for`,
    ]);
    expect(await problem({ rows: [{ payer_numbr: '123456' }] })).toEqual([
      400,
      'invalid_request',
      'rows[0].payer_numbr names no entity, did you mean payer_number?',
    ]);
    for (const [row, detail] of [
      [{ payer: '52998224725' }, 'rows[0].payer must be a key of the form ispb|branch|number'],
      [{ payee_account: '52998224725' }, 'rows[0].payee_account must be a key of the form ispb|branch|number'],
      [{ pair: '1||2>52998224725' }, "rows[0].pair's payee must be a key of the form ispb|branch|number"],
      [
        { payer_number: 123456 },
        "rows[0].payer_number must be a text or null: the zeros before an account's number count",
      ],
      // A document, an address of e-mail, a random key and an endToEndId.
      ...['52998224725', 'maria@example.com', 'e1b2c3d4-1234-4abc-9def-0123456789ab', `E${'1'.repeat(31)}`].map(
        (name) => [{ [name]: 'x' }, 'rows[0].(a name that is none of ours) names no entity'] as const,
      ),
      [{ payer: '1||2', payer_number: '2' }, 'rows[0] names payer_number twice: by its column and by a whole key'],
      [
        { payment: paymentOf(1), payer: '1||2' },
        'rows[0] has a payment, which names the entities: take the other names out',
      ],
    ] as const) {
      expect(await problem({ rows: [row] })).toEqual([400, 'invalid_request', detail]);
    }
    expect(await problem({ rows: [{ payment: { ...paymentOf(1), amount: 1 } }] })).toEqual([
      400,
      'invalid_payment',
      'the payment of rows[0]: amount must be of type string',
    ]);
    expect(await problem({ features: ['payer_count_24h', 'payer_count_24h'], rows })).toEqual([
      400,
      'invalid_request',
      'feature payer_count_24h is asked for twice',
    ]);
    expect((await problem({ at: '2026-11-02T12:00:00Z', rows }))[2]).toBe('at is more than 12 h ahead of our clock');
    const many = Array.from({ length: LIMITS.readRows + 1 }, () => PAYER_1);
    expect((await problem({ rows: many }))[2]).toMatch(/^rows is outside its limit/);
    expect((await problem({ rows: many.slice(1) }))[0]).toBe(200);
  });
});

describe('POST /get-online-features', () => {
  it('answers in Feast’s shape, with our statuses beside', async () => {
    const { status, body } = await post('/get-online-features', {
      features: ['pix-core:payer_count_24h', 'pix-core:payer_mean_7d'],
      entities: { payer: ['12345678|1|1', '12345678|1|404', null] },
    });
    expect(status).toBe(200);
    expect(body).toEqual({
      metadata: { feature_names: ['payer', 'payer_count_24h', 'payer_mean_7d'] },
      results: [
        {
          values: ['12345678|1|1', '12345678|1|404', null],
          statuses: ['PRESENT', 'PRESENT', 'PRESENT'],
          event_timestamps: [EPOCH, EPOCH, EPOCH],
        },
        {
          values: [20, 0, null],
          statuses: ['PRESENT', 'NOT_FOUND', 'NOT_FOUND'],
          event_timestamps: [AT, EPOCH, EPOCH],
          typed_statuses: ['present', 'not_found', 'not_found'],
        },
        {
          values: [3100, null, null],
          statuses: ['PRESENT', 'NOT_FOUND', 'NOT_FOUND'],
          event_timestamps: [AT, EPOCH, EPOCH],
          typed_statuses: ['present', 'not_found', 'not_found'],
        },
      ],
    });
  });

  it('writes every value as a double, whole ones too', async () => {
    const payload = { features: ['pix-core:payer_count_24h'], entities: { payer: ['12345678|1|1', '1||404'] } };
    const headers = { 'content-type': 'application/json' };
    const { body } = await app.inject({ method: 'POST', url: '/get-online-features', headers, payload });
    expect(body).toContain('"values":[20.0,0.0],"statuses":["PRESENT","NOT_FOUND"]');
    expect(body).toContain('"values":["12345678|1|1","1||404"],"statuses"');
  });

  it('takes a feature service for a whole set, and gives full names where asked', async () => {
    const { body } = await post('/get-online-features', {
      feature_service: `pix-core@${SET.version}`,
      full_feature_names: true,
      entities: { payer_ispb: ['12345678'], payer_branch: ['1'], payer_number: ['1'] },
    });
    const { metadata, results } = body as unknown as {
      metadata: { feature_names: string[] };
      results: { statuses: string[] }[];
    };
    const keys = ['payer_ispb', 'payer_branch', 'payer_number'];
    expect(metadata.feature_names).toEqual([...keys, ...SET.names.map((name) => `pix-core__${name}`)]);
    expect(results).toHaveLength(metadata.feature_names.length);
    expect(results[keys.length + SET.indexOf('amount')]?.statuses).toEqual(['NULL_VALUE']);
  });

  it('refuses what Feast refuses, and more than its limits', async () => {
    const problem = async (body: unknown): Promise<unknown[]> => {
      const answer = await post('/get-online-features', body);
      return [answer.status, answer.body.detail];
    };
    const features = ['pix-core:payer_count_24h'];
    const entities = { payer: ['1||1'] };
    expect(await problem({ features })).toEqual([400, 'entities is missing']);
    expect(await problem({ entities })).toEqual([
      400,
      'features is missing: send ["set:feature", …], or feature_service',
    ]);
    expect(await problem({ features: ['payer_count_24h'], entities })).toEqual([
      400,
      'feature payer_count_24h must be written as set:feature',
    ]);
    expect(await problem({ features: ['pix-core:payer_cuont_24h'], entities })).toEqual([
      404,
      'pix-core has no feature payer_cuont_24h, did you mean payer_count_24h?',
    ]);
    for (const twice of [features, [`pix-core@${SET.version}:payer_count_24h`]]) {
      expect(await problem({ features: [...features, ...twice], entities, full_feature_names: true })).toEqual([
        400,
        expect.stringMatching(/^feature (pix-core__)?payer_count_24h is asked for twice$/),
      ]);
    }
    const tooMany = Array.from({ length: LIMITS.readFeatures + 1 }, () => 'pix-core:payer_count_24h');
    expect(await problem({ features: tooMany, entities })).toEqual([400, expect.stringContaining('limit')]);
    expect(await problem({ features, entities: { ...entities, payee: [] } })).toEqual([
      400,
      'the columns of entities have not the same number of values',
    ]);
    const many = Array.from({ length: LIMITS.readRows + 1 }, () => '1||1');
    expect(await problem({ features, entities: { payer: many } })).toEqual([
      400,
      `entities has ${LIMITS.readRows + 1} rows: 1 to ${LIMITS.readRows} are taken`,
    ]);
  });
});

it('counts rows and tells how long reads took', async () => {
  const rowsRead = async (): Promise<number> =>
    Number(/sentinela_feature_rows_read_total (\d+)/.exec((await app.inject('/metrics')).body)?.[1]);
  const before = await rowsRead();
  await post('/v1/features/online', { rows: [PAYER_1, PAYER_1, PAYER_1] });
  expect(await rowsRead()).toBe(before + 3);
  expect((await app.inject('/metrics')).body).toContain('sentinela_feature_read_seconds_count');
});

it('sends reads back where too many are under way, and takes them again afterwards', async () => {
  const rows = Array.from({ length: LIMITS.readRows }, () => PAYER_1);
  const answers = await Promise.all(
    Array.from({ length: LIMITS.readsUnderWay + 5 }, () => post('/v1/features/online', { rows })),
  );
  const refused = answers.filter(({ status }) => status === 503);
  expect(refused).toHaveLength(5);
  expect(refused[0]?.body).toMatchObject({ code: 'overloaded', retryable: true });
  expect((await post('/v1/features/online', { rows })).status).toBe(200);
});

describe('GET /v1/features', () => {
  it('lists the sets that are served, each feature with its meaning', async () => {
    const { featureSets } = (await app.inject('/v1/features')).json() as { featureSets: { features: unknown[] }[] };
    expect(featureSets).toMatchObject([{ name: 'pix-core', version: SET.version, hash: SET.hash, epoch: 1 }]);
    expect(featureSets[0]?.features.map((feature) => (feature as { name: string }).name)).toEqual(SET.names);
    expect(featureSets[0]?.features).toContainEqual({
      name: 'payer_count_24h',
      description: 'Payments of the payer’s account in the 24h before this one',
      type: 'long',
      owner: null,
      default: 0,
      definition: { kind: 'window', entity: 'payer', aggregate: 'count', window: '24h', default: 0 },
    });
  });
});
