import type { JsonObject } from '../../base/exact-json.ts';
import { canonicalForm } from '../log/last-checkpoint.ts';

/** Whether two actions say the same: a checkpoint keeps their members in another order than a commit. */
export function isSame(left: object, right: object): boolean {
  return canonicalForm(left as JsonObject) === canonicalForm(right as JsonObject);
}
