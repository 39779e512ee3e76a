import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { examplePayment } from '../payment-example.ts';
import { type RunningServer, startServer } from '../running-server.ts';

let server: RunningServer;
let counter = 0;

/** A payment that was never sent. */
function freshPayment(changes: Record<string, unknown> = {}): Record<string, unknown> {
  counter += 1;
  return examplePayment({ endToEndId: `E12345678202611011200${String(counter).padStart(11, '0')}`, ...changes });
}

async function problemOf(response: Response): Promise<Record<string, unknown>> {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  return (await response.json()) as Record<string, unknown>;
}

beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  expect(await server.stop()).toBe(0);
});

describe('POST /v1/score', () => {
  it('answers a decision of the side’s own set, with all that it was made by', async () => {
    const response = await server.post('/v1/score', freshPayment());
    expect(response.status).toBe(200);
    expect(response.headers.get('idempotent-replayed')).toBeNull();
    const decision = (await response.json()) as Record<string, unknown>;
    expect(decision).toMatchObject({
      side: 'PAYER',
      degraded: [],
      policyVersion: expect.any(String),
      ruleId: expect.any(String),
    });
    expect(['APPROVE', 'CHALLENGE', 'HOLD', 'REJECT']).toContain(decision.decision);
    expect(decision.score).toBeGreaterThanOrEqual(0);
    expect(decision.score).toBeLessThanOrEqual(1);
    expect(decision.model).toMatchObject({
      name: expect.any(String),
      version: expect.any(String),
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(decision.featureSet).toMatchObject({ name: 'pix-core', version: expect.any(String) });
  });

  it('gives the same payment the same bytes, whatever the order of its members', async () => {
    const payment = freshPayment();
    const first = await server.post('/v1/score', payment);
    const again = await server.post(
      '/v1/score',
      JSON.stringify(Object.fromEntries(Object.entries(payment).reverse()), null, 2),
    );
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(await again.text()).toBe(await first.text());
  });

  it('refuses another payment under the same key, and takes the other side', async () => {
    const payment = freshPayment();
    await server.post('/v1/score', payment);
    const other = await server.post('/v1/score', { ...payment, amount: '150.01' });
    expect(other.status).toBe(409);
    expect(await problemOf(other)).toMatchObject({ code: 'key_reused' });
    const side = await server.post('/v1/score', { ...payment, side: 'PAYEE' });
    expect(side.status).toBe(200);
    expect(['ACCEPT', 'ACCEPT_AND_BLOCK', 'REJECT']).toContain(((await side.json()) as { decision: string }).decision);
  });

  it('answers repeats in flight with the first decision', async () => {
    const payment = freshPayment();
    const answers = await Promise.all(Array.from({ length: 20 }, () => server.post('/v1/score', payment)));
    const bodies = new Set(await Promise.all(answers.map((answer) => answer.text())));
    expect(bodies.size).toBe(1);
    expect(answers.filter((answer) => answer.headers.get('idempotent-replayed') === null)).toHaveLength(1);
  });

  it('refuses a payment of over 12 h ahead, and takes one of years ago', async () => {
    const ahead = await server.post(
      '/v1/score',
      freshPayment({ acceptedAt: new Date(Date.now() + 13 * 3_600_000).toISOString() }),
    );
    expect(ahead.status).toBe(422);
    expect(await problemOf(ahead)).toMatchObject({ code: 'in_future' });
    expect((await server.post('/v1/score', freshPayment({ acceptedAt: '2019-01-01T00:00:00Z' }))).status).toBe(200);
  });

  it('names what is wrong with a body, and never repeats what it holds', async () => {
    const deep = `${'['.repeat(5000)}${']'.repeat(5000)}`;
    const cases: [string | Uint8Array, number, string, string?][] = [
      ['{', 400, 'invalid_json'],
      ['', 400, 'invalid_json'],
      [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 400, 'invalid_encoding'],
      ['{"a":"\0"}', 400, 'invalid_encoding'],
      [deep, 400, 'too_deep'],
      ['x'.repeat(70_000), 413, 'too_large'],
      [JSON.stringify(freshPayment({ extra: 1 })), 400, 'invalid_payment', 'extra'],
      [JSON.stringify(freshPayment({ amount: 5 })), 400, 'invalid_payment', 'amount'],
      [JSON.stringify(freshPayment({ acceptedAt: '2026-02-30T00:00:00Z' })), 400, 'invalid_payment', 'acceptedAt'],
      ['[]', 400, 'invalid_payment'],
      ['null', 400, 'invalid_payment'],
    ];
    for (const [body, status, code, field] of cases) {
      const response = await server.post('/v1/score', body);
      const problem = await problemOf(response);
      expect(response.status, JSON.stringify(problem)).toBe(status);
      expect(problem).toMatchObject({ code, ...(field === undefined ? {} : { field }) });
      expect(JSON.stringify(problem)).not.toContain('52998224725');
    }
  });

  it('asks for JSON', async () => {
    const response = await fetch(`${server.url}/v1/score`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: '{}',
    });
    expect(response.status).toBe(415);
    expect(await problemOf(response)).toMatchObject({ code: 'unsupported_media_type' });
  });

  it('survives 2,000 fuzzed bodies without a 5xx', { timeout: 120_000 }, async () => {
    const payment = JSON.stringify(freshPayment());
    const mutated = fc
      .tuple(fc.nat(payment.length - 1), fc.nat(40), fc.string({ maxLength: 8 }))
      .map(([at, cut, text]) => payment.slice(0, at) + text + payment.slice(at + cut));
    const bodies = fc.oneof(fc.json(), fc.uint8Array({ maxLength: 300 }), mutated, mutated, fc.string());
    await fc.assert(
      fc.asyncProperty(bodies, async (body) => {
        const response = await server.post('/v1/score', body as string);
        await response.arrayBuffer();
        expect(response.status).toBeLessThan(500);
      }),
      { numRuns: 2000 },
    );
    expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
  });
});

describe('POST /v1/score/batch', () => {
  it('gives an outcome an item, refused ones beside decided ones', async () => {
    const response = await server.post('/v1/score/batch', {
      payments: [freshPayment(), { nonsense: true }, freshPayment()],
    });
    expect(response.status).toBe(200);
    const { outcomes } = (await response.json()) as { outcomes: Record<string, Record<string, unknown>>[] };
    expect(outcomes).toHaveLength(3);
    expect(outcomes[0]?.decision).toMatchObject({ side: 'PAYER' });
    expect(outcomes[1]?.problem).toMatchObject({ code: 'invalid_payment' });
  });

  it('takes at most 1,000 payments and 4 MiB', async () => {
    const many = await server.post('/v1/score/batch', { payments: Array.from({ length: 1001 }, () => ({})) });
    expect(await problemOf(many)).toMatchObject({ status: 400, field: 'payments' });
    const large = await server.post('/v1/score/batch', `{"payments":["${'x'.repeat(4_300_000)}"]}`);
    expect(large.status).toBe(413);
  });
});

describe('labels and decisions', () => {
  it('takes a label for a payment that was never seen', async () => {
    const label = { endToEndId: 'Z'.repeat(32), state: 'CONTESTED', eventTime: '2026-11-01T12:00:00Z' };
    expect((await server.post('/v1/labels', label)).status).toBe(202);
    expect(await problemOf(await server.post('/v1/labels', { ...label, state: 'FRAUD' }))).toMatchObject({
      code: 'invalid_label',
      field: 'state',
    });
  });

  it('counts a payee’s known fraud from the moment at which it is known', async () => {
    const payee = { ispb: '87654321', document: '12ABC34501DE35', account: { number: '555777', type: 'CACC' } };
    const first = freshPayment({ payee });
    await server.post('/v1/score', first);
    const frauds = async (): Promise<unknown> => {
      const payment = freshPayment({ payee });
      await server.post('/v1/score', payment);
      const shown = (await (await fetch(`${server.url}/v1/decisions/${payment.endToEndId}/PAYER`)).json()) as {
        features: { name: string; value: unknown }[];
      };
      return shown.features.find(({ name }) => name === 'payee_frauds_agreed')?.value;
    };
    expect(await frauds()).toBe(0);
    expect(
      (
        await server.post('/v1/labels', {
          endToEndId: first.endToEndId,
          state: 'AGREED',
          eventTime: '2026-11-01T11:00:00Z',
        })
      ).status,
    ).toBe(202);
    expect(await frauds()).toBe(1);
  });

  it('shows a decision with its features, and 404 where there is none', async () => {
    const payment = freshPayment();
    const decision = await (await server.post('/v1/score', payment)).json();
    const response = await fetch(`${server.url}/v1/decisions/${payment.endToEndId}/PAYER`);
    expect(response.status).toBe(200);
    const shown = (await response.json()) as {
      decision: unknown;
      features: { name: string; value: number | null; status: string }[];
    };
    expect(shown.decision).toEqual(decision);
    expect(shown.features.length).toBeGreaterThanOrEqual(40);
    expect(shown.features.find(({ name }) => name === 'payer_count_24h')).toBeDefined();
    const absent = await fetch(`${server.url}/v1/decisions/${'A'.repeat(32)}/PAYER`);
    expect(absent.status).toBe(404);
    expect(await problemOf(absent)).toMatchObject({ code: 'not_found' });
    expect((await fetch(`${server.url}/v1/decisions/x/PAYER`)).status).toBe(400);
  });
});

describe('POST /v1/corrections', () => {
  const correctedAt = '2026-11-02T12:00:00Z';
  /** What a fresh payment to a payee is served of the payee's sum and count. */
  const seenOf = async (payee: object): Promise<unknown[]> => {
    const payment = freshPayment({ payee });
    await server.post('/v1/score', payment);
    const shown = (await (await fetch(`${server.url}/v1/decisions/${payment.endToEndId}/PAYER`)).json()) as {
      features: { name: string; value: unknown }[];
    };
    const seen = ['payee_count_ever', 'payee_sum_24h'].map(
      (wanted) => shown.features.find(({ name }) => name === wanted)?.value,
    );
    // The payment itself is taken back, so that the next one sees what this one saw.
    const { endToEndId } = payment;
    const taken = await server.post('/v1/corrections', { endToEndId, correctedAt });
    expect([taken.status, await taken.json()]).toEqual([202, { accepted: true, applied: true }]);
    return seen;
  };
  const payeeOf = (number: string) => ({
    ispb: '87654321',
    document: '12ABC34501DE35',
    account: { number, type: 'CACC' },
  });

  it('takes a payment back, and puts one in its place, for all that come later', async () => {
    const [first, second] = [payeeOf('600001'), payeeOf('600002')];
    const payment = freshPayment({ payee: first, amount: '10.00' });
    const { endToEndId } = payment;
    const before = await (await server.post('/v1/score', payment)).text();
    const [count, sum] = await seenOf(first);
    expect(count).toBe(1);
    expect(sum).toBeGreaterThan(0);
    // Another amount, and then another payee; each sent twice, as after a lost answer.
    const dearer = { endToEndId, correctedAt, payment: { ...payment, amount: '30.00' } };
    const moved = { endToEndId, correctedAt, payment: { ...payment, payee: second } };
    for (let again = 0; again < 2; again += 1) {
      expect(await (await server.post('/v1/corrections', dearer)).json()).toEqual({ accepted: true, applied: true });
      expect(await seenOf(first)).toEqual([1, 3 * Number(sum)]);
    }
    for (let again = 0; again < 2; again += 1) {
      expect((await server.post('/v1/corrections', moved)).status).toBe(202);
      expect(((await seenOf(first)) as number[])[1]).toBe(0);
      expect(await seenOf(second)).toEqual([1, sum]);
    }
    await server.post('/v1/corrections', { endToEndId, correctedAt });
    expect(((await seenOf(second)) as number[])[1]).toBe(0);
    // What was decided stays, and a second side of what was taken back is no event.
    expect(await (await server.post('/v1/score', payment)).text()).toBe(before);
    expect((await server.post('/v1/score', { ...payment, side: 'PAYEE' })).status).toBe(200);
    expect(((await seenOf(first)) as number[])[1]).toBe(0);
  });

  it('takes a correction of a payment that was never seen, and says that it did nothing', async () => {
    const endToEndId = 'Z'.repeat(32);
    const response = await server.post('/v1/corrections', { endToEndId, correctedAt });
    expect([response.status, await response.json()]).toEqual([202, { accepted: true, applied: false }]);
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toMatch(/sentinela_corrections_total\{effect="unknown"\} 1/);
    expect(metrics).toMatch(/sentinela_corrections_total\{effect="replacement"\} 4/);
  });

  it('names what is wrong with a body', async () => {
    const payment = freshPayment();
    const good = { endToEndId: payment.endToEndId, correctedAt, payment };
    const ahead = new Date(Date.now() + 13 * 3_600_000).toISOString();
    const cases: [unknown, number, string, string?][] = [
      ['{', 400, 'invalid_json'],
      [{ ...good, endToEndId: undefined }, 400, 'invalid_correction', 'endToEndId'],
      [{ ...good, correctedAt: 'now' }, 400, 'invalid_correction', 'correctedAt'],
      [{ ...good, why: 'x' }, 400, 'invalid_correction', 'why'],
      [{ ...good, payment: freshPayment() }, 400, 'invalid_correction', 'payment.endToEndId'],
      [{ ...good, payment: { ...payment, amount: '-1.00' } }, 400, 'invalid_correction', 'payment.amount'],
      [{ ...good, correctedAt: ahead }, 422, 'in_future'],
      [{ ...good, payment: { ...payment, acceptedAt: ahead } }, 422, 'in_future'],
      ['x'.repeat(70_000), 413, 'too_large'],
    ];
    for (const [body, status, code, field] of cases) {
      const response = await server.post('/v1/corrections', body as string);
      const problem = await problemOf(response);
      expect(response.status, JSON.stringify(problem)).toBe(status);
      expect(problem).toMatchObject({ code, ...(field === undefined ? {} : { field }) });
      expect(JSON.stringify(problem)).not.toContain('52998224725');
    }
  });
});

describe('the rest of the way in', () => {
  it('tells its health, its metrics and its OpenAPI', async () => {
    expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toMatch(/sentinela_build_info\{.*version="\d/);
    expect(metrics).toMatch(/sentinela_decisions_total\{side="PAYER"/);
    const decided = [...metrics.matchAll(/sentinela_decisions_total\{.*\} (\d+)/g)].map(([, count]) => Number(count));
    const counted = /sentinela_feature_decisions_total (\d+)/.exec(metrics)?.[1];
    expect(Number(counted)).toBe(decided.reduce((sum, count) => sum + count, 0));
    expect(metrics).toMatch(/sentinela_feature_status_total\{feature="payer_\w+",status="null"\} [1-9]/);
    const openapi = (await (await fetch(`${server.url}/openapi.json`)).json()) as {
      openapi: string;
      paths: Record<string, unknown>;
    };
    expect(openapi.openapi).toBe('3.1.0');
    expect(Object.keys(openapi.paths)).toEqual(
      expect.arrayContaining([
        '/v1/score',
        '/v1/score/batch',
        '/v1/labels',
        '/v1/corrections',
        '/v1/decisions/{endToEndId}/{side}',
      ]),
    );
    expect((await fetch(`${server.url}/docs`)).status).toBe(200);
  });

  it('keeps a client’s request id and makes one where there is none', async () => {
    const kept = await fetch(`${server.url}/health/live`, { headers: { 'x-request-id': 'abc-1' } });
    expect(kept.headers.get('x-request-id')).toBe('abc-1');
    const bad = await fetch(`${server.url}/health/live`, { headers: { 'x-request-id': 'a b' } });
    expect(bad.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('answers unknown routes, methods and what is not HTTP with a problem', async () => {
    const unknown = await fetch(`${server.url}/nowhere`);
    expect(unknown.status).toBe(404);
    await problemOf(unknown);
    const method = await fetch(`${server.url}/v1/score`);
    expect(method.status).toBe(405);
    expect(method.headers.get('allow')).toBe('POST');
    const answer = await new Promise<string>((resolve) => {
      let text = '';
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1', () => socket.write('nonsense\r\n\r\n'));
      socket.on('data', (chunk) => {
        text += chunk;
      });
      socket.on('close', () => resolve(text));
    });
    expect(answer).toMatch(/^HTTP\/1.1 400 [\s\S]*problem\+json/);
  });

  it('writes no personal data to its log', () => {
    expect(server.log()).not.toMatch(/52998224725|loja@example\.com|99887766/);
  });
});
