import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'sentinela-demo-settings-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A working folder of a user whose settings name a Redis that nobody must write to. */
function userFolder(name: string, settings: string): string {
  const folder = join(root, name);
  mkdirSync(folder);
  symlinkSync(join(ROOT, 'dist'), join(folder, 'dist'));
  writeFileSync(join(folder, 'sentinela.yaml'), settings);
  return folder;
}

/** Runs lines of JavaScript in a folder, with variables of a user's. */
function run(folder: string, code: string, env: Record<string, string>): string {
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  return `${stdout}${stderr}`.trim();
}

const REDIS = 'redis://127.0.0.1:1';

describe.each([
  ['the environment', '', { SENTINELA_REDIS_URL: REDIS, SENTINELA_MODEL: 'mine@1' }],
  ['sentinela.yaml', `redisUrl: ${REDIS}\nmodel: mine@1\n`, {}],
])('settings in %s', (what, settings, env) => {
  const folder = userFolder(what.replaceAll(' ', '-'), settings);

  it.each([
    ['the demo', 'scripts/demo-parts.mjs'],
    ['a benchmark', 'bench/serving.mjs'],
  ])('do not reach the server of %s', (_, module) => {
    const code = `
      const { startServer } = await import(${JSON.stringify(join(ROOT, module))});
      const server = await startServer('data');
      console.log('ready on', typeof server.http);
      process.exit(await (server.child === undefined ? server.stop() : void server.child.kill()));`;
    expect(run(folder, code, env)).toContain('ready on number');
  });

  it('do not reach the commands of the demo', () => {
    const code = `
      const { sentinela } = await import(${JSON.stringify(join(ROOT, 'scripts/demo-parts.mjs'))});
      const { settings } = JSON.parse(sentinela('config', 'show', '--json'));
      console.log([...new Set(settings.map(({ source }) => source))].join());`;
    expect(run(folder, code, env)).toBe('default');
  });
});
