import { AppError } from '../../base/errors.ts';

/** A definition that has no meaning: `feature_invalid`. */
export class DefinitionError extends AppError {
  /** What is wrong, without the name. */
  readonly problem: string;
  /** The member of the definition that is wrong, as TypeScript calls it; undefined where it is the whole. */
  readonly member: string | undefined;

  /** @param name of the feature or the set. */
  constructor(name: string, problem: string, member?: string) {
    super('feature_invalid', `feature '${name}': ${problem}`, { feature: name });
    this.problem = problem;
    this.member = member;
  }
}

/** Says what is wrong with a definition. @throws DefinitionError `feature_invalid`, always. */
export function fail(name: string, problem: string, member?: string): never {
  throw new DefinitionError(name, problem, member);
}
