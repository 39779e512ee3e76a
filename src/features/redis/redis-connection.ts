import { once } from 'node:events';
import { Cluster, Redis } from 'ioredis';
import { AppError, messageOf } from '../../base/errors.ts';
import { parseRedisAddress, type RedisAddress } from '../../base/redis-address.ts';
import { PlainCommand, type ScriptCall, ScriptCommand } from './redis-command.ts';
import type { RedisScript } from './redis-scripts.ts';

/** How long a command may take before the payment is decided without the store. */
export const COMMAND_TIMEOUT_MS = 50;
/** A rebuild writes much at once, on a connection of its own. */
export const BULK_TIMEOUT_MS = 30_000;
/**
 * A connection on which nothing comes for as long, though commands wait, is closed and opened anew: TCP itself gives up only after
 * minutes where packets are lost without a word, and every payment would be degraded until then. Forty commands in a row were late by then.
 */
const SILENCE_MS = 2000;
/** A server that takes longer to be connected to is away. */
const CONNECT_MS = 2000;
/** A node that was promoted, or slots that moved, are noticed within this where no command meets them. */
const SLOTS_REFRESH_MS = 5000;
/** While a slot moves from node to node, keys of it are on both: commands are sent again until it is done. */
const TRY_AGAIN_MS = 20;

/** A single server or a Cluster. */
export type RedisClient = Redis | Cluster;

/** What ioredis gives for a reply, in bytes. */
export type Reply = Buffer | number | null | readonly Reply[];

/**
 * Opens a connection that fails at once where Redis is away: nothing is queued and nothing is sent
 * again by itself (ioredis would keep commands for ever, and its queue knows no timeout). It goes
 * on trying to connect. In a Cluster only redirections are followed.
 *
 * @param url as `parseRedisAddress` reads it.
 * @throws AppError `invalid_config` where it cannot.
 */
export function openRedis(url: string, commandTimeoutMs: number): RedisClient {
  const address = parseRedisAddress(url);
  if (address === undefined) {
    throw new AppError('invalid_config', 'the address of Redis is neither redis://… nor redis-cluster://host:port,…');
  }
  const client =
    address.kind === 'server' ? openServer(address.url, commandTimeoutMs) : openCluster(address, commandTimeoutMs);
  // Without a listener ioredis writes every failed attempt to connect to the console.
  client.on('error', () => {});
  return client;
}

const retryDelayMs = (attempt: number): number => Math.min(50 * attempt, 1000);

/** Of every connection. */
const sharedOptions = (commandTimeoutMs: number) =>
  ({
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: null,
    connectTimeout: CONNECT_MS,
    noDelay: true,
    commandTimeout: commandTimeoutMs,
    // ioredis counts from a command that waits, so a connection that nobody uses stays.
    socketTimeout: commandTimeoutMs + SILENCE_MS,
  }) as const;

