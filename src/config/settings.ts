import { parseRedisAddress } from '../base/redis-address.ts';

/** One setting: how it is named in each place, and what it may be. */
export interface Setting<T> {
  /** `--flag` of the commands that take it. */
  readonly flag: string;
  /** Environment variable. */
  readonly env: string;
  readonly help: string;
  readonly fallback: T;
  /** What an empty default stands for, for `--help`; none unless told. */
  readonly unset?: string;
  /** Whether its value is hidden by `config show`. */
  readonly secret?: boolean;
  /** Reads a text or a value of the file; undefined where it is none. */
  readonly parse: (value: unknown) => T | undefined;
  /** What it must be, for the error. */
  readonly expects: string;
}

const text = (flag: string, env: string, fallback: string, help: string): Setting<string> => ({
  flag,
  env,
  help,
  fallback,
  parse: (value) => (typeof value === 'string' && value !== '' ? value : undefined),
  expects: 'a text',
});

const integer = (
  flag: string,
  env: string,
  fallback: number,
  min: number,
  max: number,
  help: string,
): Setting<number> => ({
  flag,
  env,
  help,
  fallback,
  parse: (value) => {
    const number =
      typeof value === 'number' ? value : typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : Number.NaN;
    return Number.isInteger(number) && number >= min && number <= max ? number : undefined;
  },
  expects: `a whole number from ${min} to ${max}`,
});

const share = (flag: string, env: string, fallback: number, help: string): Setting<number> => ({
  flag,
  env,
  help,
  fallback,
  parse: (value) => {
    const number = typeof value === 'string' && /^[\d.]+$/.test(value) ? Number(value) : value;
    return typeof number === 'number' && number >= 0 && number <= 1 ? number : undefined;
  },
  expects: 'a share from 0 to 1',
});

const yesNo = (flag: string, env: string, fallback: boolean, help: string): Setting<boolean> => ({
  flag,
  env,
  help,
  fallback,
  parse: (value) => {
    if (typeof value === 'boolean') return value;
    if (value === 'true' || value === '1' || value === 'yes') return true;
    return value === 'false' || value === '0' || value === 'no' ? false : undefined;
  },
  expects: 'true or false',
});

const oneOf = <const T extends string>(
  flag: string,
  env: string,
  fallback: NoInfer<T>,
  values: readonly T[],
  help: string,
): Setting<T> => ({
  flag,
  env,
  help,
  fallback,
  parse: (value) => values.find((known) => known === value),
  expects: `one of ${values.join(', ')}`,
});

/** Every setting. A key of the configuration file is the key here. */
export const SETTINGS = {
  dataDir: text('data-dir', 'SENTINELA_DATA_DIR', './data', 'Folder of the journal and the lake'),
  host: text('host', 'SENTINELA_HOST', '127.0.0.1', 'Address to listen on'),
  httpPort: integer('http-port', 'SENTINELA_HTTP_PORT', 8080, 0, 65_535, 'Port of HTTP; 0 takes a free one'),
  grpcPort: integer('grpc-port', 'SENTINELA_GRPC_PORT', 9090, 0, 65_535, 'Port of gRPC; 0 takes a free one'),
  redisUrl: {
    ...text(
      'redis-url',
      'SENTINELA_REDIS_URL',
      '',
      'Online store on Redis, redis://host:port, or on a Cluster, redis-cluster://host:port,host:port; without it the store is embedded',
    ),
    secret: true,
    parse: (value: unknown) =>
      typeof value === 'string' && (value === '' || parseRedisAddress(value) !== undefined) ? value : undefined,
    expects:
      'redis://host:port, rediss://host:port (TLS), or redis-cluster:// and rediss-cluster:// with host:port,host:port',
  },
  instance: {
    ...text('instance', 'SENTINELA_INSTANCE', 'main', 'Name of this server among those that share a data folder'),
    parse: (value: unknown) =>
      typeof value === 'string' && /^[a-z0-9][a-z0-9-]{0,62}$/.test(value) ? value : undefined,
    expects: 'lower-case letters, digits and hyphens',
  },
  deadlineMs: integer(
    'deadline-ms',
    'SENTINELA_DEADLINE_MS',
    100,
    5,
    40_000,
    'When a decision must be answered, or 503',
  ),
  model: text('model', 'SENTINELA_MODEL', 'champion', 'Alias or name@version in the models’ registry.json'),
  modelsDir: {
    ...text('models-dir', 'SENTINELA_MODELS_DIR', '', 'Folder of the models’ registry'),
    unset: 'the one that ships',
    parse: (value: unknown) => (typeof value === 'string' ? value : undefined),
  },
  featureSet: text(
    'feature-set',
    'SENTINELA_FEATURE_SET',
    'pix-core',
    'Feature set that is served: pix-core, a path to a .yaml file, or NAME[@VERSION]',
  ),
  driftExport: {
    ...text(
      'drift-export',
      'SENTINELA_DRIFT_EXPORT',
      '',
      'Folder of the export that the model was trained on: metrics tell how far what is served is from it; none for no drift',
    ),
    unset: 'the model’s own manifest.json',
    parse: (value: unknown) => (typeof value === 'string' ? value : undefined),
  },
  skewSample: share(
    'skew-sample',
    'SENTINELA_SKEW_SAMPLE',
    0.01,
    'Share of the decisions that are recomputed from silver and compared with what was served',
  ),
  controlShare: share(
    'control-share',
    'SENTINELA_CONTROL_SHARE',
    0,
    'Share of the payments that the policy would reject or hold and that go through all the same, drawn by their ids, so that training sets can learn from them',
  ),
  jobs: yesNo('jobs', 'SENTINELA_JOBS', true, 'Run silver hourly and gold daily beside the server'),
  personalData: oneOf(
    'personal-data',
    'SENTINELA_PERSONAL_DATA',
    'masked',
    ['masked', 'clear'],
    'Whether who runs commands may see personal data',
  ),
  pseudonymKey: {
    ...text(
      'pseudonym-key',
      'SENTINELA_PSEUDONYM_KEY',
      '',
      'Key of pseudonyms and of the control group, 64 hex digits; without it, keys/pseudonym.key',
    ),
    secret: true,
    parse: (value: unknown) => (typeof value === 'string' && /^([0-9a-f]{64})?$/i.test(value) ? value : undefined),
    expects: '64 hex digits',
  },
  logLevel: oneOf(
    'log-level',
    'SENTINELA_LOG_LEVEL',
    'info',
    ['error', 'warn', 'info', 'debug', 'silent'],
    'Least level that is logged',
  ),
} as const satisfies Record<string, Setting<string> | Setting<number> | Setting<boolean>>;

/** The name of a setting. */
export type SettingName = keyof typeof SETTINGS;

/** The values of all settings. */
export type Config = {
  readonly [K in SettingName]: (typeof SETTINGS)[K] extends { readonly fallback: infer T }
    ? Widened<(typeof SETTINGS)[K], T>
    : never;
};

/** The type that a setting's `parse` gives, which is wider than that of its default. */
type Widened<S, T> = S extends { parse: (value: unknown) => infer R } ? Exclude<R, undefined> : T;
