import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ERRORS } from '../../src/base/errors.ts';
import { ROOT, sourceFiles, textOf } from './source-files.ts';

const files = [...sourceFiles('src'), ...sourceFiles('test')];

describe('the code', () => {
  it('has no file of over 500 lines', () => {
    expect(files.filter((file) => textOf(file).split('\n').length > 500)).toEqual([]);
  });

  it('documents every export', () => {
    const bare: string[] = [];
    for (const file of sourceFiles('src')) {
      const lines = textOf(file).split('\n');
      for (const [at, line] of lines.entries()) {
        if (!/^export (async )?(function|class|const|interface|type) /.test(line)) continue;
        const before = lines.slice(0, at).findLast((text) => text.trim() !== '') ?? '';
        if (!before.trimEnd().endsWith('*/')) bare.push(`${file}:${at + 1}`);
      }
    }
    expect(bare).toEqual([]);
  });

  it('has no room for leftovers', () => {
    expect(files.filter((file) => /\/(utils?|helpers?|common|services?|managers?)(\.|\/)/.test(file))).toEqual([]);
  });

  it('has no unused export, file or dependency', () => {
    const { stdout, status } = spawnSync(process.execPath, ['node_modules/knip/bin/knip.js', '--no-progress'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    expect(`${stdout}`.trim()).toBe('');
    expect(status).toBe(0);
    // It takes 15 s alone, and above 60 s where others are at work.
  }, 240_000);

  it('reads the environment and the clock only in cli and base', () => {
    const wrong = sourceFiles('src').filter(
      (file) => !/^src\/(cli|base)\//.test(file) && /process\.env|Date\.now\(\)|new Date\(\)/.test(textOf(file)),
    );
    expect(wrong).toEqual([]);
  });
});

describe('docs/errors.md', () => {
  it('has the table of errors that the code has', () => {
    const docs = readFileSync(join(ROOT, 'docs/errors.md'), 'utf8');
    const rows = Object.entries(ERRORS).map(
      ([code, { http, grpc, retryable, exit, title }]) =>
        `| \`${code}\` | ${http} | ${grpc} | ${retryable ? 'yes' : 'no'} | ${exit} | ${title} |`,
    );
    const found = docs.split('\n').filter((line) => line.startsWith('| `'));
    expect(found).toEqual(rows);
  });
});

describe('docs/delta.md', () => {
  it('names files that are there', () => {
    const named = readFileSync(join(ROOT, 'docs/delta.md'), 'utf8').matchAll(/`([a-z-]+\/[\w./-]+\.(?:ts|mjs))`/g);
    const paths = [...named].map(([, path]) => path ?? '');
    expect(paths.length).toBeGreaterThan(50);
    const isThere = (path: string): boolean => ['src/storage', '.'].some((at) => existsSync(join(ROOT, at, path)));
    expect(paths.filter((path) => !isThere(path))).toEqual([]);
  });
});
