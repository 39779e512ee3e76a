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
