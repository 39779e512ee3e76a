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
 * How many of a hundred flipped bits may go unseen, because nothing is a sum over them: a compaction has no place for
 * one (13 of 400 flips), and parts are other writers' (1 of 400). What we write has sums: a commit in itself, a data
 * file in its add, a sidecar in the checkpoint, a checkpoint in the hint. Without them 79 % of the flips in a data
 * file, 6 % in a checkpoint in JSON and 1 % in one of Parquet went unseen.
 */
const UNSEEN_PERCENT: Readonly<Partial<Record<DamagedKind, number>>> = {
  'checkpoint in parts': 5,
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
