import { AppError } from '../base/errors.ts';

/**
 * Runs what reads rows for the flag `--rows`, and tells its errors of where the rows came from here.
 *
 * @param source `--payments`, or `rows` of a request.
 */
export async function toldAs<T>(source: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new AppError(error.code, error.message.replace(/^--rows: /, `${source}: `), error.context, error);
  }
}
