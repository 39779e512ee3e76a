/**
 * Stops the program where something that cannot be false is false. For faults of ours only: what
 * comes from outside is validated and answered with an {@link AppError}.
 *
 * @throws Error when `condition` is false.
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}

/** Marks a branch that the types say cannot be reached. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
