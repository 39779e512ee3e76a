import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { LIMITS } from '../base/limits.ts';
import { CorrectionSchema } from '../domain/correction.ts';
import { parseCorrection } from '../domain/parse-correction.ts';
import type { Scoring } from '../scoring/scoring-port.ts';
import type { Metrics } from './metrics.ts';
import { ProblemSchema } from './problem.ts';
import { bodyOf, decodeJsonBody } from './request-body.ts';

/** `POST /v1/corrections`: 202 when the correction is durable. */
export function registerCorrectionRoute(
  app: FastifyInstance,
  ports: { readonly scoring: Scoring; readonly metrics: Metrics },
): void {
  app.post('/v1/corrections', { schema: DOCS }, async (request, reply) => {
    const raw = bodyOf(request.body);
    const parsed = parseCorrection(decodeJsonBody(raw, LIMITS.paymentBytes));
    const applied = await ports.scoring.recordCorrection({ parsed, source: 'http', raw });
    ports.metrics.countCorrection(parsed, applied);
    return reply.code(202).send({ accepted: true, applied });
  });
}

const DOCS = {
  summary: 'Take a payment back, or put it right',
  description:
    'Without `payment` the payment is no event any more: later payments do not see it. With `payment` it is one as it says, from now on; keys, amount and time may change. Decisions that were made stay as they were. Sent again it changes nothing. `applied` is false where the state does not know the payment: the correction is kept and does nothing. 503 where it is not certain that it was made: it is not made later, send it again.',
  tags: ['corrections'],
  body: CorrectionSchema,
  response: {
    202: Type.Object({ accepted: Type.Boolean(), applied: Type.Boolean() }),
    '4xx': ProblemSchema,
    503: ProblemSchema,
  },
};
