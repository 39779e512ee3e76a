import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../../scripts/build.mjs', import.meta.url));
let root: string;

/** A clone that was built before. @param compiler what stands in TypeScript's place; none without it. */
function clone(compiler?: string): void {
  for (const folder of ['scripts', 'dist/cli']) mkdirSync(join(root, folder), { recursive: true });
  cpSync(SCRIPT, join(root, 'scripts/build.mjs'));
  writeFileSync(join(root, 'dist/cli/main.js'), 'old');
  if (compiler === undefined) return;
  mkdirSync(join(root, 'node_modules/typescript/bin'), { recursive: true });
  writeFileSync(join(root, 'node_modules/typescript/bin/tsc'), compiler);
}

const build = () => spawnSync(process.execPath, [join(root, 'scripts/build.mjs')], { encoding: 'utf8' });
const built = (): string => readFileSync(join(root, 'dist/cli/main.js'), 'utf8');
const WRITES = `const { mkdirSync, writeFileSync } = require('node:fs');
const out = process.argv[process.argv.indexOf('--outDir') + 1];
mkdirSync(out + '/cli', { recursive: true });
writeFileSync(out + '/cli/main.js', 'new');`;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sentinela-build-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('a build', () => {
  it('takes the place of an earlier one when it is whole', () => {
    clone(WRITES);
    writeFileSync(join(root, 'dist/gone.js'), '');
    expect(build().status).toBe(0);
    expect(built()).toBe('new');
    expect(readdirSync(root).sort()).toEqual(['dist', 'node_modules', 'scripts']);
    expect(readdirSync(join(root, 'dist'))).toEqual(['cli']);
  });

  it('that does not compile leaves the earlier one', () => {
    clone(`${WRITES}\nprocess.exit(2);`);
    expect(build().status).toBe(2);
    expect(built()).toBe('old');
    expect(readdirSync(root).sort()).toEqual(['dist', 'node_modules', 'scripts']);
  });

  it('without what development needs says so in one line, and leaves the earlier one', () => {
    clone();
    const { status, stderr } = build();
    expect(status).toBe(1);
    expect(stderr).toMatch(/^build: there is no node_modules\/typescript\/bin\/tsc: .*npm ci --include=dev\n$/);
    expect(built()).toBe('old');
  });
});
