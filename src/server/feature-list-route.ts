import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { FeatureDefinition, FeatureType } from '../features/definition/definition.ts';
import { FEATURE_TYPES } from '../features/definition/feature-type.ts';
import type { FeaturePorts } from './served-features.ts';

/** `GET /v1/features`: the sets that are served, with every feature's meaning and definition. */
export function registerFeatureListRoute(app: FastifyInstance, { served }: FeaturePorts): void {
  app.get('/v1/features', { schema: DOCS }, async (_request, reply) => {
    const sets = served.map(({ set, store }) => ({
      name: set.name,
      version: set.version,
      hash: set.hash,
      epoch: store.epoch,
      description: set.definition.description,
      features: set.definition.features.map((feature, at) => listed(feature, set.types[at] ?? 'double')),
    }));
    return reply.header('content-type', 'application/json; charset=utf-8').send(JSON.stringify({ featureSets: sets }));
  });
}

/** What a definition says, with the same few members for every kind of feature. */
function listed(definition: FeatureDefinition, type: FeatureType) {
  const { name, description, ...rest } = definition;
  return {
    name,
    description,
    type,
    owner: textOf(rest, 'owner'),
    default: 'default' in rest ? (rest.default ?? null) : null,
    definition: rest,
  };
}

function textOf(definition: object, member: string): string | null {
  const value: unknown = Reflect.get(definition, member);
  return typeof value === 'string' ? value : null;
}

const DOCS = {
  summary: 'List the feature sets that are served',
  tags: ['features'],
  response: {
    200: Type.Object({
      featureSets: Type.Array(
        Type.Object({
          name: Type.String(),
          version: Type.String({ description: 'The first digits of the hash; decisions and exports carry it' }),
          hash: Type.String({ description: 'SHA-256 of the definition’s canonical form' }),
          epoch: Type.Integer({ description: 'The epoch that is open' }),
          description: Type.String(),
          features: Type.Array(
            Type.Object({
              name: Type.String(),
              description: Type.String(),
              type: Type.String({ enum: [...FEATURE_TYPES], description: 'What its values are; all are numbers' }),
              owner: Type.Union([Type.String(), Type.Null()]),
              default: Type.Union([Type.Number(), Type.Null()], {
                description: 'The value for an entity that was never seen',
              }),
              definition: Type.Record(Type.String(), Type.Unknown()),
            }),
          ),
        }),
      ),
    }),
  },
};
