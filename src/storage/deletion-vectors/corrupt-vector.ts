import { AppError, type ErrorContext } from '../../base/errors.ts';

/** The fault of every deletion vector that is not what the specification says. */
export function corruptVector(what: string, context: ErrorContext = {}): AppError {
  return new AppError(
    'table_corrupt',
    `A deletion vector is damaged: ${what}; restore its file or an older version of the table`,
    context,
  );
}
