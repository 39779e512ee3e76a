import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { folderHolder, lockFolder } from '../../../src/events/journal-lock.ts';
import { processStart } from '../../../src/events/live-process.ts';

/** A process that was and is no more. */
const { pid: deadPid } = spawnSync(process.execPath, ['--version']);
const LOCKED = { code: 'locked', message: expect.stringContaining(`process ${process.pid}:`) };

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sentinela-lock-'));
  path = join(folder, 'lock');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Where who removes a lock says so. */
const claimOf = (lock: string, text: string): string =>
  `${lock}.${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;

/** How many of a crowd get the lock at once. */
async function takersOf(count: number): Promise<number> {
  const outcomes = await Promise.allSettled(Array.from({ length: count }, () => lockFolder(folder)));
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'locked' });
  }
  return outcomes.filter(({ status }) => status === 'fulfilled').length;
}

describe('the lock of a folder', () => {
  it('is taken by one, and by another once it is given back; nothing is left of it', async () => {
    const lock = await lockFolder(folder);
    await expect(lockFolder(folder)).rejects.toMatchObject(LOCKED);
    expect(await folderHolder(folder)).toBe(process.pid);
    await lock.release();
    expect(await folderHolder(folder)).toBeUndefined();
    expect(readdirSync(folder)).toEqual([]);
    await (await lockFolder(folder)).release();
  });

  it('is taken by one of a crowd, whether nobody has it or who had it is dead', async () => {
    expect(await takersOf(20)).toBe(1);
    const dead = `${deadPid} 1 ${hostname()} 00000000-0000-4000-8000-000000000000\n`;
    for (let round = 0; round < 20; round += 1) {
      writeFileSync(path, dead);
      expect(await takersOf(8)).toBe(1);
    }
    expect(readdirSync(folder)).toEqual(['lock']);
  });

  it.each([
    ['a process of another host', `1 5 elsewhere 00000000-0000-4000-8000-000000000000\n`],
    ['a process of another host with a pid of this one', `${process.pid} 5 elsewhere x\n`],
  ])('is left to %s, and who asks is told where it is', async (_who, text) => {
    writeFileSync(path, text);
    const refused = lockFolder(folder);
    await expect(refused).rejects.toMatchObject({ code: 'locked' });
    await expect(refused).rejects.toThrow(/on the host elsewhere, which cannot be seen from here/);
    await expect(refused).rejects.toThrow(`remove ${path} and start again`);
    expect(await folderHolder(folder)).toBe(Number.parseInt(text, 10));
    expect(readdirSync(folder)).toEqual(['lock']);
    expect(readFileSync(path, 'utf8')).toBe(text);
  });

  it('of a process of this host is left to it while it runs, also one of an earlier version', async () => {
    const start = (await processStart(process.pid)) ?? '-';
    for (const host of ['', ` ${hostname()} x`]) {
      writeFileSync(path, `${process.pid} ${start}${host}\n`);
      await expect(lockFolder(folder)).rejects.toMatchObject(LOCKED);
    }
  });

  it.each([
    ['a dead process', `${deadPid} 1 ${hostname()} x\n`],
    ['a dead process of an earlier version', `${deadPid} 1\n`],
    ['a pid that was given out again', `${process.pid} 1 ${hostname()} x\n`],
    ['what a power cut left without its text', ''],
  ])('is taken from %s', async (_who, text) => {
    writeFileSync(path, text);
    const lock = await lockFolder(folder);
    expect(await folderHolder(folder)).toBe(process.pid);
    expect(readdirSync(folder)).toEqual(['lock']);
    await lock.release();
  });

  // Containers without an init leave them: nobody ever asks for the exit code of who held the lock.
  it.runIf(process.platform === 'linux')(
    'is taken from a process that has ended and that its parent leaves behind',
    async () => {
      // The shell becomes a process that never asks for its children's ends.
      const parent = spawn('sh', ['-c', 'sleep 0.01 & echo $!; exec sleep 60'], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      try {
        const [told] = await once(parent.stdout, 'data');
        const pid = Number(String(told));
        const isZombie = (): boolean => / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
        while (!isZombie()) await new Promise((resolve) => setTimeout(resolve, 10));
        writeFileSync(path, `${pid} ${(await processStart(pid)) ?? '-'} ${hostname()} x\n`);
        expect(await folderHolder(folder)).toBeUndefined();
        await (await lockFolder(folder)).release();
      } finally {
        parent.kill('SIGKILL');
      }
    },
  );

  it('of a dead process is removed by one only, and by another where that one died as well', async () => {
    const text = `${deadPid} 1\n`;
    writeFileSync(path, text);
    writeFileSync(claimOf(path, text), `${process.pid} ${(await processStart(process.pid)) ?? '-'}\n`);
    await expect(lockFolder(folder)).rejects.toMatchObject(LOCKED);
    expect(existsSync(path)).toBe(true);

    writeFileSync(claimOf(path, text), text);
    await lockFolder(folder);
    expect(readdirSync(folder)).toEqual(['lock']);
  });

  it('that another has taken meanwhile is not given back', async () => {
    const lock = await lockFolder(folder);
    writeFileSync(path, '1 5 elsewhere x\n');
    await lock.release();
    expect(readFileSync(path, 'utf8')).toBe('1 5 elsewhere x\n');
  });
});
