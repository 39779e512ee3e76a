import { afterAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import {
  cut,
  DAMAGED_KINDS,
  type DamagedKind,
  flipped,
  type Outcome,
  readDamaged,
  targetOf,
} from './storage/damage.ts';

const SEED = Number(process.env.SEED ?? 1);

/** Damaged copies of a file: those that DuckDB reads take 30 ms each. */
const TRIES: Readonly<Partial<Record<DamagedKind, number>>> = { 'data file': 60, 'deletion vector': 20 };
const MOST_TRIES = 150;

/**
 * How many of a hundred flipped bits may go unseen, because nothing in the file is a sum over them. Measured are,
 * with 400 flips each: 13 of a compaction, 6 of a checkpoint in JSON, 1 of a sidecar or a classic checkpoint. Of a data file none: its add
 * holds a sum (of those of 22 KB, 79 went unseen without it: DuckDB and parquet-wasm write no CRCs of pages).
 */
const UNSEEN_PERCENT: Readonly<Partial<Record<DamagedKind, number>>> = {
  commit: 5,
  'classic checkpoint': 5,
  'checkpoint in parts': 5,
  'V2 checkpoint': 5,
  'V2 checkpoint in JSON': 15,
  sidecar: 5,
  compaction: 25,
};

const figures: Record<string, unknown>[] = [];

describe.each(DAMAGED_KINDS)('a damaged %s', (kind) => {
  it('gives right data or an error, where a bit is flipped', async () => {
    const { counts, tries } = await damage(kind, 'flipped', flipped);
    expect(counts['WRONG DATA'] * 100).toBeLessThanOrEqual((UNSEEN_PERCENT[kind] ?? 0) * tries);
  });

  it('gives right data or an error, where it ends too early', async () => {
    const { counts, wrong } = await damage(kind, 'cut', cut);
    // Lines of JSON that are whole are a whole file: only its length, or a checksum, could tell.
    const atLineEnds = wrong.filter((bytes) => bytes.length === 0 || bytes.at(-1) === 0x0a || bytes.at(-1) === 0x7d);
    expect(counts['WRONG DATA']).toBe(atLineEnds.length);
    if (!['commit', 'compaction', 'V2 checkpoint in JSON'].includes(kind)) expect(counts['WRONG DATA']).toBe(0);
  });
});

afterAll(() => console.table(figures));

async function damage(kind: DamagedKind, how: string, change: typeof flipped) {
  const target = await targetOf(kind);
  const random = seededRandom(SEED);
  const tries = TRIES[kind] ?? MOST_TRIES;
  const counts: Record<Outcome, number> = {
    'right data': 0,
    'error, file named': 0,
    'error, file not named': 0,
    'WRONG DATA': 0,
  };
  const wrong: Uint8Array[] = [];
  for (let tried = 0; tried < tries; tried += 1) {
    const bytes = change(target.bytes, random);
    const { outcome } = await readDamaged(target, bytes);
    counts[outcome] += 1;
    if (outcome === 'WRONG DATA') wrong.push(bytes);
  }
  figures.push({ kind, how, seed: SEED, ...counts });
  return { counts, tries, wrong };
}
