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
 * It throws keys away when its memory is full, and a payment whose keys are gone counts twice. Asked of what every server says of
 * itself: managed ones forbid CONFIG GET.
 */
export class Evicts extends Unfit {}

/**
 * The ids of the running servers: others after a restart or a failover, which may have lost what was written last.
 *
 * @throws Unfit where state may not be kept on one of them; what ioredis says where one does not answer.
 */
export function runIdsOf(client: RedisClient): Promise<string[]> {
  return Promise.all(
    serversOf(client).map(async (server) => {
      const sections = ['server', 'replication', 'memory'];
      const [about = '', replication = '', memory = ''] = await Promise.all(sections.map((name) => server.info(name)));
      checkRole(replication);
      checkMemory(memory);
      return /run_id:(\w+)/.exec(about)?.[1] ?? '';
    }),
  );
}

/** Where the servers that hold keys are. */
export function addressesOf(client: RedisClient): string[] {
  return serversOf(client).map(({ options: { host, port } }) => `${host}:${port}`);
}

function checkRole(replication: string): void {
  if (!/^role:slave/m.test(replication)) return;
  throw new IsReplica(
    'store_unavailable',
    'this Redis is a replica, which takes no writes: name its primary, by an address that follows a failover',
  );
}

function checkMemory(memory: string): void {
  const policy = /^maxmemory_policy:([\w-]+)/m.exec(memory)?.[1] ?? 'noeviction';
  // Without a limit nothing is evicted.
  if (policy === 'noeviction' || !/^maxmemory:[1-9]/m.test(memory)) return;
  throw new Evicts(
    'invalid_config',
    `Redis evicts keys when its memory is full (maxmemory-policy ${policy}), and payments would count twice: set maxmemory-policy noeviction`,
  );
}
