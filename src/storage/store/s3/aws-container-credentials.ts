import { readFile } from 'node:fs/promises';
import { AppError, systemErrorCode } from '../../../base/errors.ts';
import { type CredentialParts, type Environment, variable } from './aws-environment.ts';
import { askForCredentials, credentialsInJson, noCredentials } from './aws-token-answer.ts';
import type { AwsCredentials } from './signature.ts';

const WHERE = "The container's endpoint of credentials";
const TIMEOUT_MS = 2000;
/** Where ECS and EKS serve them; plain HTTP is taken from no other host than these and this machine. */
const LINK_LOCAL_HOSTS: ReadonlySet<string> = new Set(['169.254.170.2', '169.254.170.23', '[fd00:ec2::23]']);

/**
 * Credentials from AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or …_FULL_URI; undefined where neither is set.
 *
 * @throws AppError invalid_config, storage_denied.
 */
export async function containerCredentials(parts: CredentialParts): Promise<AwsCredentials | undefined> {
  const { environment, exchange } = parts;
  const relative = variable(environment, 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI');
  const full = variable(environment, 'AWS_CONTAINER_CREDENTIALS_FULL_URI');
  if (relative === undefined && full === undefined) return undefined;
  const url = checkedUrl(relative === undefined ? (full ?? '') : `http://169.254.170.2${relative}`);
  const token = await readToken(environment);
  const outcome = await askForCredentials(exchange, {
    method: 'GET',
    origin: url.origin,
    target: url.pathname + url.search,
    headers: { host: url.host, accept: 'application/json', ...(token === undefined ? {} : { authorization: token }) },
    timeoutMs: TIMEOUT_MS,
  });
  if (outcome.kind === 'answer' && outcome.status === 200) return credentialsInJson(WHERE, outcome.body);
  throw noCredentials(WHERE, outcome);
}

function checkedUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isLocal = url !== undefined && (LINK_LOCAL_HOSTS.has(url.hostname) || isLoopback(url.hostname));
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLocal)) return url;
  throw new AppError(
    'invalid_config',
    'AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or a host of the container itself: keys are not asked for in the clear',
  );
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

async function readToken(environment: Environment): Promise<string | undefined> {
  const path = variable(environment, 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE');
  if (path === undefined) return variable(environment, 'AWS_CONTAINER_AUTHORIZATION_TOKEN');
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    const code = systemErrorCode(error) ?? 'unknown';
    throw new AppError('invalid_config', `The file of AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE cannot be read (${code})`);
  }
}
