import { Type } from 'typebox';
import { AppError, ERRORS, type ErrorCode } from '../base/errors.ts';

/** The media type of every error (RFC 9457). */
export const PROBLEM_TYPE = 'application/problem+json';

/** An error as clients see it (RFC 9457), with our code and what helps to mend it. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly retryable: boolean;
  readonly [extension: string]: string | number | boolean;
}

/** The form of a problem, for OpenAPI. */
export const ProblemSchema = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'One of the codes of docs/errors.md' }),
    detail: Type.String({ description: 'What happened and what to do; names the field, the limit or the byte' }),
    retryable: Type.Boolean({ description: 'Whether the same request may succeed later' }),
    field: Type.Optional(Type.String()),
  },
  { description: 'An error (RFC 9457)' },
);

/** The problem that tells of an error. What is no {@link AppError} is a fault of ours and tells nothing of itself. */
export function problemOf(error: unknown): Problem {
  const told = error instanceof AppError ? error : fromFramework(error);
  const { http, title, retryable } = ERRORS[told.code];
  return {
    ...told.context,
    type: `urn:sentinela:error:${told.code}`,
    title,
    status: http,
    code: told.code,
    detail: told.message,
    retryable,
  };
}

const INTERNAL = 'a fault of ours: the log has it under this request’s id';

/** Errors of the framework's own, by their codes. */
const FRAMEWORK: Readonly<Record<string, [ErrorCode, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['too_large', 'the body is over the limit of this route'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported_media_type', 'send application/json'],
  FST_ERR_CTP_EMPTY_TYPE: ['unsupported_media_type', 'send application/json'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['invalid_json', 'the body is empty'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['invalid_request', 'the body has not the length that Content-Length says'],
  FST_ERR_MAX_PARAM_LENGTH: ['not_found', 'a part of the path is too long'],
  FST_ERR_BAD_URL: ['invalid_request', 'the path cannot be decoded'],
};

function fromFramework(error: unknown): AppError {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  const known = FRAMEWORK[code];
  if (known !== undefined) return new AppError(known[0], known[1]);
  const status = typeof error === 'object' && error !== null && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (status >= 400 && status < 500) return new AppError('invalid_request', 'the request cannot be read');
  return new AppError('internal', INTERNAL, {}, error);
}
