import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { localObjectStore } from '../../src/storage/store/local-object-store.ts';
import { createTable } from '../../src/storage/table.ts';
import { decimalOf, field, structOf } from '../../src/storage/types/delta-type.ts';
import { runProgram } from '../running-program.ts';
import { PROGRAM } from '../running-server.ts';

let folder: string;
let path: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sentinela-table-'));
  path = join(folder, 'accounts');
  const schema = structOf([field('id', 'long'), field('part', 'string'), field('amount', decimalOf(20, 2))]);
  const configuration = { 'delta.enableChangeDataFeed': 'true', 'delta.enableDeletionVectors': 'true' };
  const definition = { path: 'accounts', schema, configuration, partitionColumns: ['part'] };
  const table = await createTable(localObjectStore(folder), definition, { clock: systemClock() });
  const rows = Array.from({ length: 30_000 }, (_, id) => ({ id, part: id % 2 === 0 ? 'a' : 'b', amount: `${id}.05` }));
  await table.append({ rows });
  await table.append({ rows: [{ id: 9_007_199_254_740_993n, part: 'é, "c"', amount: '0.10' }] });
  await table.delete({ where: 'id < 10' });
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const table = (command: string, ...flags: string[]) => runProgram(['table', command, '--path', path, ...flags]);
const lines = (text: string): string[] => text.split('\n').filter(Boolean);

describe('sentinela table read', () => {
  it('writes exact JSON, the asked columns of the asked rows', () => {
    const { status, stdout } = table('read', '--columns', 'amount,id', '--where', 'id > 29997 OR id = 10');
    expect(status).toBe(0);
    expect(lines(stdout).sort()).toEqual([
      '{"amount":0.10,"id":9007199254740993}',
      '{"amount":10.05,"id":10}',
      '{"amount":29998.05,"id":29998}',
      '{"amount":29999.05,"id":29999}',
    ]);
  });

  it('writes CSV with a header, and an Arrow stream', () => {
    const csv = table('read', '--format', 'csv', '--where', 'id > 29999');
    expect(csv.stdout).toBe('id,part,amount\r\n9007199254740993,"é, ""c""",0.10\r\n');
    const { status, stdout } = runBinary('read', '--format', 'arrow', '--version', '1');
    expect(status).toBe(0);
    expect(tableFromIPC(stdout).numRows).toBe(30_000);
  });

  it('takes a URI, a version, a time and a limit', () => {
    const uri = runProgram(['table', 'read', '--path', `file://${path}`, '--limit', '2']);
    expect(lines(uri.stdout)).toHaveLength(2);
    expect(lines(table('read', '--version', '1', '--where', 'id < 3').stdout)).toHaveLength(3);
    const [newest = '{}'] = lines(table('history', '--limit', '1', '--json').stdout);
    const { time } = JSON.parse(newest) as { time: string };
    expect(lines(table('read', '--timestamp', time, '--where', 'id < 12').stdout)).toHaveLength(2);
    expect(table('read', '--limit', '0')).toMatchObject({ status: 0, stdout: '' });
  });

  it('ends quietly where its reader has seen enough', async () => {
    const child = spawn(process.execPath, [PROGRAM, 'table', 'read', '--path', path], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let errors = '';
    child.stderr.on('data', (text) => {
      errors += text;
    });
    child.stdout.once('data', () => child.stdout.destroy());
    const status = await new Promise((resolve) => child.on('close', resolve));
    expect({ status, errors }).toEqual({ status: 0, errors: '' });
  });

  it.each([
    [['--columns', 'nope'], 4, /has no column nope/],
    [['--columns', 'id,id'], 2, /names a column twice/],
    [['--where', 'id >'], 2, /position/],
    [['--where', 'nope = 1'], 2, /nope is no column/],
    [['--where', 'id / 0 > 1'], 2, /DIVIDE_BY_ZERO/],
    [['--version', '99'], 4, /version/],
    [['--version', '1.5'], 2, /--version 1.5 is no count/],
    [['--version', '1', '--timestamp', '2026-01-01'], 2, /exclude each other/],
    [['--timestamp', 'yesterday'], 2, /2026-07-01T12:00:00Z/],
    [['--timestamp', '2001-01-01'], 4, /before the first commit/],
    [['--timestamp', '2999-01-01'], 4, /after the last commit/],
    [['--limit', 'x'], 2, /--limit x/],
    [['--format', 'xml'], 2, /ndjson, csv, arrow/],
  ])('refuses %j with exit code %i', (flags, status, message) => {
    const ran = table('read', ...flags);
    expect(ran.status).toBe(status);
    expect(ran.stderr).toMatch(message);
    expect(ran.stdout).toBe('');
  });

  it('says what is wrong with a path, and in JSON where that is asked for', () => {
    expect(runProgram(['table', 'read', '--path', join(folder, 'none')])).toMatchObject({ status: 4 });
    expect(runProgram(['table', 'read', '--path', 'gs://bucket/table'])).toMatchObject({ status: 2 });
    expect(runProgram(['table', 'read'])).toMatchObject({ status: 2 });
    const { stdout } = table('read', '--version', '99', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'version_not_found' } });
  });
});

