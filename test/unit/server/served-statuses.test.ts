import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FEATURE_STATUS_NAMES } from '../../../src/features/feature-status.ts';
import { healthText } from '../../../src/server/feature-health.ts';
import { servedStatuses } from '../../../src/server/served-statuses.ts';

const NOW = 1_000_000_000_000;

/** The samples of a text, by name and labels. */
function samplesOf(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}

describe('statuses of what is served', () => {
  it('are those of a loop over all vectors; features beyond the limit are counted together', () => {
    const vectors = fc.integer({ min: 1, max: 6 }).chain((width) =>
      fc.record({
        width: fc.constant(width),
        most: fc.integer({ min: 1, max: 7 }),
        seen: fc.array(fc.array(fc.nat(7), { minLength: width, maxLength: width }), { maxLength: 20 }),
      }),
    );
    fc.assert(
      fc.property(vectors, ({ width, most, seen }) => {
        const names = Array.from({ length: width }, (_, at) => `f${at}`);
        const counts = servedStatuses(names, most, -Infinity);
        const naive = new Map<string, number>([['sentinela_feature_decisions_total', seen.length]]);
        for (const status of seen) {
          counts.see(Uint8Array.from(status), NOW);
          for (const [at, why] of status.entries()) {
            if (why === 0) continue;
            const feature = at < most ? names[at] : 'others';
            const key = `sentinela_feature_status_total{feature="${feature}",status="${FEATURE_STATUS_NAMES[why]}"}`;
            naive.set(key, (naive.get(key) ?? 0) + 1);
          }
        }
        if (seen.length > 0) naive.set('sentinela_feature_newest_event_seconds{source="payments"}', 0);
        expect(samplesOf(counts.text(NOW))).toEqual(naive);
      }),
    );
  });

  it('tell the age of the newest payment and label, none while neither is known and none below 0', () => {
    const age = (source: string, text: string): number | undefined =>
      samplesOf(text).get(`sentinela_feature_newest_event_seconds{source="${source}"}`);
    const fresh = servedStatuses(['a'], 9, -Infinity);
    expect(fresh.text(NOW)).not.toContain('newest_event');
    fresh.seeLabel(NOW - 7_000_000);
    fresh.seeLabel(NOW - 9_000_000);
    expect(age('labels', fresh.text(NOW))).toBe(7);
    expect(age('payments', fresh.text(NOW))).toBeUndefined();
    const known = servedStatuses(['a'], 9, NOW - 60_000_000);
    expect(age('payments', known.text(NOW))).toBe(60);
    known.see(new Uint8Array(1), NOW + 5_000_000);
    expect(age('payments', known.text(NOW))).toBe(0);
  });
});

describe('the health of features', () => {
  it('has no series of what is not known, and no more features than the limit', () => {
    expect(healthText({}, 2, NOW)).toBe('');
    const features = ['a', 'b', 'c'].map((feature, at) => ({ feature, psi: at / 4, ks: at === 0 ? null : 0.5 }));
    const text = healthText({ silverNewest: { labels: NOW - 2_500_000 }, drift: { decisions: 9, features } }, 2, NOW);
    expect(samplesOf(text)).toEqual(
      new Map([
        ['sentinela_silver_newest_seconds{table="labels"}', 2.5],
        ['sentinela_feature_drift_decisions', 9],
        ['sentinela_feature_psi{feature="a"}', 0],
        ['sentinela_feature_psi{feature="b"}', 0.25],
        ['sentinela_feature_ks{feature="b"}', 0.5],
      ]),
    );
  });

  it('has a series of what differs before anything does, and counts features beyond the limit together', () => {
    const skew = (different: readonly [string, number][]): string =>
      healthText({ skew: { compared: 50, different: new Map(different), leftOut: 3 } }, 2, NOW);
    const common = [
      ['sentinela_feature_skew_compared_total', 50],
      ['sentinela_feature_skew_left_out_total', 3],
    ] as const;
    const different = 'sentinela_feature_skew_different_total';
    expect(samplesOf(skew([]))).toEqual(new Map([...common, [`${different}{feature="others"}`, 0]]));
    const some = [
      ['a', 1],
      ['b', 2],
      ['c', 3],
      ['d', 4],
    ] as const;
    const samples = samplesOf(skew(some.map(([name, count]) => [name, count])));
    expect(samples.get(`${different}{feature="others"}`)).toBe(7);
    expect(samples.get(`${different}{feature="b"}`)).toBe(2);
    expect(samples.size).toBe(5);
  });
});
