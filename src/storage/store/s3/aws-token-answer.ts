import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../../base/errors.ts';
import type { HttpExchange, HttpOutcome, HttpRequest } from './http-exchange.ts';
import { DEFAULT_RETRY_LIMITS, jitteredDelayMs } from './retry.ts';
import type { AwsCredentials } from './signature.ts';

/** How often an endpoint of credentials is asked. */
const ATTEMPTS = 3;

/** Asks an endpoint of credentials, again where it does not answer or answers 5xx. */
export async function askForCredentials(exchange: HttpExchange, request: HttpRequest): Promise<HttpOutcome> {
  for (let attempt = 0; ; attempt += 1) {
    const outcome = await exchange(request);
    const isFinal = outcome.kind === 'answer' && outcome.status < 500 && outcome.status !== 429;
    if (isFinal || attempt + 1 >= ATTEMPTS) return outcome;
    await sleep(jitteredDelayMs(DEFAULT_RETRY_LIMITS, attempt + 1, 1));
  }
}

/**
 * The credentials in the JSON that containers' and instances' endpoints answer.
 *
 * @param where names the endpoint in messages, which never hold what it answered: that is secret.
 * @throws AppError storage_denied for another answer.
 */
export function credentialsInJson(where: string, body: Uint8Array): AwsCredentials {
  let answer: unknown;
  try {
    answer = JSON.parse(Buffer.from(body).toString());
  } catch {
    throw new AppError('storage_denied', `${where} answered something that is not JSON`);
  }
  const found = (typeof answer === 'object' && answer !== null ? answer : {}) as Record<string, unknown>;
  return credentialsOf(where, {
    id: found.AccessKeyId,
    secret: found.SecretAccessKey,
    token: found.Token,
    expiration: found.Expiration,
  });
}

/** Credentials from their parts, each checked. @throws AppError storage_denied where one is missing. */
export function credentialsOf(
  where: string,
  { id, secret, token, expiration }: Readonly<Record<'id' | 'secret' | 'token' | 'expiration', unknown>>,
): AwsCredentials {
  const expiresMs = typeof expiration === 'string' ? Date.parse(expiration) : Number.NaN;
  if (typeof id !== 'string' || typeof secret !== 'string' || id === '' || secret === '') {
    throw new AppError('storage_denied', `${where} answered without keys`);
  }
  return {
    accessKeyId: id,
    secretAccessKey: secret,
    ...(typeof token === 'string' && token !== '' ? { sessionToken: token } : {}),
    ...(Number.isNaN(expiresMs) ? {} : { expiresMs }),
  };
}

/** Why an endpoint gave no credentials, without what it said: storage_failed when it may do so later. */
export function noCredentials(where: string, outcome: HttpOutcome): AppError {
  const why = outcome.kind === 'lost' ? outcome.reason : `it answered ${outcome.status}`;
  const mayComeBack = outcome.kind === 'lost' || outcome.status >= 500 || outcome.status === 429;
  return new AppError(mayComeBack ? 'storage_failed' : 'storage_denied', `${where} gives no credentials: ${why}`);
}
