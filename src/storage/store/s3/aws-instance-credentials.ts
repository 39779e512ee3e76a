import { type CredentialParts, endpointVariable, variable } from './aws-environment.ts';
import { askForCredentials, credentialsInJson, noCredentials } from './aws-token-answer.ts';
import type { HttpRequest } from './http-exchange.ts';
import type { AwsCredentials } from './signature.ts';

const WHERE = "The instance's metadata service";
const ROLE_PATH = '/latest/meta-data/iam/security-credentials/';
/** The service is on the machine itself; elsewhere nobody answers, and that should not take long to find out. */
const TIMEOUT_MS = 1000;
const TOKEN_SECONDS = 21_600;

/**
 * Credentials of the role of an EC2 instance, by IMDSv2; undefined outside of EC2, for an instance
 * without a role, and where AWS_EC2_METADATA_DISABLED is `true`.
 *
 * @throws AppError storage_denied.
 */
export async function instanceCredentials(parts: CredentialParts): Promise<AwsCredentials | undefined> {
  const { environment, exchange } = parts;
  if (variable(environment, 'AWS_EC2_METADATA_DISABLED')?.toLowerCase() === 'true') return undefined;
  const origin = endpointVariable(environment, 'AWS_EC2_METADATA_SERVICE_ENDPOINT') ?? 'http://169.254.169.254';
  const request = (target: string, token: string): HttpRequest => ({
    method: 'GET',
    origin,
    target,
    headers: { 'x-aws-ec2-metadata-token': token },
    timeoutMs: TIMEOUT_MS,
  });
  // Asked once: where there is no such service, which is most machines, every further try is a second lost.
  const opened = await exchange({
    method: 'PUT',
    origin,
    target: '/latest/api/token',
    headers: { 'x-aws-ec2-metadata-token-ttl-seconds': String(TOKEN_SECONDS) },
    timeoutMs: TIMEOUT_MS,
  });
  if (opened.kind === 'lost' || opened.status !== 200) return undefined;
  const token = Buffer.from(opened.body).toString();
  const roles = await askForCredentials(exchange, request(ROLE_PATH, token));
  if (roles.kind === 'answer' && roles.status === 404) return undefined;
  if (roles.kind === 'lost' || roles.status !== 200) throw noCredentials(WHERE, roles);
  const role = Buffer.from(roles.body).toString().split('\n')[0]?.trim() ?? '';
  if (!/^[\w+=,.@-]{1,128}$/.test(role)) return undefined;
  const outcome = await askForCredentials(exchange, request(ROLE_PATH + role, token));
  if (outcome.kind === 'lost' || outcome.status !== 200) throw noCredentials(WHERE, outcome);
  return credentialsInJson(WHERE, outcome.body);
}
