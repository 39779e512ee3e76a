import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { pathBeside, removeLeftBehind } from '../../../src/cli/writing-folder.ts';
import { processStart } from '../../../src/events/live-process.ts';

const root = mkdtempSync(join(tmpdir(), 'sentinela-beside-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const UUID = '01234567-89ab-4cde-8f01-23456789abcd';
/** A folder as another process names it. */
function leave(folder: string, what: 'writing' | 'old', owner: string, name = 'training'): string {
  const path = join(folder, `.${name}.${what}-${owner}-${UUID}`);
  mkdirSync(path);
  writeFileSync(join(path, 'manifest.json'), what);
  return path;
}

describe('what is prepared beside a target', () => {
  it('is removed once its process is gone, and not before', async () => {
    const folder = mkdtempSync(join(root, 'live-'));
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    await once(child, 'spawn');
    const owner = `${hostname()}-${child.pid}-${(await processStart(child.pid ?? 0)) ?? 'x'}`;
    // One for another target, too: who exports to a new folder every day never comes back to the old name.
    const paths = [leave(folder, 'writing', owner), leave(folder, 'writing', owner, 'yesterday')];
    await removeLeftBehind(join(folder, 'training'));
    expect(paths.filter((path) => existsSync(path))).toEqual(paths);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await removeLeftBehind(join(folder, 'training'));
    expect(readdirSync(folder)).toEqual([]);
  });

  it('of this process is not taken for left behind, however its machine is called', async () => {
    const folder = mkdtempSync(join(root, 'own-'));
    const own = await pathBeside(join(folder, 'training'), 'writing');
    mkdirSync(own);
    await removeLeftBehind(join(folder, 'training'));
    expect(existsSync(own)).toBe(true);
  });

  it('is known by when its process was started, where the pid was given out again', async () => {
    const folder = mkdtempSync(join(root, 'start-'));
    const start = await processStart(process.pid);
    leave(folder, 'writing', `${hostname()}-${process.pid}-1`);
    await removeLeftBehind(join(folder, 'training'));
    // Where no system tells when a process was started, a live pid is its owner's.
    expect(readdirSync(folder)).toHaveLength(start === undefined ? 1 : 0);
  });

  it('stays where it is another machine’s, and where it is no such folder at all', async () => {
    const folder = mkdtempSync(join(root, 'others-'));
    leave(folder, 'writing', `not-${hostname()}-2147483647-1`);
    for (const name of ['.training.writing-1', `.notes-2147483647-1-${UUID}`, 'training.writing'])
      mkdirSync(join(folder, name));
    const before = readdirSync(folder);
    await removeLeftBehind(join(folder, 'training'));
    expect(readdirSync(folder)).toEqual(before);
    await removeLeftBehind(join(folder, 'no/such/folder/training'));
  });

  it('goes back to its place where it was all that there was', async () => {
    const folder = mkdtempSync(join(root, 'old-'));
    const gone = `${hostname()}-2147483647-1`;
    leave(folder, 'old', gone);
    await removeLeftBehind(join(folder, 'training'));
    expect(readFileSync(join(folder, 'training/manifest.json'), 'utf8')).toBe('old');
    leave(folder, 'old', gone);
    await removeLeftBehind(join(folder, 'training'));
    expect(readdirSync(folder)).toEqual(['training']);
  });
});
