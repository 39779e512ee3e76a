import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { Type } from 'typebox';
import { AppError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { DecisionSchema } from '../domain/decision.ts';
import { parsePayment } from '../domain/parse-payment.ts';
import { PaymentSchema } from '../domain/payment.ts';
import type { Scoring, ScoringAnswer } from '../scoring/scoring-port.ts';
import { type FailedRequest, logFault } from './fault-log.ts';
import type { Metrics } from './metrics.ts';
import { ProblemSchema, problemOf } from './problem.ts';
import { bodyOf, decodeJsonBody } from './request-body.ts';

/** What the scoring routes are made of. */
interface ScorePorts {
  readonly scoring: Scoring;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

const JSON_TYPE = 'application/json; charset=utf-8';

/** `POST /v1/score` and `POST /v1/score/batch`. */
export function registerScoreRoutes(app: FastifyInstance, ports: ScorePorts): void {
  const { scoring, metrics } = ports;
  app.post('/v1/score', { schema: SCORE_DOCS }, async (request, reply) => {
    const started = performance.now();
    const raw = bodyOf(request.body);
    const parsed = parsePayment(decodeJsonBody(raw, LIMITS.paymentBytes));
    const answer = await scoring.score({ parsed, source: 'http', raw });
    if (answer.replayed) reply.header('idempotent-replayed', 'true');
    metrics.observeScore(performance.now() - started, answer.replayed);
    return reply.header('content-type', JSON_TYPE).send(answer.body);
  });

  app.post('/v1/score/batch', { schema: BATCH_DOCS, bodyLimit: LIMITS.batchBytes }, async (request, reply) => {
    const payments = paymentsOf(decodeJsonBody(bodyOf(request.body), LIMITS.batchBytes));
    const asked: FailedRequest = { requestId: request.id, route: request.routeOptions.url };
    const outcomes = await Promise.all(payments.map((payment) => outcomeOf(ports, payment, asked)));
    // Decisions are bytes already: the array is put together without parsing them again.
    return reply.header('content-type', JSON_TYPE).send(`{"outcomes":[${outcomes.join(',')}]}`);
  });
}

function paymentsOf(body: unknown): readonly unknown[] {
  if (
    typeof body !== 'object' ||
    body === null ||
    !('payments' in body) ||
    !Array.isArray(body.payments) ||
    Object.keys(body).length !== 1
  ) {
    throw new AppError('invalid_request', 'payments is missing: send {"payments": […]}', { field: 'payments' });
  }
  if (body.payments.length === 0 || body.payments.length > LIMITS.batchPayments) {
    throw new AppError(
      'invalid_request',
      `payments has ${body.payments.length} items: 1 to ${LIMITS.batchPayments} are taken`,
      { field: 'payments' },
    );
  }
  return body.payments;
}

/** @param asked the request that the payment came in. */
async function outcomeOf(
  { scoring, metrics, logger }: ScorePorts,
  payment: unknown,
  asked: FailedRequest,
): Promise<string> {
  const started = performance.now();
  try {
    const raw = Buffer.from(JSON.stringify(payment));
    if (raw.length > LIMITS.paymentBytes) {
      throw new AppError('too_large', `the payment has ${raw.length} bytes: the limit is ${LIMITS.paymentBytes}`);
    }
    const answer: ScoringAnswer = await scoring.score({ parsed: parsePayment(payment), source: 'http', raw });
    metrics.observeScore(performance.now() - started, answer.replayed);
    return `{"decision":${answer.body},"replayed":${answer.replayed}}`;
  } catch (error) {
    const problem = problemOf(error);
    metrics.countError(problem.code);
    logFault(logger, problem, error, asked);
    return `{"problem":${JSON.stringify(problem)}}`;
  }
}

const SCORE_DOCS = {
  summary: 'Score one payment',
  description:
    'Idempotent by (endToEndId, side) for 7 days: the same payment again gets the first answer and the header `idempotent-replayed: true`.',
  tags: ['scoring'],
  body: PaymentSchema,
  response: { 200: DecisionSchema, '4xx': ProblemSchema, 503: ProblemSchema },
};

const BATCH_DOCS = {
  summary: 'Score up to 1,000 payments',
  description: 'One outcome a payment, in order; a payment that is refused does not fail the others.',
  tags: ['scoring'],
  body: Type.Object(
    { payments: Type.Array(PaymentSchema, { minItems: 1, maxItems: LIMITS.batchPayments }) },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      outcomes: Type.Array(
        Type.Union([
          Type.Object({ decision: DecisionSchema, replayed: Type.Boolean() }),
          Type.Object({ problem: ProblemSchema }),
        ]),
      ),
    }),
    '4xx': ProblemSchema,
    503: ProblemSchema,
  },
};
