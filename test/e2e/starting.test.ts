import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { dataFolders } from '../../src/cli/data-folders.ts';
import { lockImports } from '../../src/cli/lake-access.ts';
import { examplePayment } from '../payment-example.ts';
import { readTable, runProgram, sentinela } from '../running-program.ts';
import { newDataDir, PROGRAM, startServer } from '../running-server.ts';

const ANY_PORT = ['--http-port', '0', '--grpc-port', '0'];

describe('a server that starts', () => {
  it('beside another one on its folder opens an epoch of its own, and both serve what is recomputed', async () => {
    const dataDir = newDataDir();
    const servers = await Promise.all(['a', 'b'].map((name) => startServer({ dataDir, args: ['--instance', name] })));
    for (let number = 1; number <= 20; number += 1) {
      const endToEndId = `E12345678202611011200${String(number).padStart(11, '0')}`;
      const response = await servers[number % 2]?.post('/v1/score', examplePayment({ endToEndId }));
      expect(response?.status).toBe(200);
      await response?.text();
    }
    for (const server of servers) expect(await server.stop()).toBe(0);
    sentinela('job', 'run', 'bronze-to-silver', '--data-dir', dataDir, '--json');
    const epochs = readTable(dataDir, 'silver/epochs', 'epoch').map(({ epoch }) => Number(epoch));
    expect(epochs.sort()).toEqual([1, 2]);
    const { status, stdout } = runProgram(['features', 'check', '--data-dir', dataDir]);
    expect([status, stdout]).toEqual([0, expect.stringContaining('20 decisions')]);
    rmSync(dataDir, { recursive: true });
  });

  it('does not while an import runs, nor does another import', async () => {
    const dataDir = newDataDir();
    const alone = await lockImports(dataFolders(dataDir));
    for (const args of [
      ['serve', ...ANY_PORT],
      ['import', 'package.json'],
    ]) {
      const { status, stderr } = runProgram([...args, '--data-dir', dataDir]);
      expect([status, stderr]).toEqual([3, expect.stringContaining(`process ${process.pid}`)]);
    }
    await alone.release();
    expect(await (await startServer({ dataDir })).stop()).toBe(0);
    rmSync(dataDir, { recursive: true });
  });

  it('ends where a file that it needs is wrong, whatever was started by then', () => {
    const dataDir = newDataDir();
    mkdirSync(join(dataDir, 'keys'));
    writeFileSync(join(dataDir, 'keys', 'pseudonym.key'), 'none');
    const { status, stderr } = runProgram(['serve', '--control-share', '0.1', '--data-dir', dataDir, ...ANY_PORT]);
    expect([status, stderr]).toEqual([2, expect.stringContaining('holds no key')]);
    rmSync(dataDir, { recursive: true });
  });

  it('answers and ends as ever where its log cannot be written', async () => {
    const dataDir = newDataDir();
    const args = [PROGRAM, 'serve', '--json', '--data-dir', dataDir, ...ANY_PORT];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', openSync('/dev/full', 'w')] });
    const [line] = await once(child.stdout as Readable, 'data');
    const { ready } = JSON.parse(String(line)) as { ready: { http: number } };
    const response = await fetch(`http://127.0.0.1:${ready.http}/health/ready`);
    expect(response.status).toBe(200);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
    rmSync(dataDir, { recursive: true });
  });
});

describe('what a command could not do', () => {
  it('is told as JSON too, a full disk and wrong usage alike', () => {
    const full = runProgram(['simulate', '--count', '10', '--out', '/dev/full', '--json']);
    expect([full.status, JSON.parse(full.stdout)]).toMatchObject([3, { error: { code: 'disk_full' } }]);
    const wrong = runProgram(['simulate', '--json']);
    expect([wrong.status, JSON.parse(wrong.stdout)]).toMatchObject([2, { error: { code: 'usage' } }]);
  });
});
