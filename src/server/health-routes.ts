import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { AppError } from '../base/errors.ts';
import type { Metrics } from './metrics.ts';
import { ProblemSchema } from './problem.ts';

/** Whether the server can take payments; moved by its assembly. */
export interface Readiness {
  /** State is built and the ways in are open. */
  ready: boolean;
  /** SIGTERM came: what is under way is answered, nothing more is taken. */
  stopping: boolean;
}

/** `/health/live`, `/health/ready` and `/metrics`. */
export function registerHealthRoutes(
  app: FastifyInstance,
  ports: { readonly readiness: Readiness; readonly metrics: Metrics },
): void {
  app.get(
    '/health/live',
    { schema: { summary: 'Whether the process answers', tags: ['operation'], response: { 200: StatusSchema } } },
    async () => ({
      status: 'live',
    }),
  );
  app.get(
    '/health/ready',
    {
      schema: {
        summary: 'Whether payments are taken',
        tags: ['operation'],
        response: { 200: StatusSchema, 503: ProblemSchema },
      },
    },
    async () => {
      const { ready, stopping } = ports.readiness;
      if (!ready || stopping)
        throw new AppError('not_ready', stopping ? 'the server is stopping' : 'the server is building its state');
      return { status: 'ready' };
    },
  );
  app.get(
    '/metrics',
    { schema: { summary: 'Metrics in Prometheus’ text format', tags: ['operation'] } },
    async (_request, reply) => {
      const { contentType, text } = await ports.metrics.render();
      return reply.header('content-type', contentType).send(text);
    },
  );
}

const StatusSchema = Type.Object({ status: Type.String() });
