import { Client, credentials } from '@grpc/grpc-js';
import pino from 'pino';
import { expect, it } from 'vitest';
import { AppError } from '../../../src/base/errors.ts';
import { loadScoringProto } from '../../../src/events/scoring-proto.ts';
import type { Scoring } from '../../../src/scoring/scoring-port.ts';
import { buildGrpcServer } from '../../../src/server/grpc-server.ts';
import { buildHttpServer } from '../../../src/server/http-server.ts';
import { buildMetrics } from '../../../src/server/metrics.ts';
import { callUnary } from '../../grpc-client.ts';
import { scoreMessage } from '../../grpc-message.ts';
import { examplePayment } from '../../payment-example.ts';

/** Scores nothing: a payment of 1.00 is refused, any other meets a fault. */
const scoring: Scoring = {
  async score({ parsed }) {
    if (parsed.row.amount_centavos === 100) throw new AppError('in_future', 'too early');
    throw new RangeError('a fault');
  },
  recordLabel: () => Promise.reject(new Error('not asked')),
  recordCorrection: () => Promise.reject(new Error('not asked')),
  findDecision: () => Promise.reject(new Error('not asked')),
};
const readiness = { ready: true, stopping: false };
const metrics = buildMetrics({ gauges: {}, build: { version: '0', featureSet: '-', model: '-', node: '-' } });

interface Line {
  readonly requestId: string;
  readonly route: string;
  readonly err: { readonly message: string };
}

/** A logger, and what it wrote. */
function loggerInMemory() {
  const lines: Line[] = [];
  return { lines, logger: pino({}, { write: (text: string) => void lines.push(JSON.parse(text)) }) };
}

it('a fault in a batch is logged under the id that its answer has, and what the sender did wrong is not', async () => {
  const { lines, logger } = loggerInMemory();
  const app = await buildHttpServer({
    scoring,
    features: { version: '1', names: [], statuses: [] },
    reads: { served: [], nowMicros: () => 0 },
    historical: { read: () => Promise.reject(new Error('no lake here')) },
    readiness,
    metrics,
    logger,
    version: '0',
  });
  const answer = await app.inject({
    method: 'POST',
    url: '/v1/score/batch',
    headers: { 'content-type': 'application/json' },
    payload: JSON.stringify({ payments: ['1.00', '2.00'].map((amount) => examplePayment({ amount })) }),
  });
  const { outcomes } = answer.json();
  expect(outcomes).toMatchObject([{ problem: { code: 'in_future' } }, { problem: { code: 'internal' } }]);
  const requestId = answer.headers['x-request-id'];
  expect(lines).toMatchObject([{ requestId, route: '/v1/score/batch', err: { message: 'a fault' } }]);
  await app.close();
});

it('a fault of a gRPC call is logged under the id that its status has', async () => {
  const { lines, logger } = loggerInMemory();
  const server = buildGrpcServer({ scoring, readiness, metrics, logger });
  const client = new Client(`127.0.0.1:${await server.listen('127.0.0.1', 0)}`, credentials.createInsecure());
  const { Score } = loadScoringProto().service;
  for (const amount of ['1.00', '2.00']) {
    const bytes = Score?.requestSerialize(scoreMessage(examplePayment({ amount }))) as Buffer;
    const { error } = await callUnary(client, Score, bytes);
    const ids = error?.metadata.get('x-request-id');
    expect(ids).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/)]);
    const logged = { requestId: ids?.[0], route: 'Scoring.Score', err: { message: 'a fault' } };
    expect(lines).toMatchObject(amount === '1.00' ? [] : [logged]);
  }
  client.close();
  await server.close(1000);
});
