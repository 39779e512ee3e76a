import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../../base/clock.ts';
import { AppError, systemErrorCode } from '../../../base/errors.ts';
import type { HttpExchange } from './http-exchange.ts';

/** Variables of the environment, by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What the chain looks with. */
export interface CredentialParts {
  readonly environment: Environment;
  readonly clock: Clock;
  readonly exchange: HttpExchange;
  /** For the regional Security Token Service. */
  region(): Promise<string>;
}

/** A variable's value; one that is empty counts as absent, as Amazon's tools have it. */
export function variable(environment: Environment, name: string): string | undefined {
  const value = environment[name];
  return value === '' ? undefined : value;
}

/**
 * The URL of a service in the first of some variables that is set, without a slash at its end.
 *
 * @throws AppError invalid_config for one that is no URL; the message holds no part of it, which may be secret.
 */
export function endpointVariable(environment: Environment, ...names: readonly string[]): string | undefined {
  const name = names.find((candidate) => variable(environment, candidate) !== undefined);
  if (name === undefined) return undefined;
  const text = variable(environment, name) ?? '';
  if (/^https?:\/\//i.test(text) && URL.canParse(text)) return text.replace(/\/+$/, '');
  throw new AppError('invalid_config', `${name} must be a URL, as http://host:port or https://host`);
}

/** The settings of one profile of the shared files. */
export type AwsProfile = Readonly<Record<string, string>>;

/**
 * The chosen profile (AWS_PROFILE, or `default`): what `~/.aws/credentials` says of it goes before
 * `~/.aws/config`. Empty where neither speaks of it.
 *
 * @throws AppError invalid_config for a profile that was named and is in neither.
 */
export async function readAwsProfile(environment: Environment): Promise<AwsProfile> {
  const named = variable(environment, 'AWS_PROFILE');
  const name = named ?? 'default';
  const home = variable(environment, 'HOME') ?? variable(environment, 'USERPROFILE');
  const read = (file: string | undefined, own: string): Promise<ReadonlyMap<string, AwsProfile>> =>
    readIniFile(file ?? (home === undefined ? undefined : join(home, '.aws', own)));
  const [credentials, config] = await Promise.all([
    read(variable(environment, 'AWS_SHARED_CREDENTIALS_FILE'), 'credentials'),
    read(variable(environment, 'AWS_CONFIG_FILE'), 'config'),
  ]);
  const [secret, plain] = [credentials.get(name), config.get(`profile ${name}`) ?? config.get(name)];
  if (named !== undefined && secret === undefined && plain === undefined) {
    throw new AppError('invalid_config', `AWS_PROFILE is ${named}, which the shared AWS files do not have`);
  }
  return { ...plain, ...secret };
}

/**
 * The sections of an ini file. A line is `[section]`, `name = value`, or a comment that starts with
 * `#` or `;`; indented lines are nested settings, which none of ours are.
 */
export function parseIni(text: string): ReadonlyMap<string, AwsProfile> {
  const sections = new Map<string, Record<string, string>>();
  let section: Record<string, string> | undefined;
  for (const line of text.split(/\r?\n/)) {
    const header = /^\[([^\]]+)\]/.exec(line);
    if (header !== null) {
      const name = (header[1] ?? '').trim().replace(/\s+/g, ' ');
      section = sections.get(name) ?? {};
      sections.set(name, section);
      continue;
    }
    const setting = /^([^\s#;=][^=]*)=(.*)$/.exec(line);
    if (setting === null || section === undefined) continue;
    // A comment after a value needs white space before it: secrets may hold a # themselves.
    section[(setting[1] ?? '').trim().toLowerCase()] = (setting[2] ?? '').replace(/\s[#;].*$/, '').trim();
  }
  return sections;
}

async function readIniFile(path: string | undefined): Promise<ReadonlyMap<string, AwsProfile>> {
  if (path === undefined) return new Map();
  try {
    return parseIni(await readFile(path, 'utf8'));
  } catch (error) {
    const code = systemErrorCode(error) ?? 'unknown';
    if (code === 'ENOENT' || code === 'ENOTDIR') return new Map();
    throw new AppError('invalid_config', `The AWS file ${path} cannot be read (${code})`);
  }
}