function openServer(url: string, commandTimeoutMs: number): Redis {
  return new Redis(url, {
    ...sharedOptions(commandTimeoutMs),
    lazyConnect: true,
    enableOfflineQueue: false,
    retryStrategy: retryDelayMs,
    // After a planned failover the connection stays on what is a replica now: the address is looked up anew.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
}

function openCluster(address: RedisAddress & { readonly kind: 'cluster' }, commandTimeoutMs: number): Cluster {
  const { nodes, isTls, username, password } = address;
  return new Cluster([...nodes], {
    lazyConnect: true,
    enableOfflineQueue: false,
    clusterRetryStrategy: retryDelayMs,
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    retryDelayOnTryAgain: TRY_AGAIN_MS,
    slotsRefreshInterval: SLOTS_REFRESH_MS,
    redisOptions: {
      ...sharedOptions(commandTimeoutMs),
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(isTls ? { tls: {} } : {}),
    },
  });
}

/** Connects, in a Cluster to every master. @throws what ioredis says where Redis cannot be reached. */
export async function connectRedis(client: RedisClient): Promise<void> {
  // ioredis says of a Cluster only that no node would do: why not is an event.
  let reason: string | undefined;
  const note = (error: unknown): void => {
    reason = messageOf(error);
  };
  client.on('node error', note);
  try {
    // Where the Cluster says that it is not ready ioredis goes on trying, and its promise is never settled.
    await Promise.race([client.connect(), once(client, 'ready', { signal: AbortSignal.timeout(CONNECT_MS) })]);
  } catch (error) {
    throw reason === undefined ? error : new Error(`${messageOf(error)}: ${reason}`, { cause: error });
  } finally {
    client.off('node error', note);
  }
  await connectServers(client);
}

/**
 * Waits for the connection to every server: a Cluster connects to a node with its first command, and refuses the next
 * ones until it has.
 */
export async function connectServers(client: RedisClient): Promise<void> {
  await Promise.all(
    serversOf(client).map(async (server) => {
      if (server.status === 'wait') await server.connect();
      else if (server.status !== 'ready') await once(server, 'ready', { signal: AbortSignal.timeout(CONNECT_MS) });
    }),
  );
}

/** The servers that hold keys: the one, or the Cluster's masters. */
export function serversOf(client: RedisClient): Redis[] {
  return client instanceof Cluster ? client.nodes('master') : [client];
}

/** Runs a script that was written as a call, and loads it where Redis has forgotten it. */
export async function sendCall(client: RedisClient, call: ScriptCall): Promise<readonly Reply[]> {
  try {
    return await sent(client, call);
  } catch (error) {
    if (!messageOf(error).includes('NOSCRIPT')) throw error;
    await Promise.all(serversOf(client).map((server) => server.script('LOAD', call.script.text)));
    return await sent(client, call);
  }
}

/** Runs a script as {@link sendCall} does. @throws AppError `store_unavailable`. */
export async function askScript(client: RedisClient, call: ScriptCall): Promise<readonly Reply[]> {
  try {
    return await sendCall(client, call);
  } catch (error) {
    throw storeUnavailable(error);
  }
}

/** Reads a value; null where there is none. @throws AppError `store_unavailable`. */
export async function readValue(client: RedisClient, key: Buffer): Promise<Buffer | null> {
  try {
    return await client.getBuffer(key);
  } catch (error) {
    throw storeUnavailable(error);
  }
}

/** For how many milliseconds a key is kept; negative where it is not there, or for ever. @throws AppError `store_unavailable`. */
export async function readLeft(client: RedisClient, key: Buffer): Promise<number> {
  try {
    return await client.pttl(key);
  } catch (error) {
    throw storeUnavailable(error);
  }
}

function sent(client: RedisClient, call: ScriptCall): Promise<readonly Reply[]> {
  return client.sendCommand(new ScriptCommand(call)) as Promise<readonly Reply[]>;
}

/** Reads texts, all at once; null where there is none. */
export function readAll(client: RedisClient, keys: readonly string[]): Promise<(string | null)[]> {
  return Promise.all(keys.map((key) => client.sendCommand(new PlainCommand('GET', [key])) as Promise<string | null>));
}

/** Runs a script by its name, and by its text where Redis has forgotten it. */
export async function runScript(
  client: RedisClient,
  script: RedisScript,
  keys: readonly (Buffer | string)[],
  args: readonly (Buffer | string)[],
): Promise<Reply> {
  try {
    return (await client.callBuffer('EVALSHA', script.sha1, keys.length, ...keys, ...args)) as Reply;
  } catch (error) {
    if (!messageOf(error).includes('NOSCRIPT')) throw error;
    return (await client.callBuffer('EVAL', script.text, keys.length, ...keys, ...args)) as Reply;
  }
}

/** What an error of Redis means to who set it up, where it is known. */
const MEANINGS: readonly (readonly [RegExp, string])[] = [
  [/^(MOVED|ASK|CROSSSLOT)\b/, 'this Redis is a node of a Cluster: name it with redis-cluster://'],
  [/cluster support disabled/, 'this Redis is no Cluster: name it with redis://'],
  [
    /^CLUSTERDOWN|slots cache|startup nodes|operation was aborted/,
    'no node of the Cluster answers, or its nodes do not cover every slot',
  ],
];

/** An error of Redis or of the way to it, as the rest of the program knows it. */
export function storeUnavailable(error: unknown): AppError {
  const message = messageOf(error);
  const meaning = MEANINGS.find(([pattern]) => pattern.test(message))?.[1];
  return new AppError(
    'store_unavailable',
    `Redis did not answer: ${message}${meaning === undefined ? '' : ` (${meaning})`}`,
    {},
    error,
  );
}
