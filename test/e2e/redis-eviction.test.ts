import { rmSync } from 'node:fs';
import { expect, it } from 'vitest';
import { runProgram } from '../running-program.ts';
import { startRedis } from '../running-redis.ts';
import { newDataDir } from '../running-server.ts';

it('a server does not start on a Redis that evicts, and nothing is materialized in it', async () => {
  const redis = await startRedis();
  const dataDir = newDataDir();
  redis.command('CONFIG', 'SET', 'maxmemory', '100mb');
  redis.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
  const at = ['--data-dir', dataDir, '--redis-url', redis.url];
  for (const command of [
    ['serve', '--http-port', '0', '--grpc-port', '0'],
    ['features', 'materialize'],
  ]) {
    const { status, stderr } = runProgram([...command, ...at]);
    expect(stderr).toContain('set maxmemory-policy noeviction');
    expect(status).toBe(2);
  }
  redis.stop();
  rmSync(dataDir, { recursive: true, force: true });
});