describe('sentinela table', () => {
  it('tells changes', () => {
    const { status, stdout } = table('changes', '--from', '2', '--columns', 'id,_change_type', '--where', 'id > 8');
    expect(status).toBe(0);
    expect(lines(stdout).sort()).toEqual([
      '{"id":9,"_change_type":"delete"}',
      '{"id":9007199254740993,"_change_type":"insert"}',
    ]);
    expect(table('changes')).toMatchObject({ status: 2 });
    expect(table('changes', '--from', '9')).toMatchObject({ status: 4 });
    expect(table('changes', '--from', '0', '--to', '1', '--limit', '1', '--format', 'csv').stdout).toMatch(
      /^id,part,amount,_change_type,_commit_version,_commit_timestamp\r\n.*insert,1,.*Z\r\n$/,
    );
  });

  it('shows, describes, optimizes, vacuums, restores and checks', () => {
    expect(table('show').stdout).toMatch(/29,991 rows in 3 files/);
    expect(JSON.parse(table('describe', '--json').stdout)).toMatchObject({ version: 3, numRecords: 29_991 });
    expect(JSON.parse(table('optimize', '--json').stdout)).toMatchObject({ conflicts: 0 });
    expect(table('vacuum', '--dry-run').stdout).toMatch(/would be deleted/);
    expect(table('vacuum', '--retention', '0 days')).toMatchObject({ status: 2 });
    expect(table('vacuum', '--retention', 'soon')).toMatchObject({ status: 2 });
    expect(table('fsck')).toMatchObject({ status: 0 });
    expect(table('restore')).toMatchObject({ status: 2 });
    expect(JSON.parse(table('restore', '--version', '1', '--json').stdout)).toMatchObject({ kind: 'committed' });
    expect(table('show').stdout).toMatch(/30,000 rows/);
    const part = join(path, 'part=b');
    rmSync(join(part, readdirSync(part).filter((name) => name.endsWith('.parquet'))[0] ?? ''));
    expect(table('fsck')).toMatchObject({ status: 5 });
    expect(table('read', '--columns', 'id').status).toBe(1);
  });

  it('has help with examples', () => {
    for (const name of ['show', 'describe', 'history', 'fsck', 'read', 'changes', 'optimize', 'vacuum', 'restore']) {
      const { status, stdout } = runProgram(['table', name, '--help']);
      expect(status).toBe(0);
      expect(stdout).toContain(`sentinela table ${name}`);
      expect(stdout).toMatch(/Examples?:/);
    }
    expect(runProgram(['--version']).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

/** Runs a command whose result is bytes. */
function runBinary(command: string, ...flags: string[]): { readonly status: number; readonly stdout: Uint8Array } {
  const { stdout, status } = runProgram(['table', command, '--path', path, ...flags], {}, 'latin1');
  return { status, stdout: Buffer.from(stdout, 'latin1') };
}
