import type { CredentialSource } from './aws-credentials.ts';
import { parseErrorDocument } from './documents.ts';
import type { S3Endpoint } from './endpoint.ts';
import { judgeFailure } from './failure.ts';
import type { BodySink, HttpAnswer, HttpExchange } from './http-exchange.ts';
import { type RetryParts, retryAfterMs, type Tried, withRetries } from './retry.ts';
import { type QueryPairs, queryString, sha256Hex, signedHeaders } from './signature.ts';

/** A call of S3's REST API on one bucket. */
export interface S3Call {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** A key of the bucket; empty for the bucket itself. */
  readonly key: string;
  readonly query?: QueryPairs;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** The statuses that are an answer; all others are a failure. */
  readonly accepts: readonly number[];
  /** Where the body of a success goes, in place of memory. */
  readonly sink?: BodySink;
}

/** What one try of a call came to. */
export type S3Tried =
  | { readonly kind: 'done'; readonly value: HttpAnswer }
  | (Extract<Tried<never>, { kind: 'again' }> & { readonly mayHaveLanded: boolean });

/** Signs calls, sends them, and tries again what may go well then. */
export interface S3Client {
  readonly retry: RetryParts;
  /** Tries until an accepted answer comes. @throws AppError */
  send(call: S3Call): Promise<HttpAnswer>;
  /** Tries once. @throws AppError where another try is no use. */
  attempt(call: S3Call): Promise<S3Tried>;
  /** The call for messages: `PUT of s3://bucket/key`. */
  nameOf(call: S3Call): string;
}

/** What a client works with. */
export interface S3ClientParts {
  readonly bucket: string;
  /** Asked once a call; it looks the region up at the first. */
  endpoint(): Promise<S3Endpoint>;
  readonly credentials: CredentialSource;
  readonly exchange: HttpExchange;
  readonly retry: RetryParts;
}

/** Makes a client. */
export function s3Client(parts: S3ClientParts): S3Client {
  const { clock, limits } = parts.retry;
  // How far the server's clock is ahead of ours, once it has refused our time.
  let skewMs = 0;
  const nowMs = (): number => clock.nowMicros() / 1000 + skewMs;
  const nameOf = ({ method, key }: S3Call): string => `${method} of s3://${parts.bucket}/${key}`;
  const exchangeSigned = async (call: S3Call) => {
    const endpoint = await parts.endpoint();
    const { method, query = [], body } = call;
    const path = endpoint.pathOf(call.key);
    // S3 checks the body against this hash: what is damaged on the way is not stored.
    const bodyHash = body === undefined ? EMPTY_HASH : sha256Hex(body);
    const headers = { ...call.headers, host: endpoint.host, 'x-amz-content-sha256': bodyHash };
    const scope = {
      credentials: await parts.credentials.get(),
      region: endpoint.region,
      service: 's3',
      atMs: nowMs(),
    };
    return parts.exchange(
      {
        method,
        origin: endpoint.origin,
        target: query.length === 0 ? path : `${path}?${queryString(query)}`,
        headers: signedHeaders({ method, path, query, headers, bodyHash }, scope),
        ...(body === undefined ? {} : { body }),
        timeoutMs: limits.attemptMs,
      },
      call.sink,
    );
  };
  const attempt = async (call: S3Call): Promise<S3Tried> => {
    const outcome = await exchangeSigned(call);
    if (outcome.kind === 'answer' && isAccepted(call, outcome)) return { kind: 'done', value: outcome };
    const failure = judgeFailure(nameOf(call), outcome);
    switch (failure.kind) {
      case 'final':
        throw failure.error;
      case 'expired':
        parts.credentials.forget();
        return { kind: 'again', error: failure.error, mayHaveLanded: false };
      case 'skewed': {
        const theirs = outcome.kind === 'answer' ? Date.parse(outcome.headers.date ?? '') : Number.NaN;
        if (!Number.isNaN(theirs)) skewMs += theirs - nowMs();
        return { kind: 'again', error: failure.error, mayHaveLanded: false };
      }
      case 'again': {
        const wait = outcome.kind === 'answer' ? retryAfterMs(outcome.headers['retry-after'], nowMs()) : undefined;
        return { ...failure, ...(wait === undefined ? {} : { retryAfterMs: wait }) };
      }
    }
  };
  return { retry: parts.retry, attempt, nameOf, send: (call) => withRetries(parts.retry, () => attempt(call)) };
}

/** A missing bucket is never the answer of a missing object. */
function isAccepted({ accepts }: S3Call, { status, body }: HttpAnswer): boolean {
  return accepts.includes(status) && (status !== 404 || parseErrorDocument(body)?.code !== 'NoSuchBucket');
}

const EMPTY_HASH = sha256Hex('');
