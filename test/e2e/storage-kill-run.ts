import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { type Random, seededRandom } from '../../src/base/random.ts';
import { logFolder } from '../../src/storage/log/log-names.ts';
import { readRows } from '../../src/storage/scan/table-read.ts';
import { type OpenedStore, openObjectStore } from '../../src/storage/store/open-object-store.ts';
import { createTable, type DeltaTable, openTable } from '../../src/storage/table.ts';
import { field, structOf } from '../../src/storage/types/delta-type.ts';
import { type LedgerSummary, readLedgers } from './storage-kill-ledger.ts';

/** A table that processes share, and how they are killed. */
export interface KillRun {
  readonly uri: string;
  /** For ledgers and what programs print. */
  readonly folder: string;
  /** Compiled programs of the tests. */
  readonly code: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workers: number;
  /** The Python of the delta-rs worker; none without it. */
  readonly python: string | undefined;
  /** Its script. */
  readonly deltaRsWorker: string;
  readonly seconds: number;
  readonly seed: number;
}

/** What came of it. */
export interface KillReport {
  readonly kills: number;
  readonly versions: number;
  readonly liveRows: number;
  readonly ledgers: LedgerSummary;
  /** Rows that were told to be there and are not, or the other way round, or of another value. */
  readonly wrong: readonly string[];
  readonly doubled: readonly number[];
  /** Versions that cannot be read. */
  readonly unreadable: readonly string[];
  /** Programs that ended by themselves, other than by the end of their time. */
  readonly failed: readonly string[];
  /** Versions whose rows were read, all of them. */
  readonly fullyRead: number;
}

const SCHEMA = structOf([field('id', 'long'), field('part', 'string'), field('value', 'long')]);
/** Versions of which all rows are read; of the others the log, and that their files are there. */
const FULLY_READ = 30;

/** Lets processes change one table, kills one of them with SIGKILL now and then, and checks what is there at the end. */
export async function runKills(run: KillRun): Promise<KillReport> {
  const clock = systemClock();
  const opened = openObjectStore(run.uri, { environment: run.environment, clock });
  const { store, table: path } = opened;
  await createTable(store, { path, schema: SCHEMA, partitionColumns: ['part'] }, { clock });
  const random = seededRandom(run.seed);
  const until = Date.now() + run.seconds * 1000;
  const programs = Array.from({ length: run.workers + (run.python === undefined ? 0 : 1) }, (_, number) =>
    startProgram(run, number, until),
  );
  let kills = 0;
  while (Date.now() < until - 1500) {
    await sleep(800 + random.below(2400));
    if (Date.now() < until - 500) kills += killOne(programs, random);
  }
  await Promise.all(programs.map((program) => program.ended()));
  const failed = programs.flatMap((program) => program.failures);
  const ledgers = readLedgers(programs.map((program) => program.ledger));
  return { kills, failed, ledgers, ...(await checkTable(openTable(store, path, { clock }), opened, ledgers)) };
}

interface Program {
  readonly ledger: string;
  readonly failures: string[];
  kill(): boolean;
  /** Resolves when the last life has ended. */
  ended(): Promise<void>;
}

function startProgram(run: KillRun, number: number, until: number): Program {
  const ledger = join(run.folder, `worker-${number}.jsonl`);
  const output = join(run.folder, `worker-${number}.txt`);
  closeSync(openSync(ledger, 'a'));
  const isPython = number === run.workers;
  const failures: string[] = [];
  let life = 0;
  let child: ChildProcess;
  let exit: Promise<void>;
  const start = (): void => {
    life += 1;
    const args = [run.uri, ledger, number, life, until].map(String);
    const [program, script] = isPython
      ? [run.python as string, run.deltaRsWorker]
      : [process.execPath, `${run.code}/test/e2e/storage-kill-worker.js`];
    const printed = openSync(output, 'a');
    child = spawn(program, [script, ...args], { stdio: ['ignore', printed, printed], env: { ...run.environment } });
    closeSync(printed);
    exit = new Promise((resolve) => {
      child.once('exit', (status, signal) => {
        if (status !== 0 && signal !== 'SIGKILL') {
          failures.push(
            `program ${number} ended with ${status ?? signal}: ${readFileSync(output, 'utf8').slice(-800)}`,
          );
        }
        resolve();
      });
    });
  };
  start();
  return {
    ledger,
    failures,
    kill() {
      if (child.exitCode !== null) return false;
      const gone = exit;
      child.kill('SIGKILL');
      void gone.then(start);
      exit = gone.then(() => exit);
      return true;
    },
    async ended() {
      for (let waited: Promise<void> | undefined; waited !== exit; ) {
        waited = exit;
        await waited;
      }
    },
  };
}

function killOne(programs: readonly Program[], random: Random): number {
  return programs[random.below(programs.length)]?.kill() === true ? 1 : 0;
}

async function checkTable(
  table: DeltaTable,
  { store }: OpenedStore,
  { rows }: LedgerSummary,
): Promise<Omit<KillReport, 'kills' | 'failed' | 'ledgers'>> {
  const newest = await table.snapshot();
  const found = new Map<number, number>();
  const doubled: number[] = [];
  const wrong: string[] = [];
  for await (const { id, value } of readRows(newest)) {
    if (found.has(Number(id))) doubled.push(Number(id));
    found.set(Number(id), Number(value));
  }
  for (const [id, allowed] of rows) {
    const is = found.get(id) ?? 'gone';
    if (!allowed.has(is)) wrong.push(`${id} is ${is} and may be ${[...allowed].join(' or ')}`);
  }
  for (const id of found.keys()) if (!rows.has(id)) wrong.push(`${id} is nobody's`);
  const keys = new Set<string>();
  for await (const { key } of store.listFrom(`${table.path}/`)) {
    if (!key.startsWith(logFolder(table.path))) keys.add(key);
  }
  const unreadable: string[] = [];
  let fullyRead = 0;
  const every = Math.max(1, Math.floor(newest.version / FULLY_READ));
  for (let version = 0; version <= newest.version; version += 1) {
    try {
      const snapshot = await table.snapshot(version);
      const gone = snapshot.files.find(({ key }) => !keys.has(key));
      if (gone !== undefined) unreadable.push(`version ${version} lacks ${gone.key}`);
      if (version % every !== 0) continue;
      fullyRead += 1;
      let count = 0;
      for await (const _ of readRows(snapshot)) count += 1;
      if (count !== snapshot.rowCount)
        unreadable.push(`version ${version} has ${count} rows, not ${snapshot.rowCount}`);
    } catch (error) {
      unreadable.push(`version ${version}: ${error instanceof Error ? error.stack : error}`);
    }
  }
  return { versions: newest.version + 1, liveRows: found.size, wrong, doubled, unreadable, fullyRead };
}

function sleep(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
