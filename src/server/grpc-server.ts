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
import { parsePayment } from '../domain/parse-payment.ts';
import { messageOfDecision } from '../events/score-message.ts';
import { loadScoringProto, SCORING_SERVICE, type ScoringProto } from '../events/scoring-proto.ts';
import type { Scoring, ScoringAnswer } from '../scoring/scoring-port.ts';
import type { Readiness } from './health-routes.ts';
import type { Metrics } from './metrics.ts';
import { problemOf } from './problem.ts';

/** What the gRPC server is made of. */
export interface GrpcPorts {
  readonly scoring: Scoring;
  readonly readiness: Readiness;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** A gRPC server that can be bound and stopped. */
export interface GrpcServer {
  /** Binds and serves; gives the port. */
  listen(host: string, port: number): Promise<number>;
  /** Answers what is under way, then stops; whatever is left at the deadline is cut. */
  close(deadlineMs: number): Promise<void>;
}

/** Assembles the gRPC server: Scoring, health and reflection. */
export function buildGrpcServer(ports: GrpcPorts): GrpcServer {
  const proto = loadScoringProto();
  const server = new Server({ 'grpc.max_receive_message_length': LIMITS.paymentBytes });
  const health = new HealthImplementation({ '': 'SERVING', [SCORING_SERVICE]: 'SERVING' });
  server.addService(...scoringService(proto, ports));
  health.addToServer(server);
  new ReflectionService(proto.definition).addToServer(server);
  return {
    listen: (host, port) =>
      new Promise((resolve, reject) => {
        server.bindAsync(`${host}:${port}`, ServerCredentials.createInsecure(), (error, bound) => {
          if (error === null) resolve(bound);
          else
            reject(
              new AppError(
                'locked',
                `gRPC cannot listen on ${host}:${port}: is another process there?`,
                { port },
                error,
              ),
            );
        });
      }),
    close: (deadlineMs) =>
      new Promise((resolve) => {
        health.setStatus(SCORING_SERVICE, 'NOT_SERVING');
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

function scoringService(proto: ScoringProto, ports: GrpcPorts): [ServiceDefinition, UntypedServiceImplementation] {
  const { Score: method } = proto.service;
  if (method === undefined) throw new Error('scoring.proto has no Scoring.Score');
  const raw: ServiceDefinition = {
    ...proto.service,
    Score: { ...method, requestDeserialize: (bytes: Buffer) => bytes },
  };
  const handle = (call: RawCall, callback: sendUnaryData<object>): void => {
    scoreCall(ports, proto, call.request).then(
      (answer) => {
        const metadata = new Metadata();
        if (answer.replayed) metadata.set('idempotent-replayed', 'true');
        call.sendMetadata(metadata);
        callback(null, messageOfDecision(JSON.parse(answer.body) as Decision));
      },
      (error: unknown) => callback(statusOf(ports, error)),
    );
  };
  return [raw, { Score: handle }];
}

async function scoreCall(ports: GrpcPorts, proto: ScoringProto, raw: Buffer): Promise<ScoringAnswer> {
  const started = performance.now();
  if (ports.readiness.stopping)
    throw new AppError('not_ready', 'the server is stopping: send the request to another, or again');
  const parsed = parsePayment(proto.decodeRequest(raw));
  const answer = await ports.scoring.score({ parsed, source: 'grpc', raw });
  ports.metrics.observeScore(performance.now() - started, answer.replayed);
  return answer;
}

function statusOf(ports: GrpcPorts, error: unknown): { code: number; details: string; metadata: Metadata } {
  const problem = problemOf(error);
  ports.metrics.countError(problem.code);
  if (problem.code === 'internal') ports.logger.error({ err: error }, 'a gRPC call failed by a fault of ours');
  const metadata = new Metadata();
  metadata.set('sentinela-code', problem.code);
  return { code: ERRORS[problem.code].grpc, details: problem.detail, metadata };
}
