import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileFeatureSet, type FeatureSet } from '../../../../src/features/feature-set.ts';
import { FEATURE_STATUS_NAMES } from '../../../../src/features/feature-status.ts';
import { historyStage } from '../../../../src/training-export/spark/history-stage.ts';
import { vectorSchema, vectorStage } from '../../../../src/training-export/spark/vector-stage.ts';
import { wholeEntities } from '../../../../src/training-export/spark/whole-entities.ts';
import { checkVectors, type Entry, isPresented, JOURNALS, START, World, worldOf } from '../../features/replay-world.ts';
import { rowOf, STREAMS, smallShape, stream, testSet, unboundedSet } from '../../features/streams.ts';
import {
  BLOCK_NAMES,
  earlierEventWorld,
  historyRows,
  inPieces,
  type Row,
  rowsOfPieces,
  vectorRows,
  withSides,
} from './spark-world.ts';

async function listed<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

async function vectorsOf(set: FeatureSet, { epochs }: World, log: readonly Entry[], size: number): Promise<Row[]> {
  const blocks = await listed(historyStage(set, epochs, inPieces(historyRows(set, log), size), size));
  const rows = vectorRows(set, log, rowsOfPieces(blocks, BLOCK_NAMES));
  const asked = { features: set.names, statuses: true };
  const pieces = await listed(vectorStage(set, asked, inPieces(rows, size)));
  return rowsOfPieces(
    pieces,
    vectorSchema(asked).fields.map(({ name }) => name),
  );
}

async function check(set: FeatureSet, world: World, shuffled: readonly Entry[], size: number): Promise<void> {
  const log = withSides(shuffled);
  const rows = new Map(
    (await vectorsOf(set, world, log, size)).map((row) => [`${row.end_to_end_id} ${row.side}`, row]),
  );
  const paid = log.filter(isPresented);
  expect(rows.size).toBe(paid.length);
  const vector = (read: number) => {
    const row = paid[read]?.row;
    const found = rows.get(`${row?.end_to_end_id} ${row?.side}`);
    expect(found?.event_time).toBe(row?.event_time);
    return {
      values: Float64Array.from(set.names, (name) => (found?.[name] as number | null) ?? Number.NaN),
      status: Uint8Array.from(set.names, (name) => FEATURE_STATUS_NAMES.indexOf(String(found?.[`${name}__status`]))),
    };
  };
  checkVectors(set, { count: paid.length, vector }, log);
}

describe('the two stages of Spark', () => {
  for (const set of [
    compileFeatureSet(testSet(9)),
    compileFeatureSet(testSet(256)),
    compileFeatureSet(unboundedSet(), smallShape(3)),
  ]) {
    it(`give what was served, bound ${set.definition.bound}`, async () => {
      await fc.assert(
        fc.asyncProperty(
          stream,
          fc.integer({ min: 1, max: 1000 }),
          fc.constantFrom(1, 7, 100_000),
          async (steps, seed, size) => {
            const { world, shuffled } = worldOf(set, steps, seed);
            await check(set, world, shuffled, size);
          },
        ),
        { numRuns: Math.ceil(STREAMS / 2) },
      );
    });
  }

  it('leave an event out whose payment has an earlier one, at another payee, in the base', async () => {
    const world = earlierEventWorld(testSet(9));
    expect(world.log.at(-1)?.expected?.get('payee_count_1m')?.value).toBe(0);
    for (const size of [1, 100]) await check(compileFeatureSet(world.set), world, world.log, size);
  });

  it('tell of a payment whose blocks are not all there, or that is there twice', async () => {
    const set = compileFeatureSet(testSet(9));
    const world = new World(set.definition);
    world.pay(rowOf(`E${'1'.repeat(31)}`, START, 100, 1, 2), JOURNALS[0] as string, true);
    const made = await listed(historyStage(set, world.epochs, inPieces(historyRows(set, world.log), 100)));
    const rows = vectorRows(set, world.log, rowsOfPieces(made, BLOCK_NAMES));
    const run = (given: readonly Row[]) =>
      listed(vectorStage(set, { features: set.names, statuses: false }, inPieces(given, 3)));
    expect(await run(rows)).toHaveLength(1);
    const refusal = { code: 'table_corrupt', message: expect.stringContaining('other rows than one a side') };
    await expect(run(rows.slice(1))).rejects.toMatchObject(refusal);
    await expect(run([...rows, rows.at(-1) as Row])).rejects.toMatchObject(refusal);
  });
});

describe('whole entities', () => {
  it('are never cut, and no batch holds two kinds or many more rows than it must', async () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(lengths, { maxLength: 4 }),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 12 }),
        async (kinds, size, least) => {
          const rows = kinds.flatMap((entities, kind) =>
            entities.flatMap((length, entity) =>
              Array.from({ length }, (_, at) => ({ kind, entity: `e${entity}`, at, event_time: at })),
            ),
          );
          const batches = await listed(wholeEntities(inPieces(rows, size), least));
          const read = batches.map(({ kind, rows: batch }) =>
            batch.texts('entity').map((entity, row) => ({
              kind,
              entity: String(entity),
              at: batch.numbers('at')[row],
              event_time: batch.numbers('event_time')[row],
            })),
          );
          expect(read.flat()).toEqual(rows);
          for (const [at, batch] of read.entries()) {
            const [last, next] = [batch.at(-1), read[at + 1]?.[0]];
            expect(last?.kind === next?.kind && last?.entity === next?.entity).toBe(false);
            expect(batch.length).toBeLessThan(least + 9);
            if (last?.kind === next?.kind) expect(batch.length).toBeGreaterThanOrEqual(least);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
