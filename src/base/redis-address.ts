/** A node of a Cluster by which the others are found. */
export interface ClusterNodeAddress {
  readonly host: string;
  readonly port: number;
}

/** Where Redis is. */
export type RedisAddress =
  | { readonly kind: 'server'; readonly url: string }
  | {
      readonly kind: 'cluster';
      readonly nodes: readonly ClusterNodeAddress[];
      readonly isTls: boolean;
      readonly username: string | undefined;
      readonly password: string | undefined;
    };

const DEFAULT_PORT = 6379;

/**
 * Reads `redis://host:port`, `rediss://…` (TLS), or for a Cluster `redis-cluster://[user:password@]host:port,host:port`
 * and `rediss-cluster://…`, which name some of its nodes.
 *
 * @returns undefined where the text is neither.
 */
export function parseRedisAddress(text: string): RedisAddress | undefined {
  const cluster = /^(rediss?)-cluster:\/\/(?:([^@/]*)@)?([^@/?#]+)\/?$/.exec(text);
  if (cluster === null) return /^rediss?:\/\//.test(text) ? { kind: 'server', url: text } : undefined;
  const [, scheme, credentials, list = ''] = cluster;
  const nodes = list.split(',').map(parseNode);
  if (nodes.includes(undefined)) return undefined;
  let parts: string[];
  try {
    parts = (credentials ?? '').split(':').map(decodeURIComponent);
  } catch {
    return undefined;
  }
  const [username = '', password] = parts;
  return {
    kind: 'cluster',
    nodes: nodes as ClusterNodeAddress[],
    isTls: scheme === 'rediss',
    username: username === '' ? undefined : username,
    password,
  };
}

function parseNode(text: string): ClusterNodeAddress | undefined {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/.exec(text);
  const port = Number(match?.[2] ?? DEFAULT_PORT);
  if (match === null || port < 1 || port > 65_535) return undefined;
  return { host: (match[1] as string).replace(/^\[|\]$/g, ''), port };
}
