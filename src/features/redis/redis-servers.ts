import { AppError } from '../../base/errors.ts';
import { type RedisClient, serversOf } from './redis-connection.ts';

/**
 * A server that answers, and is none that state may be kept on as it is. Unless told otherwise it may be another one by
 * the next look.
 */
export class Unfit extends AppError {}

/** It takes no writes: it was a primary before a failover, whose address may be another's by now, or was never one. */
export class IsReplica extends Unfit {}

/**
 * The ids of the running servers: others after a restart or a failover, which may have lost what was written last.
 *
 * @throws Unfit where state may not be kept on one of them; what ioredis says where one does not answer.
 */
export function runIdsOf(client: RedisClient): Promise<string[]> {
  return Promise.all(
    serversOf(client).map(async (server) => {
      const [about, replication] = await Promise.all([server.info('server'), server.info('replication')]);
      if (/^role:slave/m.test(replication)) {
        throw new IsReplica(
          'store_unavailable',
          'this Redis is a replica, which takes no writes: name its primary, by an address that follows a failover',
        );
      }
      return /run_id:(\w+)/.exec(about)?.[1] ?? '';
    }),
  );
}
