import type { Socket } from 'node:net';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { AppError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { Scoring } from '../scoring/scoring-port.ts';
import { registerCorrectionRoute } from './correction-route.ts';
import { registerDecisionRoute } from './decision-route.ts';
import type { FeatureNames } from './decision-view.ts';
import { logFault } from './fault-log.ts';
import { registerFeastRoute } from './feast-route.ts';
import { registerFeatureListRoute } from './feature-list-route.ts';
import { FeatureReader } from './feature-reader.ts';
import { type Readiness, registerHealthRoutes } from './health-routes.ts';
import { type HistoricalReads, registerHistoricalRoute } from './historical-route.ts';
import { registerLabelRoute } from './label-route.ts';
import type { Metrics } from './metrics.ts';
import { registerOnlineFeaturesRoute } from './online-features-route.ts';
import { registerOpenApi } from './openapi.ts';
import { PROBLEM_TYPE, problemOf } from './problem.ts';
import { requestIdOf } from './request-id.ts';
import { registerScoreRoutes } from './score-routes.ts';
import type { FeaturePorts } from './served-features.ts';

/** What the HTTP server is made of. */
export interface HttpPorts {
  readonly scoring: Scoring;
  readonly features: FeatureNames;
  readonly reads: FeaturePorts;
  readonly historical: HistoricalReads;
  readonly readiness: Readiness;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** The program's version, for OpenAPI. */
  readonly version: string;
}

/**
 * Assembles the HTTP server; it listens when its `listen` is called. Every error leaves as
 * `application/problem+json`.
 */
export async function buildHttpServer(ports: HttpPorts): Promise<FastifyInstance> {
  const app = fastify({
    // Own logging: a line a request costs 15 % of the rate, and a body must never be in one.
    logger: false,
    bodyLimit: LIMITS.paymentBytes,
    requestIdHeader: false,
    genReqId: (request) => requestIdOf(request.headers['x-request-id']),
    // A body that trickles in holds a connection no longer than this.
    requestTimeout: 30_000,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: true,
    routerOptions: { maxParamLength: 128, ignoreTrailingSlash: true },
    clientErrorHandler: answerBadHttp,
    frameworkErrors: (error, _request, reply) => sendProblem(reply, error),
    // Bodies are checked by src/domain, the same way over every way in; schemas here document.
  });
  app.setValidatorCompiler(() => () => true);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    if (ports.readiness.stopping && !request.url.startsWith('/health')) {
      reply.header('connection', 'close');
      done(new AppError('not_ready', 'the server is stopping: send the request to another, or again'));
    } else done();
  });
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error);
    ports.metrics.countError(problem.code);
    logFault(ports.logger, problem, error, { requestId: request.id, route: request.routeOptions.url });
    if (problem.code === 'too_large') readToTheEnd(request, reply);
    return sendProblem(reply, error);
  });
  app.setNotFoundHandler((request, reply) => notFound(app, request.method, request.url, reply));
  await registerOpenApi(app, ports.version);
  registerScoreRoutes(app, ports);
  registerLabelRoute(app, ports);
  registerCorrectionRoute(app, ports);
  registerDecisionRoute(app, ports);
  const reader = new FeatureReader(ports.metrics);
  registerFeatureListRoute(app, ports.reads);
  registerOnlineFeaturesRoute(app, ports.reads, reader);
  registerFeastRoute(app, ports.reads, reader);
  registerHistoricalRoute(app, ports.reads, ports.historical);
  registerHealthRoutes(app, ports);
  return app;
}

/** Sends an error as a problem. */
export function sendProblem(reply: FastifyReply, error: unknown): FastifyReply {
  const problem = problemOf(error);
  return reply
    .code(problem.status)
    .header('content-type', PROBLEM_TYPE)
    .serializer((payload: unknown) => String(payload))
    .send(JSON.stringify(problem));
}

/** A body that is too large is read to its end, within bounds: a client that is cut off while it sends never sees why. */
const READ_AWAY_BYTES = 4 * LIMITS.batchBytes;

function readToTheEnd(request: FastifyRequest, reply: FastifyReply): void {
  if (Number(request.headers['content-length'] ?? Number.POSITIVE_INFINITY) <= READ_AWAY_BYTES)
    reply.header('connection', 'keep-alive');
}

const METHODS = ['GET', 'POST'] as const;

function notFound(app: FastifyInstance, method: string, url: string, reply: FastifyReply): FastifyReply {
  const path = url.split('?')[0] ?? url;
  const allowed = METHODS.filter((other) => other !== method && app.findRoute({ url: path, method: other }) !== null);
  if (allowed.length === 0)
    return sendProblem(reply, new AppError('not_found', 'there is no such route: /docs lists them'));
  reply.header('allow', allowed.join(', '));
  return sendProblem(reply, new AppError('method_not_allowed', `this route takes ${allowed.join(', ')}`));
}

/** What is not HTTP gets a problem too, and its connection ends. */
function answerBadHttp(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW';
  const problem = problemOf(
    new AppError('invalid_request', tooLarge ? 'the headers are too large' : 'the request is not HTTP/1.1'),
  );
  const body = JSON.stringify(problem);
  const line = tooLarge ? '431 Request Header Fields Too Large' : '400 Bad Request';
  socket.end(
    `HTTP/1.1 ${line}\r\ncontent-type: ${PROBLEM_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
