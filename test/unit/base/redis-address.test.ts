import { describe, expect, it } from 'vitest';
import { parseRedisAddress } from '../../../src/base/redis-address.ts';

describe('the address of Redis', () => {
  it('is one server’s URL as it stands', () => {
    const url = 'rediss://user:secret@redis.example:6380/2';
    expect(parseRedisAddress(url)).toEqual({ kind: 'server', url });
  });

  it('is nodes of a Cluster, with or without ports, user, password and TLS', () => {
    expect(parseRedisAddress('redis-cluster://a:7000,b.example:7001,[::1]:7002,d')).toEqual({
      kind: 'cluster',
      nodes: [
        { host: 'a', port: 7000 },
        { host: 'b.example', port: 7001 },
        { host: '::1', port: 7002 },
        { host: 'd', port: 6379 },
      ],
      isTls: false,
      username: undefined,
      password: undefined,
    });
    expect(parseRedisAddress('rediss-cluster://us%40er:p%2Cw@a:7000/')).toMatchObject({
      nodes: [{ host: 'a', port: 7000 }],
      isTls: true,
      username: 'us@er',
      password: 'p,w',
    });
    expect(parseRedisAddress('redis-cluster://:pw@a')).toMatchObject({ username: undefined, password: 'pw' });
  });

  it.for([
    '',
    'a:7000',
    'http://a:7000',
    'redis-cluster://',
    'redis-cluster://a:7000,',
    'redis-cluster://a:port',
    'redis-cluster://a:70000',
    'redis-cluster://a:7000/0',
    'redis-cluster://%zz@a:7000',
  ])('is not %j', (text) => {
    expect(parseRedisAddress(text)).toBeUndefined();
  });
});
