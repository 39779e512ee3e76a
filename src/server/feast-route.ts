import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { AppError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { tellable } from '../base/tellable.ts';
import { instantOfMicros } from '../domain/instant.ts';
import { schemaCheck } from '../domain/schema-errors.ts';
import { FEATURE_STATUS, FEATURE_STATUS_NAMES } from '../features/feature-status.ts';
import type { FeatureReading } from '../features/online-store.ts';
import { keysOfNames } from './entity-names.ts';
import type { FeatureReader } from './feature-reader.ts';
import { ProblemSchema } from './problem.ts';
import { checkedBody } from './request-body.ts';
import { checkCount, type FeaturePorts, findSet, type SelectedFeature, selectFeatures } from './served-features.ts';

/** Feast's statuses (feast/serving/ServingService.proto). */
const FEAST_STATUSES = ['PRESENT', 'NULL_VALUE', 'NOT_FOUND', 'OUTSIDE_MAX_AGE'] as const;
type FeastStatus = (typeof FEAST_STATUSES)[number];

/** Feast writes this where it has no time, and for the columns of entities. */
const NO_TIME = '1970-01-01T00:00:00Z';

/** A column of the answer. */
interface FeastResult {
  readonly values: readonly (string | number | null)[];
  readonly statuses: readonly FeastStatus[];
  readonly event_timestamps: readonly string[];
  readonly typed_statuses?: readonly string[];
}

const RequestSchema = Type.Object(
  {
    features: Type.Optional(
      Type.Array(Type.String({ description: '`set:feature` or `set@version:feature`' }), {
        minItems: 1,
        maxItems: LIMITS.readFeatures,
      }),
    ),
    feature_service: Type.Optional(Type.String({ description: 'A set, `name` or `name@version`: all its features' })),
    entities: Type.Record(
      Type.String(),
      Type.Array(Type.Union([Type.String(), Type.Null()]), { minItems: 1, maxItems: LIMITS.readRows }),
      {
        description: 'Columns of equal length: payer_ispb, payer_branch, payer_number, payee_…; or payer, payee, pair',
      },
    ),
    full_feature_names: Type.Optional(Type.Boolean({ description: 'Names as `set__feature`' })),
  },
  { description: 'Feast’s request' },
);

/** A request of the form that is documented; what entities hold is looked at where they are named. */
interface FeastRequest {
  readonly features?: readonly string[] | null;
  readonly feature_service?: string | null;
  readonly entities: Readonly<Record<string, readonly unknown[]>>;
  readonly full_feature_names?: boolean;
}

const check = schemaCheck<FeastRequest>(
  Type.Object({
    features: Type.Optional(Type.Union([Type.Null(), Type.Array(Type.String())])),
    feature_service: Type.Optional(Type.Union([Type.Null(), Type.String()])),
    entities: Type.Record(Type.String(), Type.Array(Type.Unknown())),
    full_feature_names: Type.Optional(Type.Boolean()),
  }),
);

/** `POST /get-online-features`: what a feature server of Feast answers, for clients that speak its form. */
export function registerFeastRoute(app: FastifyInstance, ports: FeaturePorts, reader: FeatureReader): void {
  app.post('/get-online-features', { schema: DOCS, bodyLimit: LIMITS.readBytes }, async (request, reply) => {
    const body = checkedBody(request.body, LIMITS.readBytes, check);
    const selected = selectionOf(ports, body);
    const names = answerNames(selected, body.full_feature_names === true);
    const rows = entityRows(body.entities);
    const atMicros = ports.nowMicros();
    const reads = rows.map((row, at) => ({ keys: keysOfNames(row, `entities[${at}]`), atMicros, row: null }));
    const readings = await reader.read(new Set(selected.map(({ served }) => served)), reads);
    const at = instantOfMicros(atMicros);
    const results = [
      ...Object.values(body.entities).map(entityResult),
      ...selected.map(({ served, place }) => featureResult(readings.get(served) ?? [], place, at)),
    ];
    const metadata = JSON.stringify({ feature_names: [...Object.keys(body.entities), ...names] });
    const answer = `{"metadata":${metadata},"results":[${results.map(resultJson).join(',')}]}`;
    return reply.header('content-type', 'application/json; charset=utf-8').send(answer);
  });
}

/** Feast looks at `features` only where no service is named. */
function selectionOf({ served }: FeaturePorts, body: FeastRequest): SelectedFeature[] {
  const { feature_service: service, features: references } = body;
  if (typeof service === 'string') {
    const found = findSet(served, service);
    return selectFeatures(found, found.set.names);
  }
  if (references === undefined || references === null || references.length === 0) {
    throw new AppError('invalid_request', 'features is missing: send ["set:feature", …], or feature_service', {
      field: 'features',
    });
  }
  checkCount(references);
  return references.flatMap((reference) => {
    const colon = reference.indexOf(':');
    if (colon < 0) {
      throw new AppError('invalid_request', `feature ${tellable(reference)} must be written as set:feature`, {
        field: 'features',
      });
    }
    return selectFeatures(findSet(served, reference.slice(0, colon)), [reference.slice(colon + 1)]);
  });
}

function answerNames(selected: readonly SelectedFeature[], full: boolean): string[] {
  const names = selected.map(({ served, name }) => (full ? `${served.set.name}__${name}` : name));
  const second = names.findIndex((name, at) => names.indexOf(name) !== at);
  const twice = names[second];
  if (twice === undefined) return names;
  const first = names.indexOf(twice);
  const why =
    selected[first]?.served === selected[second]?.served
      ? 'is asked for twice'
      : 'is in two of the sets: ask with full_feature_names';
  throw new AppError('invalid_request', `feature ${twice} ${why}`, { field: 'features' });
}

/** Columns of entities, turned into rows. */
function entityRows(entities: FeastRequest['entities']): Record<string, unknown>[] {
  const columns = Object.entries(entities);
  const count = columns[0]?.[1].length ?? 0;
  if (count === 0 || count > LIMITS.readRows) {
    throw new AppError('invalid_request', `entities has ${count} rows: 1 to ${LIMITS.readRows} are taken`, {
      field: 'entities',
    });
  }
  if (columns.some(([, values]) => values.length !== count)) {
    throw new AppError('invalid_request', 'the columns of entities have not the same number of values', {
      field: 'entities',
    });
  }
  return Array.from({ length: count }, (_, at) =>
    Object.fromEntries(columns.map(([name, values]) => [name, values[at]])),
  );
}

function entityResult(values: readonly unknown[]): FeastResult {
  return {
    values: values as FeastResult['values'],
    statuses: values.map(() => 'PRESENT'),
    event_timestamps: values.map(() => NO_TIME),
  };
}

function featureResult(readings: readonly FeatureReading[], place: number, at: string): FeastResult {
  const statuses = readings.map(({ status }) => status[place] ?? FEATURE_STATUS.null);
  return {
    values: readings.map(({ values }) => values[place] ?? null),
    statuses: statuses.map(feastStatus),
    event_timestamps: statuses.map((status) => (status === FEATURE_STATUS.notFound ? NO_TIME : at)),
    typed_statuses: statuses.map((status) => FEATURE_STATUS_NAMES[status] ?? 'unknown'),
  };
}

/** Feast's clients take a number without a point for an integer, and a column of both for a broken one. */
function resultJson({ values, ...rest }: FeastResult): string {
  return `{"values":[${values.map(valueJson).join(',')}],${JSON.stringify(rest).slice(1)}`;
}

function valueJson(value: string | number | null): string {
  const text = JSON.stringify(value);
  return typeof value === 'number' && /^-?\d+$/.test(text) ? `${text}.0` : text;
}

function feastStatus(status: number): FeastStatus {
  switch (status) {
    case FEATURE_STATUS.present:
      return 'PRESENT';
    case FEATURE_STATUS.notFound:
      return 'NOT_FOUND';
    case FEATURE_STATUS.expired:
      return 'OUTSIDE_MAX_AGE';
    default:
      return 'NULL_VALUE';
  }
}

const DOCS = {
  summary: 'Read features of entities as Feast’s feature server does',
  description:
    'As of now; nothing is recorded. A feature of an entity that was never seen is NOT_FOUND and has its default. Our own status stands beside, in `typed_statuses`. Features that need a payment are NULL_VALUE: `/v1/features/online` takes one.',
  tags: ['features'],
  body: RequestSchema,
  response: {
    200: Type.Object({
      metadata: Type.Object({ feature_names: Type.Array(Type.String()) }),
      results: Type.Array(
        Type.Object({
          values: Type.Array(Type.Union([Type.String(), Type.Number(), Type.Null()])),
          statuses: Type.Array(Type.String({ enum: FEAST_STATUSES })),
          event_timestamps: Type.Array(Type.String()),
          typed_statuses: Type.Optional(Type.Array(Type.String({ enum: FEATURE_STATUS_NAMES }))),
        }),
      ),
    }),
    '4xx': ProblemSchema,
    503: ProblemSchema,
  },
};
