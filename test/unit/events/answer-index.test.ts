import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/base/random.ts';
import { AnswerIndex, type AnswerPlace } from '../../../src/events/answer-index.ts';

const HORIZON = 1000;
const place = (offset: number): AnswerPlace => ({ segment: 1, offset, fingerprint: BigInt(offset) });

describe('the index of answers', () => {
  it('holds what is alive, however many answers there have been', () => {
    const index = new AnswerIndex(HORIZON);
    // Ten answers a microsecond: 10,000 are alive at any time.
    const puts = 400_000;
    let most = 0;
    for (let at = 0; at < puts; at += 1) {
      index.put(`E${at}`, 'PAYER', place(at), BigInt(at), 1 + Math.floor(at / 10));
      most = Math.max(most, index.size);
    }
    expect(most).toBeLessThan(70_000);
    const now = Math.floor((puts - 1) / 10) + 1;
    expect(index.columns(now).known).toHaveLength(10_000);
    expect(index.get(`E${puts - 1}`, 'PAYER', now)).toEqual(place(puts - 1));
    expect(index.get(`E${puts - 10_001}`, 'PAYER', now)).toBeUndefined();
    expect(index.columns(now + HORIZON).known).toHaveLength(0);
  });

  it('becomes small again after a rush', () => {
    const index = new AnswerIndex(HORIZON);
    for (let at = 0; at < 200_000; at += 1) index.put(`E${at}`, 'PAYEE', place(at), BigInt(at), 1);
    for (let at = 0; at < 200_000; at += 1) index.put(`F${at}`, 'PAYEE', place(at), BigInt(at), 2000 + at);
    expect(index.size).toBeLessThan(20_000);
  });

  it.each([1, 2, 3])('answers as a map does, over its own snapshots too: seed %i', (seed) => {
    const { below } = seededRandom(seed);
    let index = new AnswerIndex(HORIZON);
    const twin = new Map<string, { place: AnswerPlace; known: number }>();
    let now = 1;
    // Rushes and calm in turn: shards grow, stay and shrink.
    for (let at = 0; at < 100_000; at += 1) {
      now += below(at % 40_000 < 25_000 ? 50 : 4) === 0 ? 1 : 0;
      const id = `E${below(60_000)}`;
      const side = below(2) === 0 ? 'PAYER' : 'PAYEE';
      if (below(4) > 0) {
        index.put(id, side, place(at), BigInt(at), now);
        twin.set(`${id}${side}`, { place: place(at), known: now });
      }
      if (below(20_000) === 0) {
        const restored = new AnswerIndex(HORIZON);
        restored.restore(index.columns(now));
        index = restored;
      }
      if (at % 30_000 === 29_999) now += HORIZON;
      const asked = `E${below(60_000)}`;
      const entry = twin.get(`${asked}PAYER`);
      const expected = entry !== undefined && entry.known + HORIZON > now ? entry.place : undefined;
      const found = index.get(asked, 'PAYER', now);
      // Asserting takes as long as a hundred look-ups.
      if (found?.offset !== expected?.offset || found?.fingerprint !== expected?.fingerprint) {
        expect(found).toEqual(expected);
      }
    }
    const alive = [...twin.values()].filter(({ known }) => known + HORIZON > now);
    expect(index.columns(now).known).toHaveLength(alive.length);
  });
});
