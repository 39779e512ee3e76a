import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { AppError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { END_TO_END_ID_PATTERN } from '../domain/end-to-end-id.ts';
import { SIDES, type Side } from '../domain/payment.ts';
import { schemaCheck } from '../domain/schema-errors.ts';
import { ProblemSchema } from './problem.ts';
import { decodeJsonBody } from './request-body.ts';
import { bodyOf } from './score-routes.ts';
import { type FeaturePorts, findSet, selectFeatures } from './served-features.ts';

/** What is asked of the lake. */
export interface HistoricalQuestion {
  /** Name of a set that is served. */
  readonly featureSet: string;
  readonly features: readonly string[];
  readonly payments: readonly { readonly endToEndId: string; readonly side: Side }[];
  readonly withStatuses: boolean;
}

/** Reads of what was recorded, outside of the scoring thread. */
export interface HistoricalReads {
  /**
   * Reads features as payments had them when they were scored: an Arrow IPC stream, piece by piece. Resolves with its
   * first piece, so that what is wrong with the question is told instead.
   *
   * @throws AppError `overloaded` where too many wait; `not_found` where the lake lacks a payment.
   */
  read(question: HistoricalQuestion): Promise<AsyncIterable<Uint8Array>>;
}

const ARROW_STREAM = 'application/vnd.apache.arrow.stream';

/** The form of a request. */
interface HistoricalRequest {
  readonly featureSet?: string;
  readonly features?: readonly string[];
  readonly statuses?: boolean;
  readonly payments: readonly { readonly endToEndId: string; readonly side: Side }[];
}

const RequestSchema = Type.Object(
  {
    featureSet: Type.Optional(Type.String({ description: '`name` or `name@version` of a set that is served' })),
    features: Type.Optional(
      Type.Array(Type.String(), {
        maxItems: LIMITS.readFeatures,
        description: 'Names in the order of the columns; all where none are given',
      }),
    ),
    statuses: Type.Optional(Type.Boolean({ description: 'A column `<feature>__status` behind each feature' })),
    payments: Type.Array(
      Type.Object(
        { endToEndId: Type.String({ pattern: END_TO_END_ID_PATTERN }), side: Type.String({ enum: SIDES }) },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: LIMITS.historicalRows, description: 'Rows of the answer, in its order' },
    ),
  },
  { additionalProperties: false },
);
const check = schemaCheck<HistoricalRequest>(RequestSchema);

/** `POST /v1/features/historical`: features as payments had them when they were scored, as an Arrow IPC stream. */
export function registerHistoricalRoute(app: FastifyInstance, ports: FeaturePorts, historical: HistoricalReads): void {
  app.post('/v1/features/historical', { schema: DOCS, bodyLimit: LIMITS.historicalBytes }, async (request, reply) => {
    const body = decodeJsonBody(bodyOf(request.body), LIMITS.historicalBytes);
    if (!check.is(body)) {
      const { field, problem } = check.problemOf(body);
      throw new AppError('invalid_request', `${field === '' ? 'the body' : field} ${problem}`, { field });
    }
    const served = findSet(ports.served, body.featureSet);
    const selected = selectFeatures(served, body.features ?? served.set.names);
    const pieces = await historical.read({
      featureSet: served.set.name,
      features: selected.map(({ name }) => name),
      payments: body.payments,
      withStatuses: body.statuses === true,
    });
    return reply.header('content-type', ARROW_STREAM).send(Readable.from(pieces, { objectMode: false }));
  });
}

const DOCS = {
  summary: 'Read features as payments had them when they were scored',
  description:
    'From silver, by the same replay as training sets: what a payment’s decision saw and nothing later. The answer is an Arrow IPC stream with columns end_to_end_id, side, event_time and the features; one that lacks its end was cut off. One read at a time; others wait.',
  tags: ['features'],
  body: RequestSchema,
  response: {
    200: {
      content: { [ARROW_STREAM]: { schema: Type.String({ format: 'binary' }) } },
      description: 'An Arrow IPC stream',
    },
    '4xx': ProblemSchema,
    503: ProblemSchema,
  },
};
