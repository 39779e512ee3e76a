import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { LIMITS } from '../base/limits.ts';
import { LabelSchema } from '../domain/label.ts';
import { parseLabel } from '../domain/parse-label.ts';
import type { Scoring } from '../scoring/scoring-port.ts';
import type { Metrics } from './metrics.ts';
import { ProblemSchema } from './problem.ts';
import { bodyOf, decodeJsonBody } from './request-body.ts';

/** `POST /v1/labels`: 202 when the label is durable. */
export function registerLabelRoute(
  app: FastifyInstance,
  ports: { readonly scoring: Scoring; readonly metrics: Metrics },
): void {
  app.post('/v1/labels', { schema: DOCS }, async (request, reply) => {
    const raw = bodyOf(request.body);
    await ports.scoring.recordLabel({
      parsed: parseLabel(decodeJsonBody(raw, LIMITS.paymentBytes)),
      source: 'http',
      raw,
    });
    ports.metrics.countLabel();
    return reply.code(202).send({ accepted: true });
  });
}

const DOCS = {
  summary: 'Record a state of a payment’s contest',
  description: 'Taken also for a payment that was never seen. Known from the moment at which it is recorded.',
  tags: ['labels'],
  body: LabelSchema,
  response: { 202: Type.Object({ accepted: Type.Boolean() }), '4xx': ProblemSchema, 503: ProblemSchema },
};
