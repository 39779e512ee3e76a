import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { AppError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { INSTANT_PATTERN, instantOfMicros, microsOfInstant, NO_INSTANT } from '../domain/instant.ts';
import { parsePayment } from '../domain/parse-payment.ts';
import { PaymentSchema } from '../domain/payment.ts';
import { entityKeys } from '../domain/payment-row.ts';
import { schemaCheck } from '../domain/schema-errors.ts';
import { FEATURE_STATUS_NAMES } from '../features/feature-status.ts';
import type { FeatureRead, FeatureReading } from '../features/online-store.ts';
import { ENTITY_NAMES, keysOfNames } from './entity-names.ts';
import type { FeatureReader } from './feature-reader.ts';
import { ProblemSchema } from './problem.ts';
import { checkedBody } from './request-body.ts';
import { type FeaturePorts, findSet, selectFeatures } from './served-features.ts';

/** The form of a request; its rows are looked at one by one, so that an error names theirs. */
interface OnlineRequest {
  readonly featureSet?: string;
  readonly features?: readonly string[];
  readonly at?: string;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

const FIELDS = {
  featureSet: Type.Optional(
    Type.String({
      description: '`name` or `name@version`; where none is named, the set that payments are scored with',
    }),
  ),
  features: Type.Optional(
    Type.Array(Type.String(), {
      maxItems: LIMITS.readFeatures,
      description: 'Names, in the order of the answer; all of the set where none are given',
    }),
  ),
  at: Type.Optional(
    Type.String({ pattern: INSTANT_PATTERN, description: 'The windows’ end; now where it is not given' }),
  ),
};
const check = schemaCheck<OnlineRequest>(
  Type.Object(
    {
      ...FIELDS,
      rows: Type.Array(Type.Record(Type.String(), Type.Unknown()), { minItems: 1, maxItems: LIMITS.readRows }),
    },
    { additionalProperties: false },
  ),
);

/** `POST /v1/features/online`: features as scoring would see them now, with their typed statuses. */
export function registerOnlineFeaturesRoute(app: FastifyInstance, ports: FeaturePorts, reader: FeatureReader): void {
  app.post('/v1/features/online', { schema: DOCS, bodyLimit: LIMITS.readBytes }, async (request, reply) => {
    const body = checkedBody(request.body, LIMITS.readBytes, check);
    const served = findSet(ports.served, body.featureSet);
    const selected = selectFeatures(served, body.features ?? served.set.names);
    const nowMicros = ports.nowMicros();
    const atMicros = atOf(body.at, nowMicros);
    const reads = body.rows.map((row, at) => readOf(row, at, atMicros, nowMicros));
    const readings = (await reader.read([served], reads)).get(served) ?? [];
    const places = selected.map(({ place }) => place);
    const answer = {
      featureSet: { name: served.set.name, version: served.set.version },
      features: selected.map(({ name }) => name),
      rows: readings.map((reading, row) => rowOf(reading, places, reads[row]?.atMicros ?? atMicros)),
    };
    return reply.header('content-type', 'application/json; charset=utf-8').send(JSON.stringify(answer));
  });
}

function atOf(text: string | undefined, nowMicros: number): number {
  const micros = text === undefined ? nowMicros : microsOfInstant(text);
  if (micros === undefined) throw new AppError('invalid_request', `at ${NO_INSTANT}`, { field: 'at' });
  if (micros > nowMicros + LIMITS.aheadMicros) {
    throw new AppError('invalid_request', 'at is more than 12 h ahead of our clock', { field: 'at' });
  }
  return micros;
}

/** A row is a payment, read at its own time, or names entities, read at the request's. */
function readOf(
  { payment, ...names }: Readonly<Record<string, unknown>>,
  at: number,
  atMicros: number,
  nowMicros: number,
): FeatureRead {
  const field = `rows[${at}]`;
  if (payment === undefined) return { keys: keysOfNames(names, field), atMicros, row: null };
  if (Object.keys(names).length > 0) {
    throw new AppError(
      'invalid_request',
      `${field} has a payment, which names the entities: take the other names out`,
      {
        field,
      },
    );
  }
  const { row } = parsedIn(field, payment);
  if (row.event_time > nowMicros + LIMITS.aheadMicros) {
    throw new AppError('in_future', `the payment of ${field} was accepted more than 12 h ahead of our clock`, {
      field,
    });
  }
  return { keys: entityKeys(row), atMicros: row.event_time, row };
}

function parsedIn(field: string, payment: unknown): ReturnType<typeof parsePayment> {
  try {
    return parsePayment(payment);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new AppError(
      error.code,
      `the payment of ${field}: ${error.message}`,
      { ...error.context, row: field },
      error,
    );
  }
}

function rowOf({ values, status, saw }: FeatureReading, places: readonly number[], atMicros: number) {
  return {
    at: instantOfMicros(atMicros),
    // What has no value is NaN, which JSON writes as null.
    values: places.map((place) => values[place]),
    statuses: places.map((place) => FEATURE_STATUS_NAMES[status[place] ?? 0]),
    saw,
  };
}

const NumberSchema = Type.Union([Type.Object({ epoch: Type.Integer(), seq: Type.Integer() }), Type.Null()]);

const DOCS = {
  summary: 'Read features as scoring would see them now',
  description:
    'Nothing is recorded. A row names entities, or brings a payment as /v1/score takes it: what needs a payment is null without one, and the payment’s own event, where it was scored already, does not count.',
  tags: ['features'],
  body: Type.Object(
    {
      ...FIELDS,
      rows: Type.Array(
        Type.Union([
          Type.Object({ payment: PaymentSchema }, { additionalProperties: false }),
          Type.Object(
            Object.fromEntries(
              ENTITY_NAMES.map((name) => [name, Type.Optional(Type.Union([Type.String(), Type.Null()]))]),
            ),
            { additionalProperties: false },
          ),
        ]),
        { minItems: 1, maxItems: LIMITS.readRows },
      ),
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      featureSet: Type.Object({ name: Type.String(), version: Type.String() }),
      features: Type.Array(Type.String()),
      rows: Type.Array(
        Type.Object({
          at: Type.String({ description: 'The windows’ end' }),
          values: Type.Array(Type.Union([Type.Number(), Type.Null()])),
          statuses: Type.Array(Type.String({ enum: FEATURE_STATUS_NAMES })),
          saw: Type.Record(Type.String(), NumberSchema, {
            description: 'For each kind of entity the number in its sequence up to which the values see',
          }),
        }),
      ),
    }),
    '4xx': ProblemSchema,
    503: ProblemSchema,
  },
};
