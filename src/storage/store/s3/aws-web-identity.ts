import { readFile } from 'node:fs/promises';
import { AppError, systemErrorCode } from '../../../base/errors.ts';
import { type CredentialParts, endpointVariable, variable } from './aws-environment.ts';
import { askForCredentials, credentialsOf, noCredentials } from './aws-token-answer.ts';
import { parseErrorDocument } from './documents.ts';
import type { AwsCredentials } from './signature.ts';
import { queryString } from './signature.ts';
import { childText, parseXml, type XmlElement, XmlFault } from './xml.ts';

const WHERE = "Amazon's Security Token Service";
const TIMEOUT_MS = 10_000;

/**
 * Credentials of AWS_ROLE_ARN for the token in AWS_WEB_IDENTITY_TOKEN_FILE, by
 * AssumeRoleWithWebIdentity, as pods of Kubernetes have them; undefined where neither is set.
 *
 * @throws AppError invalid_config, storage_denied.
 */
export async function webIdentityCredentials(parts: CredentialParts): Promise<AwsCredentials | undefined> {
  const { environment, exchange } = parts;
  const tokenFile = variable(environment, 'AWS_WEB_IDENTITY_TOKEN_FILE');
  const roleArn = variable(environment, 'AWS_ROLE_ARN');
  if (tokenFile === undefined) return undefined;
  if (roleArn === undefined) {
    throw new AppError('invalid_config', 'AWS_WEB_IDENTITY_TOKEN_FILE is set without AWS_ROLE_ARN; set both');
  }
  const endpoint = endpointVariable(environment, 'AWS_ENDPOINT_URL_STS', 'AWS_ENDPOINT_URL');
  const body = queryString([
    ['Action', 'AssumeRoleWithWebIdentity'],
    ['Version', '2011-06-15'],
    ['RoleArn', roleArn],
    ['RoleSessionName', variable(environment, 'AWS_ROLE_SESSION_NAME') ?? 'sentinela'],
    ['WebIdentityToken', await readToken(tokenFile)],
  ]);
  const outcome = await askForCredentials(exchange, {
    method: 'POST',
    origin: endpoint ?? `https://sts.${await parts.region()}.amazonaws.com`,
    target: '/',
    // In the body, since the token is a secret and targets are logged.
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new TextEncoder().encode(body),
    timeoutMs: TIMEOUT_MS,
  });
  if (outcome.kind === 'answer' && outcome.status === 200) return credentialsInXml(outcome.body);
  const code = outcome.kind === 'answer' ? parseErrorDocument(outcome.body)?.code : undefined;
  if (code === undefined) throw noCredentials(WHERE, outcome);
  throw new AppError('storage_denied', `${WHERE} refuses the role ${roleArn}: ${code}`);
}

async function readToken(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    const code = systemErrorCode(error) ?? 'unknown';
    throw new AppError('invalid_config', `The file of AWS_WEB_IDENTITY_TOKEN_FILE cannot be read (${code})`);
  }
}

function credentialsInXml(body: Uint8Array): AwsCredentials {
  let credentials: XmlElement | undefined;
  try {
    const root = parseXml(Buffer.from(body).toString());
    const result = root.children.find(({ name }) => name === 'AssumeRoleWithWebIdentityResult');
    credentials = result?.children.find(({ name }) => name === 'Credentials');
  } catch (error) {
    if (!(error instanceof XmlFault)) throw error;
  }
  if (credentials === undefined) throw new AppError('storage_denied', `${WHERE} answered without credentials`);
  return credentialsOf(WHERE, {
    id: childText(credentials, 'AccessKeyId'),
    secret: childText(credentials, 'SecretAccessKey'),
    token: childText(credentials, 'SessionToken'),
    expiration: childText(credentials, 'Expiration'),
  });
}
