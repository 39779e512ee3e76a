import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { AppError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { END_TO_END_ID_PATTERN } from '../domain/end-to-end-id.ts';
import { SIDES, type Side } from '../domain/payment.ts';
import { schemaCheck } from '../domain/schema-errors.ts';
import type { FeatureSetDefinition } from '../features/definition/definition.ts';
import { ProblemSchema } from './problem.ts';
import { checkedBody } from './request-body.ts';
import { type FeaturePorts, findSet, selectFeatures } from './served-features.ts';

/** A row of the user's own: cells by the names of `export create --rows`. */
export type HistoricalRow = Readonly<Record<string, string | number | boolean | null>>;

/** What is asked of the lake. */
export interface HistoricalQuestion {
  /** A set that is served. */
  readonly definition: FeatureSetDefinition;
  readonly features: readonly string[];
  /** Recorded payments, or rows of the user's own. */
  readonly of:
    | { readonly kind: 'payments'; readonly payments: readonly { readonly endToEndId: string; readonly side: Side }[] }
    | { readonly kind: 'own'; readonly rows: readonly HistoricalRow[] };
  readonly withStatuses: boolean;
}

/** Reads of what was recorded, outside of the scoring thread. */
export interface HistoricalReads {
  /**
   * Reads features as payments had them when they were scored, or as they were known at an instant: an Arrow IPC stream,
   * piece by piece. Resolves with its first piece, so that what is wrong with the question is told instead.
   *
   * @throws AppError `overloaded` where too many wait; `not_found` where the lake lacks a payment; `invalid_file` where
   * rows are wrong, `usage` where they lack a column.
   */
  read(question: HistoricalQuestion): Promise<AsyncIterable<Uint8Array>>;
}

const ARROW_STREAM = 'application/vnd.apache.arrow.stream';

/** The form of a request. */
interface HistoricalRequest {
  readonly featureSet?: string;
  readonly features?: readonly string[];
  readonly statuses?: boolean;
  readonly payments?: readonly { readonly endToEndId: string; readonly side: Side }[];
  readonly rows?: readonly HistoricalRow[];
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
    payments: Type.Optional(
      Type.Array(
        Type.Object(
          { endToEndId: Type.String({ pattern: END_TO_END_ID_PATTERN }), side: Type.String({ enum: SIDES }) },
          { additionalProperties: false },
        ),
        { minItems: 1, maxItems: LIMITS.historicalRows, description: 'Recorded payments; the answer has their order' },
      ),
    ),
    rows: Type.Optional(
      Type.Array(Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()])), {
        minItems: 1,
        maxItems: LIMITS.historicalRows,
        description:
          'Rows of your own, with the columns of `export create --rows`: event_time, known_time, payer_account, payee_account, end_to_end_id, columns of payments; each sees what was known at its known time',
      }),
    ),
  },
  { additionalProperties: false },
);
const check = schemaCheck<HistoricalRequest>(RequestSchema);

/** `POST /v1/features/historical`: features as they were, as an Arrow IPC stream. */
export function registerHistoricalRoute(app: FastifyInstance, ports: FeaturePorts, historical: HistoricalReads): void {
  app.post('/v1/features/historical', { schema: DOCS, bodyLimit: LIMITS.historicalBytes }, async (request, reply) => {
    const body = checkedBody(request.body, LIMITS.historicalBytes, check);
    const served = findSet(ports.served, body.featureSet);
    const selected = selectFeatures(served, body.features ?? served.set.names);
    const pieces = await historical.read({
      definition: served.set.definition,
      features: selected.map(({ name }) => name),
      of: ofRequest(body),
      withStatuses: body.statuses === true,
    });
    return reply.header('content-type', ARROW_STREAM).send(Readable.from(pieces, { objectMode: false }));
  });
}

function ofRequest({ payments, rows }: HistoricalRequest): HistoricalQuestion['of'] {
  if (payments !== undefined && rows === undefined) return { kind: 'payments', payments };
  if (rows !== undefined && payments === undefined) return { kind: 'own', rows };
  throw new AppError('invalid_request', 'send either payments, which are recorded, or rows of your own', {
    field: 'payments',
  });
}

const DOCS = {
  summary: 'Read features as they were',
  description:
    'From silver, by the replay of training sets: a recorded payment has what its decision saw, a row of your own what was known at its known time. The answer is an Arrow IPC stream: end_to_end_id, side and event_time, or row, event_time and known_time; then the features. One that lacks its end was cut off. One read at a time; others wait.',
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
