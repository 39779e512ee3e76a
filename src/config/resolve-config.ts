import { readFileSync } from 'node:fs';
import { AppError, messageOf, systemErrorCode } from '../base/errors.ts';
import { didYouMean } from '../base/nearest-name.ts';
import { readPlainYaml } from '../base/plain-yaml.ts';
import { tellable } from '../base/tellable.ts';
import { type Config, SETTINGS, type SettingName } from './settings.ts';

/** Where a value came from. */
export type ConfigSource = 'flag' | 'environment' | 'file' | 'default';

/** The configuration and where each value came from. */
export interface ResolvedConfig {
  readonly config: Config;
  readonly sources: Readonly<Record<SettingName, ConfigSource>>;
  /** The file that was read, or undefined. */
  readonly file: string | undefined;
}

/** Where values are looked for. */
export interface ConfigPlaces {
  /** Values of flags by setting. */
  readonly flags: Readonly<Partial<Record<string, unknown>>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** A file that must be there; without it `sentinela.yaml` is read where it is there. */
  readonly file: string | undefined;
}

const DEFAULT_FILE = 'sentinela.yaml';
const NAMES = Object.keys(SETTINGS) as SettingName[];
/** Variables of ours that are no settings of the program. */
const OTHER_VARIABLES: ReadonlySet<string> = new Set(['SENTINELA_CONFIG', 'SENTINELA_TEST_PYTHON']);
/** What Kubernetes tells every pod of a Service named `sentinela`, or `sentinela-x`: its addresses and ports. */
const SERVICE_LINK = /^SENTINELA_(.*_)?(SERVICE_(HOST|PORT)(_.*)?|PORT_\d+_(TCP|UDP|SCTP)(_.*)?)$/;
/** Its first port is under a name that may as well be a setting misspelt: only its value tells. */
const SERVICE_PORT = /^SENTINELA_(.*_)?PORT$/;
const SERVICE_ADDRESS = /^(tcp|udp|sctp):\/\//;

/**
 * Flag over environment over file over default.
 *
 * @throws AppError `invalid_config` for an unknown key (with the near one) or a wrong value.
 */
export function resolveConfig({ flags, environment, file }: ConfigPlaces): ResolvedConfig {
  const chosen = file ?? environment.SENTINELA_CONFIG;
  const fromFile = readFile(chosen);
  checkVariables(environment);
  const config: Record<string, unknown> = {};
  const sources: Record<string, ConfigSource> = {};
  for (const name of NAMES) {
    const setting = SETTINGS[name];
    const given: [ConfigSource, unknown, string][] = [
      ['flag', flags[name], `--${setting.flag}`],
      ['environment', isServicePort(setting.env, environment) ? undefined : environment[setting.env], setting.env],
      ['file', fromFile?.values[name], `${name} in ${fromFile?.path}`],
    ];
    const found = given.find(([, value]) => value !== undefined);
    config[name] = found === undefined ? setting.fallback : checked(name, found[1], found[2]);
    sources[name] = found?.[0] ?? 'default';
  }
  return { config: config as Config, sources: sources as Record<SettingName, ConfigSource>, file: fromFile?.path };
}

function checked(name: SettingName, value: unknown, where: string): unknown {
  const setting = SETTINGS[name];
  const parsed = setting.parse(value);
  if (parsed !== undefined) return parsed;
  const shown = 'secret' in setting ? 'a hidden value' : JSON.stringify(value);
  throw new AppError('invalid_config', `${where} is ${shown}: it must be ${setting.expects}`);
}

function readFile(path: string | undefined): { path: string; values: Record<string, unknown> } | undefined {
  const from = path ?? DEFAULT_FILE;
  let text: string;
  try {
    text = readFileSync(from, 'utf8');
  } catch (error) {
    if (path === undefined && systemErrorCode(error) === 'ENOENT') return undefined;
    throw new AppError(
      'invalid_config',
      `the configuration file ${from} cannot be read: ${messageOf(error)}`,
      {},
      error,
    );
  }
  const read = readPlainYaml(text);
  if (!read.ok) {
    const place = read.line === null ? from : `${from}:${read.line}:${read.column}`;
    throw new AppError('invalid_config', `${place} is not YAML: ${read.problem}`);
  }
  const values = read.value ?? {};
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    throw new AppError('invalid_config', `${from} must hold names and values, one a line`);
  }
  for (const key of Object.keys(values)) {
    if (!NAMES.some((name) => name === key)) {
      throw new AppError('invalid_config', `${from} has the unknown key ${tellable(key)}${didYouMean(key, NAMES)}`);
    }
  }
  return { path: from, values: values as Record<string, unknown> };
}

function checkVariables(environment: ConfigPlaces['environment']): void {
  const known = NAMES.map((name) => SETTINGS[name].env);
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith('SENTINELA_') || OTHER_VARIABLES.has(variable)) continue;
    if (!known.some((name) => name === variable) && !isServiceLink(variable, value ?? '')) {
      throw new AppError(
        'invalid_config',
        `the environment has the unknown variable ${variable}${didYouMean(variable, known)}`,
      );
    }
  }
}

/** A Service named `sentinela-http` sets a port of ours; its host comes with it, and no port begins like an address. */
function isServicePort(variable: string, environment: ConfigPlaces['environment']): boolean {
  const host = variable.replace(/PORT$/, 'SERVICE_HOST');
  return environment[host] !== undefined && isServiceLink(variable, environment[variable] ?? '');
}

function isServiceLink(variable: string, value: string): boolean {
  return SERVICE_LINK.test(variable) || (SERVICE_PORT.test(variable) && SERVICE_ADDRESS.test(value));
}
