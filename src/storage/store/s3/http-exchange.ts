import { Agent as HttpAgent, type IncomingHttpHeaders, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { messageOf, systemErrorCode } from '../../../base/errors.ts';

/** One request of HTTP/1.1. */
export interface HttpRequest {
  readonly method: string;
  /** Scheme, host and port: `https://host:port`. */
  readonly origin: string;
  /** Path and query, encoded: it is sent as it stands. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** How long it may take; a large body has more, by its size. */
  readonly timeoutMs: number;
}

/** What came of a request. */
export type HttpOutcome =
  | HttpAnswer
  /** No whole answer came. `wasSent` tells whether the server may have seen the request. */
  | { readonly kind: 'lost'; readonly reason: string; readonly code: string | undefined; readonly wasSent: boolean };

/** A whole answer. */
export interface HttpAnswer {
  readonly kind: 'answer';
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Empty where it went to a sink. */
  readonly body: Uint8Array;
}

/** Takes the body of a success (200, 206) piece by piece, in place of memory. What it throws is thrown on. */
export interface BodySink {
  /** A body begins; one that began before was torn. */
  start(): Promise<void>;
  write(bytes: Uint8Array): Promise<void>;
}

/** Sends requests over connections that are kept. */
export type HttpExchange = (request: HttpRequest, sink?: BodySink) => Promise<HttpOutcome>;

/** Connections to one host: as many as a scan of many small files makes use of. */
const MAX_SOCKETS = 64;
/** The slowest link that is not given up: 256 KiB/s. */
const SLOWEST_BYTES_PER_MS = 256;
/** A body that is an error's is a short document. */
const MAX_ERROR_BYTES = 256 * 1024;

/** Opens an exchange. Its idle connections do not hold the process. */
export function httpExchange(): HttpExchange {
  const agents = {
    http: new HttpAgent({ keepAlive: true, maxSockets: MAX_SOCKETS }),
    https: new HttpsAgent({ keepAlive: true, maxSockets: MAX_SOCKETS }),
  };
  return (request, sink) => exchange(agents, request, sink);
}

function exchange(
  agents: { http: HttpAgent; https: HttpsAgent },
  request: HttpRequest,
  sink: BodySink | undefined,
): Promise<HttpOutcome> {
  const url = new URL(request.origin);
  const isSecure = url.protocol === 'https:';
  return new Promise((resolve, reject) => {
    let wasSent = false;
    const sent = (isSecure ? requestHttps : requestHttp)({
      agent: isSecure ? agents.https : agents.http,
      method: request.method,
      // URL keeps the brackets of an IPv6 address, which is not a name to look up.
      hostname: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port,
      path: request.target,
      headers: { ...request.headers, 'content-length': String(request.body?.length ?? 0) },
    });
    const deadline = deadlineOf(() => sent.destroy(new TimeoutFault()));
    const lose = (error: unknown): void => {
      deadline.clear();
      resolve({ kind: 'lost', reason: messageOf(error), code: systemErrorCode(error), wasSent });
    };
    sent.on('error', lose);
    sent.on('socket', (socket) => {
      // From here, since what waits for a connection waits for our own requests, which have deadlines.
      deadline.within(request.timeoutMs + (request.body?.length ?? 0) / SLOWEST_BYTES_PER_MS);
      if (!socket.connecting) wasSent = true;
      else socket.once(isSecure ? 'secureConnect' : 'connect', () => (wasSent = true));
    });
    sent.on('response', (response) => {
      const length = Number(response.headers['content-length'] ?? 0);
      deadline.within(request.timeoutMs + length / SLOWEST_BYTES_PER_MS);
      take(response, request.method, sink).then(
        (answer) => {
          deadline.clear();
          resolve(answer);
        },
        (error: unknown) => {
          response.destroy();
          if (error instanceof SinkFault) {
            deadline.clear();
            reject(error.cause);
          } else lose(error);
        },
      );
    });
    sent.end(request.body);
  });
}

async function take(response: IncomingMessage, method: string, sink: BodySink | undefined): Promise<HttpAnswer> {
  const { statusCode: status = 0, headers } = response;
  const isSuccess = status === 200 || status === 206;
  const goesToSink = sink !== undefined && isSuccess;
  if (goesToSink) await intoSink(sink.start());
  const pieces: Uint8Array[] = [];
  let received = 0;
  for await (const piece of response as AsyncIterable<Uint8Array>) {
    received += piece.length;
    if (goesToSink) await intoSink(sink.write(piece));
    else pieces.push(piece);
    if (!isSuccess && received > MAX_ERROR_BYTES) throw new Error('an error of the server has no end');
  }
  // Node tells of a connection that closes too early; proxies that cut a body and close properly are told here.
  const expected = headers['content-length'];
  if (method !== 'HEAD' && expected !== undefined && Number(expected) !== received) {
    throw new Error(`the body has ${received} bytes, its header says ${expected}`);
  }
  return { kind: 'answer', status, headers, body: Buffer.concat(pieces) };
}

class TimeoutFault extends Error {
  readonly code = 'ETIMEDOUT';
  constructor() {
    super('the answer did not come in time');
  }
}

/** What a sink threw: a fault of this machine, not of the connection. */
class SinkFault extends Error {}

async function intoSink(step: Promise<void>): Promise<void> {
  try {
    await step;
  } catch (error) {
    throw new SinkFault('the body has no place to go', { cause: error });
  }
}

function deadlineOf(act: () => void): { within(ms: number): void; clear(): void } {
  let timer: NodeJS.Timeout | undefined;
  const clear = (): void => clearTimeout(timer);
  return {
    within(ms) {
      clear();
      timer = setTimeout(act, ms);
    },
    clear,
  };
}
