import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { resolveConfig } from '../../../src/config/resolve-config.ts';

const folder = mkdtempSync(join(tmpdir(), 'config-'));
afterAll(() => rmSync(folder, { recursive: true }));
const read = (text: string) => {
  const file = join(folder, 'sentinela.yaml');
  writeFileSync(file, text);
  return resolveConfig({ flags: {}, environment: {}, file });
};

describe('a configuration file', () => {
  it('gives values under flags and the environment', () => {
    const { config, sources } = read('redisUrl: redis://:pw@host:6379\nhttpPort: 81\n');
    expect(config).toMatchObject({ redisUrl: 'redis://:pw@host:6379', httpPort: 81 });
    expect(sources).toMatchObject({ redisUrl: 'file', host: 'default' });
    expect(read('').sources.host).toBe('default');
  });

  it.each([
    ['redisUrl: redis://:hunter2@host\n  port: 1', /:1:11 is not YAML: a key stands within/],
    ['redisUrl: "redis://:hunter2@host', /is not YAML: a quote or bracket is not closed/],
    ['redisUrl: a: hunter2', /is not YAML/],
    ['redisUrl: *hunter2', /is not YAML: an alias/],
    ['redisUrl: |hunter2\n x', /is not YAML/],
    ['redisUrl: !hunter2 x', /:1:11 is not YAML: a value begins with an exclamation mark/],
    ['redisUrl: %hunter2', /is not YAML: a value begins with a sign/],
    ['redisUrl: @hunter2', /is not YAML/],
    ['redisUrl: "\\hunter2"', /is not YAML/],
    ['redisUrl: x\nredisUrl: hunter2', /:2:1 is not YAML: a key comes twice/],
    ['%hunter2 x\n---\nhost: a', /is not YAML/],
    ['redisUrl:hunter2', /must hold names and values/],
    ['hunter2-990318:', /has the unknown key \(a name that is none of ours\)/],
    ['redisUrl: [hunter2]', /redisUrl in .* is a hidden value/],
  ])('that is wrong is told by its place, never with what stands there: %#', (text, message) => {
    const warned = vi.spyOn(process, 'emitWarning').mockReturnValue();
    let thrown: unknown;
    try {
      read(text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'invalid_config', message: expect.stringMatching(message) });
    expect(inspect(thrown, { depth: 9 })).not.toContain('hunter2');
    expect(warned).not.toHaveBeenCalled();
    warned.mockRestore();
  });

  it('names the setting that an unknown key means', () => {
    expect(() => read('httpPrt: 1')).toThrow('has the unknown key httpPrt, did you mean httpPort?');
  });
});

describe('variables of the environment', () => {
  const resolve = (environment: Record<string, string>) => resolveConfig({ flags: {}, environment, file: undefined });

  it('pass where Kubernetes sets them for a Service of our name, and settings are read beside them', () => {
    const service = (name: string) => ({
      [`${name}_SERVICE_HOST`]: '10.0.0.7',
      [`${name}_SERVICE_PORT`]: '8080',
      [`${name}_SERVICE_PORT_HTTP`]: '8080',
      [`${name}_PORT`]: 'tcp://10.0.0.7:8080',
      [`${name}_PORT_8080_TCP`]: 'tcp://10.0.0.7:8080',
      [`${name}_PORT_8080_TCP_PROTO`]: 'tcp',
      [`${name}_PORT_8080_TCP_PORT`]: '8080',
      [`${name}_PORT_8080_TCP_ADDR`]: '10.0.0.7',
      [`${name}_PORT_53_UDP`]: 'udp://10.0.0.7:53',
    });
    const { config, sources } = resolve({
      ...service('SENTINELA'),
      ...service('SENTINELA_X'),
      SENTINELA_HTTP_PORT: '81',
    });
    expect(config.httpPort).toBe(81);
    expect(sources).toMatchObject({ httpPort: 'environment', host: 'default', grpcPort: 'default' });
  });

  it('are no settings where a Service is named as one', () => {
    const service = { SENTINELA_HTTP_SERVICE_HOST: '10.0.0.7', SENTINELA_HTTP_PORT: 'tcp://10.0.0.7:80' };
    expect(resolve(service)).toMatchObject({ config: { httpPort: 8080 }, sources: { httpPort: 'default' } });
    expect(resolve({ ...service, SENTINELA_HTTP_PORT: '81' }).config.httpPort).toBe(81);
  });

  it.each([
    ['SENTINELA_HTPP_PORT', '81', /SENTINELA_HTPP_PORT, did you mean SENTINELA_HTTP_PORT\?/],
    ['SENTINELA_SERVICE', '81', /unknown variable SENTINELA_SERVICE/],
    ['SENTINELA_HTTP_PORT', 'tcp://10.0.0.7:8080', /SENTINELA_HTTP_PORT is "tcp:/],
  ])('stop the program where they are none of ours, or wrong: %s', (name, value, message) => {
    expect(() => resolve({ [name]: value })).toThrow(message);
  });
});
