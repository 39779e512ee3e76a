import { AppError } from '../../../base/errors.ts';
import { parseErrorDocument } from './documents.ts';
import type { HttpAnswer, HttpOutcome } from './http-exchange.ts';

/** What a failed request to S3 means for the next step. */
export type S3Failure =
  /** The same request may go well later. `mayHaveLanded`: a write may have happened all the same. */
  | { readonly kind: 'again'; readonly error: AppError; readonly mayHaveLanded: boolean }
  /** Nothing happened: new credentials are needed, or our clock is wrong; then the same again. */
  | { readonly kind: 'expired' | 'skewed'; readonly error: AppError }
  | { readonly kind: 'final'; readonly error: AppError };

const RETRYABLE_STATUS: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);
const RETRYABLE_CODES: ReadonlySet<string> = new Set([
  'SlowDown',
  'InternalError',
  'ServiceUnavailable',
  'RequestTimeout',
  'Throttling',
  'ThrottlingException',
  'TooManyRequests',
  'RequestLimitExceeded',
  'OperationAborted',
  'BadDigest',
  'XAmzContentSHA256Mismatch',
  'IncompleteBody',
]);
const EXPIRED_CODES: ReadonlySet<string> = new Set(['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired']);
/** A certificate that is wrong now is wrong at the next try. */
const CERTIFICATE_FAULT = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|^ERR_TLS/;

/** Judges an answer that is not the one asked for, or a lost one. @param what as `PUT of s3://bucket/key`. */
export function judgeFailure(what: string, outcome: HttpOutcome): S3Failure {
  if (outcome.kind === 'lost') {
    const error = new AppError('storage_failed', `The ${what} got no answer: ${outcome.reason}`);
    if (CERTIFICATE_FAULT.test(outcome.code ?? '')) return { kind: 'final', error };
    return { kind: 'again', error, mayHaveLanded: outcome.wasSent };
  }
  const { code = '', message = '', region } = parseErrorDocument(outcome.body) ?? {};
  return judgeAnswer(what, outcome, code, message, region);
}

/** Judges an error that stands in the body of an answer. */
export function judgeAnswer(
  what: string,
  { status, headers }: Pick<HttpAnswer, 'status' | 'headers'>,
  code: string,
  message: string,
  region?: string,
): S3Failure {
  const requestId = headers['x-amz-request-id'];
  const said = `${status} ${code}${message === '' ? '' : ` (${message})`}`.trim();
  const answered = `The ${what} was answered ${said}${requestId === undefined ? '' : `, request ${requestId}`}`;
  if (code === 'RequestTimeTooSkewed') {
    return { kind: 'skewed', error: new AppError('storage_failed', `${answered}; set this machine's clock`) };
  }
  if (EXPIRED_CODES.has(code)) return { kind: 'expired', error: new AppError('storage_denied', answered) };
  if (RETRYABLE_STATUS.has(status) || RETRYABLE_CODES.has(code)) {
    return { kind: 'again', error: new AppError('storage_failed', answered), mayHaveLanded: status >= 500 };
  }
  const bucketRegion = region ?? headers['x-amz-bucket-region'];
  if ((status === 301 || status === 307 || status === 400) && bucketRegion !== undefined) {
    const hint = `the bucket is in ${String(bucketRegion)}: set AWS_REGION to that`;
    return { kind: 'final', error: new AppError('invalid_config', `${answered}; ${hint}`) };
  }
  if (code === 'NoSuchBucket') {
    return { kind: 'final', error: new AppError('not_found', `${answered}; make the bucket or correct its name`) };
  }
  if (status === 401 || status === 403) {
    const hint = 'check the credentials, and that they may list, read and write the bucket';
    return { kind: 'final', error: new AppError('storage_denied', `${answered}; ${hint}`) };
  }
  if (status === 507) return { kind: 'final', error: new AppError('disk_full', answered) };
  return { kind: 'final', error: new AppError('storage_failed', answered) };
}
