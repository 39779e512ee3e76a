import { AppError } from '../../base/errors.ts';

/** The error for a value that a column cannot take. The value is not repeated: it may be personal data. */
export function refuseCell(column: string, taken: string): AppError {
  return new AppError('invalid_request', `The column ${column} takes ${taken}`, { column });
}
