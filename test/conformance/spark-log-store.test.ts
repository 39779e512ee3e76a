import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { readRows } from '../../src/storage/scan/table-read.ts';
import { localObjectStore } from '../../src/storage/store/local-object-store.ts';
import { createTable } from '../../src/storage/table.ts';
import { field, structOf } from '../../src/storage/types/delta-type.ts';
import { LINK_LOG_STORE, type RunningSpark, startSpark } from '../running-spark.ts';

/*
 * The LogStore of clients/spark-log-store: Spark and our processes put files of one name at the same time, and commit
 * to one table.
 */

const NAMES = 200;
/** Files of Spark's alone, which a reader waits for. */
const AWAITED = 20;
/** Long enough for a write that is not atomic to be seen by halves. */
const LINES = 4_000;
const LINE = 'x'.repeat(99);
/** How much later, or sooner, we start after we won, or lost: so both stay close to the moment when they meet. */
const STEP_MS = 0.25;

let spark: RunningSpark;
let root: string;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'sentinela-log-store-'));
  spark = await startSpark(LINK_LOG_STORE);
}, 120_000);
afterAll(() => {
  spark?.stop();
  rmSync(root, { recursive: true, force: true });
});

/** What a side writes: lines that tell who it is, and of which name. */
function lineOf(side: 'ours' | 'spark', at: number): string {
  return `${side} ${at} ${LINE}`;
}

function textOf(side: 'ours' | 'spark', at: number): string {
  return `${lineOf(side, at)}\n`.repeat(LINES);
}

/** Waits to less than a millisecond: timers alone are coarser than the race that is looked for. */
async function sleepExactly(durationMs: number): Promise<void> {
  const endMs = performance.now() + durationMs;
  if (durationMs > 2) await sleep(durationMs - 2);
  while (performance.now() < endMs);
}

/** The size of a file at the moment when it appears. */
function sizeWhenThere(path: string): number {
  const endMs = performance.now() + 10_000;
  while (performance.now() < endMs) {
    const entry = statSync(path, { throwIfNoEntry: false });
    if (entry !== undefined) return entry.size;
  }
  throw new Error(`no ${path} in ten seconds`);
}

function sleep(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}

/** A digest of long texts, so that a failure can be read. */
function shown(text: string): string {
  const [first = ''] = text.split('\n', 1);
  return `${first.slice(0, 12)}… of ${text.length} characters`;
}

describe('the LogStore for Spark on a local disk', () => {
  it('and our store: of both, at once, one puts a file, and all of it', {
    timeout: 180_000,
  }, async () => {
    const store = localObjectStore(root);
    const names = Array.from({ length: NAMES }, (_, at) => `${String(at).padStart(20, '0')}.json`);
    await store.put('puts/_last', new Uint8Array());
    const wrong: string[] = [];
    const wins = { ours: 0, spark: 0 };
    let delayMs = 5;
    for (const [at, name] of names.entries()) {
      const path = join(root, 'puts', name);
      const bytes = new TextEncoder().encode(textOf('ours', at));
      const theirs = spark.putIfAbsent(path, lineOf('spark', at), LINES);
      await sleepExactly(delayMs);
      const isOurs = (await store.putIfAbsent(`puts/${name}`, bytes)) === 'created';
      const seen = readFileSync(path, 'utf8');
      const { store: used, outcome } = await theirs;

      expect(used).toBe(LINK_LOG_STORE['spark.delta.logStore.file.impl']);
      const winner = isOurs ? 'ours' : 'spark';
      wins[winner] += 1;
      delayMs = Math.max(0, delayMs + (isOurs ? STEP_MS : -STEP_MS));
      if (isOurs === (outcome === 'created')) wrong.push(`${name}: ${isOurs ? 'both' : 'none'} put it`);
      const texts = { 'we saw': seen, 'Spark saw': isOurs ? outcome : seen, 'there is': readFileSync(path, 'utf8') };
      for (const [what, text] of Object.entries(texts)) {
        if (text !== textOf(winner, at)) wrong.push(`${name}: ${what} ${shown(text)}, not all of ${winner}`);
      }
    }
    console.log(`put first: ours ${wins.ours}, Spark ${wins.spark}; at the end we start ${delayMs} ms after Spark`);
    expect(wrong).toEqual([]);
    // Otherwise they never met.
    expect(Math.min(wins.ours, wins.spark)).toBeGreaterThan(NAMES / 20);
    expect(await spark.list(join(root, 'puts'))).toEqual([...names, '_last']);
    expect(readdirSync(join(root, 'puts')).sort()).toEqual([...names, '_last']);
  });

  it('shows a file whole, or not at all', { timeout: 60_000 }, async () => {
    const store = localObjectStore(root);
    await store.put('awaited/_last', new Uint8Array());
    const sizes: number[] = [];
    for (let at = 0; at < AWAITED; at += 1) {
      const path = join(root, `awaited/${at}.json`);
      const theirs = spark.putIfAbsent(path, LINE, LINES * 10);
      // The request leaves before the process waits for the file, and does nothing else.
      await sleep(1);
      sizes.push(sizeWhenThere(path));
      expect((await theirs).outcome).toBe('created');
    }
    expect(sizes).toEqual(sizes.map(() => LINES * 10 * (LINE.length + 1)));
  });

  it('takes commits of Spark beside ours: the rows of both are there, in both', { timeout: 180_000 }, async () => {
    const schema = structOf([field('id', 'long')]);
    const table = await createTable(localObjectStore(root), { path: 't', schema }, { clock: systemClock() });
    const path = `delta.\`${join(root, 't')}\``;
    let isDone = false;
    const spoken = (async () => {
      for (let id = 0; id < 6; id += 1) await spark.sql(`INSERT INTO ${path} VALUES (${id})`);
      isDone = true;
    })();
    let last = 999;
    while (!isDone) {
      last += 1;
      expect((await table.append({ rows: [{ id: last }] })).kind).toBe('committed');
      // Spark takes longer to come back from a lost race than we do to commit: without a pause it loses most of them.
      await sleep(300);
    }
    await spoken;
    // A statement of Spark's at a multiple of ten writes a checkpoint, and over `_last_checkpoint`.
    let { version } = await table.snapshot();
    for (; version % 10 !== 9; version += 1) {
      last += 1;
      await table.append({ rows: [{ id: last }] });
    }
    await spark.sql(`INSERT INTO ${path} VALUES (6)`);

    const ids: number[] = [];
    for await (const row of readRows(await table.snapshot())) ids.push(Number(row.id));
    const expected = [...Array(7).keys(), ...Array.from({ length: last - 999 }, (_, n) => 1000 + n)];
    expect(ids.sort((a, b) => a - b)).toEqual(expected);
    const spoke = (await spark.rows(`SELECT id FROM ${path}`)).map(({ id }) => Number(id));
    expect(spoke.sort((a, b) => a - b)).toEqual(expected);

    const log = join(root, 't/_delta_log');
    expect(readdirSync(log).filter((name) => /^\.writing-|\.tmp$/.test(name))).toEqual([]);
    const newest = join(log, `${String(version + 1).padStart(20, '0')}.json`);
    expect(statSync(newest).mode & 0o777).toBe(0o666 & ~process.umask());
  });
});
