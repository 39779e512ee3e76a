import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';
import type { Logger } from 'pino';
import { AppError, ERRORS } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { Decision } from '../domain/decision.ts';
import { parseCorrection } from '../domain/parse-correction.ts';
import { parsePayment } from '../domain/parse-payment.ts';
import { messageOfDecision } from '../events/score-message.ts';
import { loadScoringProto, SCORING_SERVICE, type ScoringProto } from '../events/scoring-proto.ts';
import type { Scoring } from '../scoring/scoring-port.ts';
import { logFault } from './fault-log.ts';
import type { Readiness } from './health-routes.ts';
import { hostAndPort, listenFault } from './listen-address.ts';
import type { Metrics } from './metrics.ts';
import { problemOf } from './problem.ts';
import { requestIdOf } from './request-id.ts';

/** What the gRPC server is made of. */
export interface GrpcPorts {
  readonly scoring: Scoring;
  readonly readiness: Readiness;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** A gRPC server that can be bound and stopped. */
export interface GrpcServer {
  /** Binds and serves; gives the port. Rejects with AppError `locked` where it is taken, else `invalid_config`. */
  listen(host: string, port: number): Promise<number>;
  /** Answers what is under way, then stops; whatever is left at the deadline is cut. */
  close(deadlineMs: number): Promise<void>;
}

/** Whose health is told: the server's as a whole, and Scoring's. */
const HEALTH_SERVICES = ['', SCORING_SERVICE];

/** Assembles the gRPC server: Scoring, health and reflection. */
export function buildGrpcServer(ports: GrpcPorts): GrpcServer {
  const proto = loadScoringProto();
  const server = new Server({ 'grpc.max_receive_message_length': LIMITS.paymentBytes });
  const health = new HealthImplementation(Object.fromEntries(HEALTH_SERVICES.map((service) => [service, 'SERVING'])));
  server.addService(...scoringService(proto, ports));
  health.addToServer(server);
  new ReflectionService(proto.definition).addToServer(server);
  return {
    listen: (host, port) =>
      new Promise((resolve, reject) => {
        server.bindAsync(hostAndPort(host, port), ServerCredentials.createInsecure(), (error, bound) => {
          if (error === null) resolve(bound);
          else reject(listenFault('gRPC', host, port, error));
        });
      }),
    close: (deadlineMs) =>
      new Promise((resolve) => {
        for (const service of HEALTH_SERVICES) health.setStatus(service, 'NOT_SERVING');
        const timer = setTimeout(() => {
          server.forceShutdown();
          resolve();
        }, deadlineMs);
        server.tryShutdown(() => {
          clearTimeout(timer);
          resolve();
        });
      }),
  };
}

/** A request as it came: bytes. Decoding in the handler makes bad bytes INVALID_ARGUMENT; grpc-js itself would say INTERNAL. */
type RawCall = ServerUnaryCall<Buffer, object>;

/** A message to answer with, and the headers before it. */
interface Reply {
  readonly message: object;
  readonly headers: Readonly<Record<string, string>>;
}

function scoringService(proto: ScoringProto, ports: GrpcPorts): [ServiceDefinition, UntypedServiceImplementation] {
  const answers: Readonly<Record<string, (raw: Buffer) => Promise<Reply>>> = {
    Score: (raw) => score(ports, proto, raw),
    Correct: (raw) => correct(ports, proto, raw),
  };
  const service: Record<string, ServiceDefinition[string]> = {};
  const handlers: UntypedServiceImplementation = {};
  for (const [name, answer] of Object.entries(answers)) {
    const method = proto.service[name];
    if (method === undefined) throw new Error(`scoring.proto has no Scoring.${name}`);
    service[name] = { ...method, requestDeserialize: (bytes: Buffer) => bytes };
    handlers[name] = (call: RawCall, callback: sendUnaryData<object>): void => {
      admitted(ports, () => answer(call.request)).then(
        ({ message, headers }) => {
          const metadata = new Metadata();
          for (const [header, value] of Object.entries(headers)) metadata.set(header, value);
          call.sendMetadata(metadata);
          callback(null, message);
        },
        (error: unknown) => {
          const given = call.metadata.get('x-request-id')[0];
          callback(statusOf(ports, error, { route: `Scoring.${name}`, given }));
        },
      );
    };
  }
  return [service, handlers];
}

async function admitted(ports: GrpcPorts, answer: () => Promise<Reply>): Promise<Reply> {
  if (ports.readiness.stopping)
    throw new AppError('not_ready', 'the server is stopping: send the request to another, or again');
  return await answer();
}

async function score({ scoring, metrics }: GrpcPorts, proto: ScoringProto, raw: Buffer): Promise<Reply> {
  const started = performance.now();
  const parsed = parsePayment(proto.decodeRequest(raw));
  const { body, replayed } = await scoring.score({ parsed, source: 'grpc', raw });
  metrics.observeScore(performance.now() - started, replayed);
  const message = messageOfDecision(JSON.parse(body) as Decision);
  return { message, headers: replayed ? { 'idempotent-replayed': 'true' } : {} };
}

async function correct({ scoring, metrics }: GrpcPorts, proto: ScoringProto, raw: Buffer): Promise<Reply> {
  const parsed = parseCorrection(proto.decodeCorrection(raw));
  const applied = await scoring.recordCorrection({ parsed, source: 'grpc', raw });
  metrics.countCorrection(parsed, applied);
  return { message: { applied }, headers: {} };
}

/** A call has an id where its caller gave one, else from here on: only one that failed is looked for in the log. */
function statusOf(
  ports: GrpcPorts,
  error: unknown,
  { route, given }: { readonly route: string; readonly given: unknown },
): { code: number; details: string; metadata: Metadata } {
  const problem = problemOf(error);
  const requestId = requestIdOf(given);
  ports.metrics.countError(problem.code);
  logFault(ports.logger, problem, error, { requestId, route });
  const metadata = new Metadata();
  metadata.set('sentinela-code', problem.code);
  metadata.set('x-request-id', requestId);
  return { code: ERRORS[problem.code].grpc, details: problem.detail, metadata };
}
