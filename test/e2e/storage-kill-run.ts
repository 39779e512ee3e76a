import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { systemErrorCode } from '../../src/base/errors.ts';
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
  /** Who changes the table beside our processes. */
  readonly others: readonly OtherEngine[];
  readonly seconds: number;
  readonly seed: number;
}

/** Another engine: a script that takes the arguments of our worker and writes a ledger as it does. */
export interface OtherEngine {
  readonly name: string;
  readonly program: string;
  readonly script: string;
  readonly environment?: Readonly<Record<string, string>>;
  /**
   * For one that takes long to start, and longer beside others: they wait for its first commit, it is killed that long,
   * and up to 10 s more, after the first commit of a life, and at the end.
   */
  readonly leastWorkMs?: number;
  /** It starts processes of its own, which are killed with it. */
  readonly hasProcesses?: boolean;
}

/** What came of it. */
export interface KillReport {
  readonly kills: number;
  readonly versions: number;
  readonly liveRows: number;
  readonly ledgers: LedgerSummary;
  /** Commits that were told, and kills, of each of the other engines by its name. */
  readonly others: Readonly<Record<string, { readonly committed: number; readonly kills: number }>>;
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
  const engines = programsOf(run, random);
  const slow = engines.filter(isSlow).map((engine) => startProgram(run, engine, engines.indexOf(engine), Infinity));
  for (const program of slow) await firstCommit(program);
  const until = Date.now() + run.seconds * 1000;
  const quick = engines
    .filter((engine) => !isSlow(engine))
    .map((engine) => startProgram(run, engine, engines.indexOf(engine), until));
  while (Date.now() < until - 1500) {
    await sleep(800 + random.below(2400));
    if (Date.now() < until - 500)
      (slow.find((program) => program.isDue()) ?? quick[random.below(quick.length)])?.kill();
  }
  for (const program of quick) await program.ended();
  for (const program of slow) await program.end();
  const programs = [...quick, ...slow];
  const ledgers = readLedgers(programs.map(({ ledger }) => ledger));
  return {
    kills: programs.reduce((sum, program) => sum + program.kills, 0),
    failed: programs.flatMap(({ failures }) => failures),
    ledgers,
    others: Object.fromEntries(
      programs
        .slice(run.workers)
        .map(({ name, ledger, kills }) => [name, { committed: readLedgers([ledger]).committed, kills }]),
    ),
    ...(await checkTable(openTable(store, path, { clock }), opened, ledgers)),
  };
}

/** For the first commit of one that starts slowly. */
const START_MS = 120_000;

function programsOf({ workers, code, others }: KillRun, random: Random): OtherEngine[] {
  const script = `${code}/test/e2e/storage-kill-worker.js`;
  return [
    ...Array.from({ length: workers }, () => ({ name: 'ours', program: process.execPath, script })),
    ...others.map(({ leastWorkMs, ...other }) =>
      leastWorkMs === undefined ? other : { ...other, leastWorkMs: leastWorkMs + random.below(10_000) },
    ),
  ];
}

interface Program {
  readonly name: string;
  readonly ledger: string;
  readonly failures: readonly string[];
  readonly kills: number;
  /** Whether this life told of a commit, and that long ago as its engine asks for. */
  isDue(): boolean;
  hasCommitted(): boolean;
  /** Kills it, and starts it again. */
  kill(): void;
  /** Resolves when the last life has ended. */
  ended(): Promise<void>;
  /** Kills it for good. */
  end(): Promise<void>;
}

function startProgram(run: KillRun, engine: OtherEngine, number: number, until: number): Program {
  const ledger = join(run.folder, `worker-${number}.jsonl`);
  const output = join(run.folder, `worker-${number}.txt`);
  closeSync(openSync(ledger, 'a'));
  const failures: string[] = [];
  let life = 0;
  let kills = 0;
  let child: ChildProcess;
  let exit: Promise<void>;
  /** Commits that the lives before were told of, and when this one was seen to be told of its first. */
  let committedBefore = 0;
  let committedAtMs: number | undefined;
  const start = (): void => {
    life += 1;
    committedBefore = readLedgers([ledger]).committed;
    committedAtMs = undefined;
    child = spawnProgram(run, engine, [run.uri, ledger, number, life, until].map(String), output);
    const own = child;
    exit = new Promise((resolve) => {
      own.once('exit', (status, signal) => {
        if (engine.hasProcesses === true) killGroup(own);
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
  const killLife = (): void => {
    if (engine.hasProcesses === true) killGroup(child);
    else child.kill('SIGKILL');
  };
  const hasCommitted = (): boolean => {
    if (committedAtMs === undefined && readLedgers([ledger]).committed > committedBefore) committedAtMs = Date.now();
    return committedAtMs !== undefined;
  };
  return {
    name: engine.name,
    ledger,
    failures,
    get kills() {
      return kills;
    },
    hasCommitted,
    isDue: () => hasCommitted() && Date.now() - (committedAtMs ?? 0) >= (engine.leastWorkMs ?? 0),
    kill() {
      if (child.exitCode !== null) return;
      kills += 1;
      const gone = exit;
      killLife();
      void gone.then(start);
      exit = gone.then(() => exit);
    },
    async ended() {
      for (let waited: Promise<void> | undefined; waited !== exit; ) {
        waited = exit;
        await waited;
      }
    },
    async end() {
      // A life that is just being started has begun when the one before is gone.
      await Promise.race([exit, sleep(1000)]);
      killLife();
      await exit;
    },
  };
}

function isSlow({ leastWorkMs }: OtherEngine): boolean {
  return leastWorkMs !== undefined;
}

async function firstCommit(program: Program): Promise<void> {
  const endMs = Date.now() + START_MS;
  while (!program.hasCommitted()) {
    if (Date.now() > endMs || program.failures.length > 0)
      throw new Error(`${program.name} does not commit: ${program.failures.join()}`);
    await sleep(200);
  }
}

function spawnProgram(
  { folder, environment }: KillRun,
  engine: OtherEngine,
  args: readonly string[],
  output: string,
): ChildProcess {
  const printed = openSync(output, 'a');
  const child = spawn(engine.program, [engine.script, ...args], {
    cwd: folder,
    // A group of its own, so that what it starts can be killed at the same moment.
    detached: engine.hasProcesses === true,
    stdio: ['ignore', printed, printed],
    env: { ...environment, ...engine.environment },
  });
  closeSync(printed);
  return child;
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // None of them is left.
    if (systemErrorCode(error) !== 'ESRCH') throw error;
  }
}

async function checkTable(
  table: DeltaTable,
  { store }: OpenedStore,
  { rows }: LedgerSummary,
): Promise<Omit<KillReport, 'kills' | 'failed' | 'ledgers' | 'others'>> {
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
