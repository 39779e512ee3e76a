import { AppError } from '../base/errors.ts';

/** Says what is wrong with a definition. @throws AppError `feature_invalid`, always. */
export function fail(name: string, problem: string): never {
  throw new AppError('feature_invalid', `feature '${name}': ${problem}`, { feature: name });
}
