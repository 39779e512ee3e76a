import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { AppError } from '../base/errors.ts';
import { DecisionSchema } from '../domain/decision.ts';
import { END_TO_END_ID_PATTERN } from '../domain/end-to-end-id.ts';
import { SIDES, type Side } from '../domain/payment.ts';
import type { Scoring } from '../scoring/scoring-port.ts';
import { decisionView, type FeatureNames } from './decision-view.ts';
import { ProblemSchema } from './problem.ts';

const END_TO_END_ID = new RegExp(END_TO_END_ID_PATTERN);

/** `GET /v1/decisions/{endToEndId}/{side}`: from memory, the journal or the lake, however old. */
export function registerDecisionRoute(
  app: FastifyInstance,
  ports: { readonly scoring: Scoring; readonly features: FeatureNames },
): void {
  app.get<{ Params: { endToEndId: string; side: string } }>(
    '/v1/decisions/:endToEndId/:side',
    { schema: DOCS },
    async (request, reply) => {
      const { endToEndId, side } = request.params;
      if (!END_TO_END_ID.test(endToEndId)) {
        throw new AppError('invalid_request', 'endToEndId must be 32 letters and digits', { field: 'endToEndId' });
      }
      if (!isSide(side)) throw new AppError('invalid_request', 'side must be PAYER or PAYEE', { field: 'side' });
      const stored = await ports.scoring.findDecision(endToEndId, side);
      if (stored === undefined) throw new AppError('not_found', 'no decision was made for this endToEndId and side');
      return reply
        .header('content-type', 'application/json; charset=utf-8')
        .send(Buffer.from(decisionView(stored, ports.features)));
    },
  );
}

function isSide(text: string): text is Side {
  return (SIDES as readonly string[]).includes(text);
}

const DOCS = {
  summary: 'Show a decision and the features that it used',
  tags: ['scoring'],
  params: Type.Object({ endToEndId: Type.String(), side: Type.String({ enum: SIDES }) }),
  response: {
    200: Type.Object({
      decision: DecisionSchema,
      knownTime: Type.String(),
      features: Type.Array(
        Type.Object({ name: Type.String(), value: Type.Union([Type.Number(), Type.Null()]), status: Type.String() }),
      ),
    }),
    '4xx': ProblemSchema,
  },
};
