import { randomUUID } from 'node:crypto';

/** Ids that we take from a client as they are. */
const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;

/** The id of a request: the one that its client gave, or a new one where that is none. */
export function requestIdOf(given: unknown): string {
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}
