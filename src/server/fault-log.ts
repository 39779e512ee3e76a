import type { Logger } from 'pino';
import type { Problem } from './problem.ts';

/** Which request failed. */
export interface FailedRequest {
  /** What its sender was told as its id. */
  readonly requestId: string;
  readonly route: string | undefined;
}

/** Logs an error of a request where it is a fault of ours: its sender is told no more than that, and where to look. */
export function logFault(logger: Logger, problem: Problem, error: unknown, { requestId, route }: FailedRequest): void {
  if (problem.code !== 'internal') return;
  logger.error({ requestId, route, err: error }, 'a request failed by a fault of ours');
}
