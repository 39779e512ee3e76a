import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';

/** `/openapi.json` and `/docs`, made of the routes' own schemas. Call before routes are registered. */
export async function registerOpenApi(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Sentinela',
        version,
        description:
          'Real-time fraud scoring for Pix. Every error is application/problem+json with a code of docs/errors.md.',
      },
      tags: [
        { name: 'scoring', description: 'Payments and decisions' },
        { name: 'labels', description: 'What became of payments' },
        { name: 'corrections', description: 'Payments that were not, or not as they were presented' },
        { name: 'features', description: 'Values of features, without scoring' },
        { name: 'operation', description: 'Health and metrics' },
      ],
    },
  });
  await app.register(swaggerUi, { routePrefix: '/docs' });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
}
