import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileFeatureSet } from '../../../src/features/feature-set.ts';
import { PIX_CORE } from '../../../src/features/pix-core.ts';
import { openModelRegistry, type StoredModel } from '../../../src/scoring/model-registry.ts';
import { type OnnxScorer, onnxScorer } from '../../../src/scoring/onnx-scorer.ts';
import { layerModel } from '../../onnx-model.ts';

interface Vector {
  readonly features: readonly (number | null)[];
  readonly score: number;
}

const registry = await openModelRegistry('models');
const champion = await registry.load('champion');
const { name, version } = champion.identity;
const vectors = JSON.parse(readFileSync(`models/${name}/${version}/vectors.json`, 'utf8')) as Vector[];
// The model's own set: these tests hold whatever is served.
const set = {
  name: champion.card.featureSet.name,
  version: champion.card.featureSet.version,
  names: champion.card.featureSet.features,
};
const width = set.names.length;
const vectorOf = ({ features }: Vector): Float32Array => Float32Array.from(features, (value) => value ?? Number.NaN);
const allOf = (some: readonly Vector[]): Float32Array => {
  const all = new Float32Array(some.length * width);
  for (const [at, vector] of some.entries()) all.set(vectorOf(vector), at * width);
  return all;
};

describe('the champion', () => {
  it('was trained on the feature set that ships', () => {
    const shipped = compileFeatureSet(PIX_CORE);
    expect(champion.card.featureSet).toEqual({
      name: shipped.name,
      version: shipped.version,
      features: shipped.names,
    });
  });

  it('finds fraud on days and on a world that it has not seen, and not too well to be true', () => {
    const [validation, ...tests] = champion.card.evaluations;
    expect(validation?.averagePrecision).toBeGreaterThan(0.3);
    expect(tests.length).toBeGreaterThanOrEqual(2);
    for (const test of tests) {
      expect(test.averagePrecision).toBeGreaterThan(0.3);
      expect(test.averagePrecision).toBeLessThan(0.9);
    }
    expect(champion.card.dataNotice).toMatch(/SIMULATED/);
    expect(champion.card.model.trees).toBeLessThanOrEqual(300);
  });
});

describe('the ONNX scorer', () => {
  let scorer: OnnxScorer;
  beforeAll(async () => {
    scorer = await onnxScorer(champion, set);
  });
  afterAll(() => scorer.close());

  it('equals LightGBM’s own predictions, with every feature missing once and with none there', async () => {
    expect(vectors.length).toBeGreaterThan(200);
    expect(vectors.some((vector) => vector.features.every((value) => value === null))).toBe(true);
    const missing = new Set(
      vectors.flatMap((one) => one.features.flatMap((value, at) => (value === null ? [at] : []))),
    );
    expect(missing.size).toBe(width);
    expect(Math.max(...vectors.map((vector) => vector.score))).toBeGreaterThan(0.5);
    const scores = await scorer.scoreAll(allOf(vectors));
    for (const [at, { score }] of vectors.entries())
      expect(Math.abs((scores[at] ?? Number.NaN) - score)).toBeLessThanOrEqual(1e-6);
  });

  it('gives a row one score, alone or among others, waiting or not', async () => {
    const alone: number[] = [];
    for (const vector of vectors.slice(0, 40)) alone.push(await scorer.score(vectorOf(vector)));
    const together = await Promise.all(vectors.slice(0, 40).map((vector) => scorer.score(vectorOf(vector))));
    expect(together).toEqual(alone);
    expect([...(await scorer.scoreAll(allOf(vectors)))].slice(0, 40)).toEqual(alone);
    const repeated = Array.from({ length: 500 }, (_, at) => vectors[at % 40]);
    const many = await Promise.all(repeated.map((vector) => scorer.score(vectorOf(vector as Vector))));
    expect(many).toEqual(repeated.map((_, at) => alone[at % 40]));
  });

  it('copies a vector before it returns', async () => {
    const vector = vectorOf(vectors[0] as Vector);
    const waiting = scorer.score(vector);
    vector.fill(0);
    expect(await waiting).toBe((await scorer.scoreAll(vectorOf(vectors[0] as Vector)))[0]);
  });

  it('refuses what it has no room for, and goes on when there is', async () => {
    const small = await onnxScorer(champion, set, { batchRows: 2, queueRows: 5 });
    const vector = vectorOf(vectors[0] as Vector);
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => small.score(vector)));
    expect(outcomes.map(({ status }) => status)).toEqual([...Array(5).fill('fulfilled'), ...Array(3).fill('rejected')]);
    expect(outcomes[7]).toMatchObject({ reason: { code: 'overloaded' } });
    // The ring turns: rows at its end and at its start go in two runs.
    for (let round = 0; round < 7; round += 1) {
      const scores = await Promise.all([0, 1, 2].map((at) => small.score(vectorOf(vectors[at] as Vector))));
      expect(scores).toEqual([...(await small.scoreAll(allOf(vectors.slice(0, 3))))]);
    }
    await small.close();
  });

  it('finishes what waits before it closes', async () => {
    const closing = await onnxScorer(champion, set);
    const waiting = closing.score(vectorOf(vectors[1] as Vector));
    await Promise.all([closing.close(), waiting]);
    expect(await waiting).toBeGreaterThanOrEqual(0);
  });

  it.each([
    [{ ...set, version: 'abc' }, /trained on .* served is .*@abc/],
    [{ ...set, names: [...set.names].reverse() }, /reads .* as feature 0, served is/],
    [{ ...set, names: set.names.slice(1) }, /as feature 0/],
    [{ ...set, names: [...set.names, 'one_more'] }, /reads nothing as feature/],
  ])('refuses another feature set at start: %#', async (other, message) => {
    await expect(onnxScorer(champion, other)).rejects.toMatchObject({
      code: 'model_mismatch',
      message: expect.stringMatching(message),
    });
  });

  it('refuses bytes that are no model, and a model of another width', async () => {
    const broken = (bytes: Uint8Array): StoredModel => ({ ...champion, bytes });
    for (const bytes of [Buffer.from('hello'), champion.bytes.subarray(0, 1000), new Uint8Array(0)]) {
      await expect(onnxScorer(broken(bytes), set)).rejects.toMatchObject({ code: 'model_invalid' });
    }
    const names = [...set.names, 'one_more'];
    const wider = {
      ...champion,
      card: { ...champion.card, featureSet: { ...champion.card.featureSet, features: names } },
    };
    await expect(onnxScorer(wider, { ...set, names })).rejects.toMatchObject({ code: 'model_invalid' });
  });

  it('refuses a model that does not know what to do without a value', async () => {
    const model: StoredModel = { ...champion, bytes: layerModel({ width, imputes: false }) };
    await expect(onnxScorer(model, set)).rejects.toMatchObject({
      code: 'model_invalid',
      message: expect.stringMatching(/gives NaN where features are absent/),
    });
  });

  it('fails for a vector that the model gives no number for, and for no other of its run', async () => {
    const imputing = await onnxScorer({ ...champion, bytes: layerModel({ width, imputes: true }) }, set);
    const rows = [new Float32Array(width), new Float32Array(width).fill(Infinity), new Float32Array(width).fill(NaN)];
    const outcomes = await Promise.allSettled(rows.map((row) => imputing.score(row)));
    expect(outcomes).toMatchObject([
      { status: 'fulfilled', value: 0.5 },
      { status: 'rejected', reason: { code: 'internal' } },
      { status: 'fulfilled', value: 0.5 },
    ]);
    await imputing.close();
  });
});
