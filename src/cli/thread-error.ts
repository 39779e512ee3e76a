import { AppError, type ErrorCode, type ErrorContext, messageOf } from '../base/errors.ts';

/** An error on its way between threads, which copy no classes. */
export interface ThreadError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly context: ErrorContext;
}

/** What is sent of an error; one that is not ours is `internal`. */
export function toThread(error: unknown): ThreadError {
  const { code, message, context } =
    error instanceof AppError ? error : new AppError('internal', messageOf(error), {}, error);
  return { code, message, context };
}

/** The error that was sent. */
export function fromThread({ code, message, context }: ThreadError): AppError {
  return new AppError(code, message, context);
}
