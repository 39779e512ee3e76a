/** How one kind of error is told over each way in. */
interface ErrorKind {
  /** HTTP status, RFC 9110. */
  readonly http: number;
  /** gRPC status code, by its number in grpc/status.proto. */
  readonly grpc: number;
  /** Whether the same request, sent again later, may succeed. */
  readonly retryable: boolean;
  /** What the CLI exits with. */
  readonly exit: number;
  /** One line for the page of errors. */
  readonly title: string;
}

const kind = (http: number, grpc: number, retryable: boolean, exit: number, title: string): ErrorKind => ({
  http,
  grpc,
  retryable,
  exit,
  title,
});

/**
 * Every error that leaves the program, in one table; `docs/errors.md` is held equal to it by a
 * test. Exit codes: 1 fault, 2 bad usage or input, 3 refused by state, 4 not found, 5 check failed.
 */
export const ERRORS = {
  invalid_json: kind(400, 3, false, 2, 'The body is not JSON'),
  invalid_encoding: kind(400, 3, false, 2, 'The body is not UTF-8, or holds a NUL'),
  invalid_payment: kind(400, 3, false, 2, 'A field of the payment is missing, unknown or wrong'),
  invalid_label: kind(400, 3, false, 2, 'A field of the label is missing, unknown or wrong'),
  invalid_correction: kind(400, 3, false, 2, 'A field of the correction is missing, unknown or wrong'),
  invalid_request: kind(400, 3, false, 2, 'The request is not of the form that the route takes'),
  invalid_protobuf: kind(400, 3, false, 2, 'The message cannot be decoded'),
  too_deep: kind(400, 3, false, 2, 'The body is nested too deeply'),
  not_found: kind(404, 5, false, 4, 'There is no such thing'),
  not_allowed: kind(403, 7, false, 3, 'Personal data may not be shown to who asks'),
  method_not_allowed: kind(405, 12, false, 2, 'The route does not take this method'),
  key_reused: kind(409, 6, false, 3, 'Another payment was scored under this endToEndId and side'),
  too_large: kind(413, 8, false, 2, 'The body is larger than the limit'),
  unsupported_media_type: kind(415, 3, false, 2, 'The content type is not one that the route takes'),
  in_future: kind(422, 3, false, 2, 'The payment was accepted too far ahead of our clock'),
  overloaded: kind(503, 8, true, 3, 'More requests are under way than the limit'),
  not_durable: kind(503, 14, true, 3, 'The decision could not be made durable in time'),
  journal_full: kind(503, 8, true, 3, 'The journal holds more than its limit and waits for the lake'),
  state_damaged: kind(503, 8, true, 3, 'A page of the embedded state on disk cannot be read as it was written'),
  state_full: kind(503, 8, true, 3, 'The embedded store holds more than its limit'),
  not_ready: kind(503, 14, true, 3, 'The server is starting or stopping'),
  internal: kind(500, 13, false, 1, 'A fault of ours'),
  invalid_config: kind(400, 3, false, 2, 'A setting is unknown or wrong'),
  usage: kind(400, 3, false, 2, 'The command was called in a way that it does not know'),
  locked: kind(409, 9, true, 3, 'Another process uses the folder'),
  journal_corrupt: kind(500, 15, false, 1, 'A journal is damaged before its last record'),
  model_mismatch: kind(500, 9, false, 3, 'The model and the feature set do not belong together'),
  model_invalid: kind(500, 9, false, 3, 'The model cannot be loaded'),
  model_exists: kind(409, 6, false, 3, 'Another model is registered under this name and version'),
  feature_invalid: kind(400, 3, false, 2, 'A feature definition is wrong'),
  feature_not_found: kind(404, 5, false, 4, 'No such feature, or no such feature set, is served'),
  store_unavailable: kind(503, 14, true, 3, 'The online store does not answer'),
  table_not_found: kind(404, 5, false, 4, 'There is no Delta table at the path'),
  table_exists: kind(409, 6, false, 3, 'There is a Delta table at the path already'),
  table_corrupt: kind(500, 15, false, 1, 'The Delta table cannot be read rightly'),
  table_unsupported: kind(501, 12, false, 3, 'The Delta table needs a feature that is not supported'),
  table_damaged: kind(409, 9, false, 5, 'A check of the Delta table found faults'),
  version_not_found: kind(404, 5, false, 4, 'The Delta table has no such version'),
  commit_conflict: kind(409, 10, true, 3, 'Another writer won the race for the Delta table'),
  constraint_violated: kind(422, 9, false, 2, 'A row breaks a constraint of the Delta table'),
  commit_undecided: kind(503, 14, true, 1, 'It is not known whether a commit to the Delta table landed'),
  object_exists: kind(409, 6, false, 3, 'The object exists already'),
  storage_failed: kind(503, 14, true, 1, 'Reading or writing storage failed'),
  storage_denied: kind(403, 7, false, 3, 'The object store refuses these credentials'),
  storage_unsafe: kind(501, 12, false, 3, 'The object store does not keep writers apart'),
  put_undecided: kind(503, 14, true, 1, 'It is not known whether an object was written'),
  disk_full: kind(503, 8, true, 3, 'The disk has no room'),
  invalid_file: kind(400, 3, false, 2, 'The file cannot be read as what it should be'),
  invalid_mapping: kind(400, 3, false, 2, 'The mapping of the import is wrong'),
  export_mismatch: kind(409, 9, false, 5, 'The export does not equal what is recomputed'),
  leakage_found: kind(409, 9, false, 5, 'A feature of the export knows what it should not'),
  skew_found: kind(409, 9, false, 5, 'Served features do not equal the recomputed ones'),
  drift_found: kind(409, 9, false, 5, 'Served features are further from the training set than is allowed'),
} as const satisfies Record<string, ErrorKind>;

/** The name of an error, as clients see it in `code`. */
export type ErrorCode = keyof typeof ERRORS;

/** Values that help to understand an error. Never personal data: it goes to clients and logs. */
export type ErrorContext = Readonly<Record<string, string | number | boolean>>;

/**
 * The one class of errors that we throw on purpose. The message says what happened, with the
 * values, and what to do next; it never holds personal data.
 */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly context: ErrorContext;

  constructor(code: ErrorCode, message: string, context: ErrorContext = {}, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.name = 'AppError';
    this.code = code;
    this.context = context;
  }
}

/** The `errno` name of a failed system call (`ENOSPC`), or undefined. */
export function systemErrorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** What an unknown thrown thing says, for wrapping it in a message. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
