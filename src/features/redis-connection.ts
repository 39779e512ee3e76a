import { Redis } from 'ioredis';
import { AppError, messageOf } from '../base/errors.ts';
import type { RedisScript } from './redis-scripts.ts';

/** How long a command may take before the payment is decided without the store. */
export const COMMAND_TIMEOUT_MS = 50;
/** A rebuild writes much at once, on a connection of its own. */
export const BULK_TIMEOUT_MS = 30_000;

/** What ioredis gives for a reply, in bytes. */
export type Reply = Buffer | number | null | readonly Reply[];

/**
 * Opens a connection that fails at once where Redis is away: nothing is queued and nothing is sent
 * again by itself (ioredis would keep commands for ever, and its queue knows no timeout). It goes
 * on trying to connect.
 */
export function openRedis(url: string, commandTimeoutMs: number): Redis {
  const redis = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: null,
    commandTimeout: commandTimeoutMs,
    connectTimeout: 2000,
    noDelay: true,
    retryStrategy: (attempt) => Math.min(50 * attempt, 1000),
  });
  // Without a listener ioredis writes every failed attempt to connect to the console.
  redis.on('error', () => {});
  return redis;
}

/** Runs a script by its name, and by its text where Redis has forgotten it. */
export async function runScript(
  redis: Redis,
  script: RedisScript,
  keys: readonly (Buffer | string)[],
  args: readonly (Buffer | string)[],
): Promise<Reply> {
  try {
    return (await redis.callBuffer('EVALSHA', script.sha1, keys.length, ...keys, ...args)) as Reply;
  } catch (error) {
    if (!messageOf(error).includes('NOSCRIPT')) throw error;
    return (await redis.callBuffer('EVAL', script.text, keys.length, ...keys, ...args)) as Reply;
  }
}

/** An error of Redis or of the way to it, as the rest of the program knows it. */
export function storeUnavailable(error: unknown): AppError {
  return new AppError('store_unavailable', `Redis did not answer: ${messageOf(error)}`, {}, error);
}

/** The id of the running server: another one after a restart or a failover, which may have lost what was written last. */
export async function runIdOf(redis: Redis): Promise<string> {
  const info = await redis.info('server');
  return /run_id:(\w+)/.exec(info)?.[1] ?? '';
}
