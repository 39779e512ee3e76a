import type { Clock } from '../../../base/clock.ts';
import { AppError } from '../../../base/errors.ts';
import { containerCredentials } from './aws-container-credentials.ts';
import { type CredentialParts, type Environment, readAwsProfile, variable } from './aws-environment.ts';
import { instanceCredentials } from './aws-instance-credentials.ts';
import { webIdentityCredentials } from './aws-web-identity.ts';
import type { AwsCredentials } from './signature.ts';

/** Gives credentials that are good now. */
export interface CredentialSource {
  /** @throws AppError storage_denied where there are none, invalid_config where they are set up wrongly. */
  get(): Promise<AwsCredentials>;
  /** Drops what is kept: the server has refused it as expired. */
  forget(): void;
}

/** Credentials are renewed this long before they end: Amazon hands out the next ones by then. */
const RENEW_BEFORE_MS = 5 * 60_000;

/** Credentials that were given outright. */
export function fixedCredentials(credentials: AwsCredentials): CredentialSource {
  return { get: async () => credentials, forget: () => undefined };
}

/**
 * The usual chain, the first that is set up wins: variables of the environment, a web identity
 * (AWS_WEB_IDENTITY_TOKEN_FILE), the shared files, the container's endpoint, the EC2 instance.
 */
export function credentialChain(parts: CredentialParts): CredentialSource {
  return renewedCredentials(parts.clock, async () => {
    const found =
      environmentCredentials(parts.environment) ??
      (await webIdentityCredentials(parts)) ??
      (await profileCredentials(parts)) ??
      (await containerCredentials(parts)) ??
      (await instanceCredentials(parts));
    if (found !== undefined) return found;
    throw new AppError(
      'storage_denied',
      'There are no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give this ' +
        'machine a role',
    );
  });
}

/**
 * Keeps credentials until five minutes before they end; of many callers one looks for the next. Where
 * that fails, the old ones serve to their end.
 */
export function renewedCredentials(clock: Clock, find: () => Promise<AwsCredentials>): CredentialSource {
  let kept: AwsCredentials | undefined;
  let finding: Promise<AwsCredentials> | undefined;
  const leftMs = (): number => {
    if (kept === undefined) return 0;
    return kept.expiresMs === undefined ? Number.POSITIVE_INFINITY : kept.expiresMs - clock.nowMicros() / 1000;
  };
  const renew = async (): Promise<AwsCredentials> => {
    try {
      kept = await find();
      return kept;
    } catch (error) {
      if (kept !== undefined && leftMs() > 0) return kept;
      throw error;
    } finally {
      finding = undefined;
    }
  };
  return {
    async get() {
      if (kept !== undefined && leftMs() > RENEW_BEFORE_MS) return kept;
      finding ??= renew();
      return finding;
    },
    forget() {
      kept = undefined;
    },
  };
}

function environmentCredentials(environment: Environment): AwsCredentials | undefined {
  return pairOf('the environment', {
    aws_access_key_id: variable(environment, 'AWS_ACCESS_KEY_ID'),
    aws_secret_access_key: variable(environment, 'AWS_SECRET_ACCESS_KEY'),
    aws_session_token: variable(environment, 'AWS_SESSION_TOKEN'),
  });
}

async function profileCredentials(parts: CredentialParts): Promise<AwsCredentials | undefined> {
  const profile = await readAwsProfile(parts.environment);
  const pair = pairOf('the AWS profile', profile);
  if (pair !== undefined) return pair;
  const { web_identity_token_file: tokenFile, role_arn: roleArn } = profile;
  if (tokenFile !== undefined && roleArn !== undefined) {
    const environment = {
      ...parts.environment,
      AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile,
      AWS_ROLE_ARN: roleArn,
      AWS_ROLE_SESSION_NAME: profile.role_session_name,
    };
    return webIdentityCredentials({ ...parts, environment });
  }
  const unknown = UNKNOWN_WAYS.find((way) => profile[way] !== undefined);
  if (unknown === undefined) return undefined;
  throw new AppError(
    'invalid_config',
    `The AWS profile gets its credentials by ${unknown}, which is not supported: put keys into it, or export them ` +
      '(aws configure export-credentials --format env)',
  );
}

/** Ways of a profile that need a program, a browser or a second role. */
const UNKNOWN_WAYS = ['credential_process', 'sso_session', 'sso_start_url', 'role_arn'] as const;

function pairOf(where: string, found: Readonly<Record<string, string | undefined>>): AwsCredentials | undefined {
  const { aws_access_key_id: accessKeyId, aws_secret_access_key: secretAccessKey, aws_session_token: token } = found;
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined;
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new AppError('invalid_config', `Of the AWS keys ${where} has one; set the id and the secret, or neither`);
  }
  return { accessKeyId, secretAccessKey, ...(token === undefined ? {} : { sessionToken: token }) };
}
