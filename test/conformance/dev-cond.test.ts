import { afterAll, beforeAll, expect, it } from 'vitest';
import { bindPredicate, parseExpression } from '../../src/storage/expression/expressions.ts';
import { CONDITION_COLUMNS, CONDITION_ROWS, CONDITIONS } from './spark-conditions.ts';
import { openSparkWorld, type SparkWorld } from './spark-world.ts';
let world: SparkWorld;
beforeAll(async () => { world = await openSparkWorld(); }, 300_000);
afterAll(() => world?.close());
it('x', async () => {
  await world.sql('c', `CREATE TABLE $T (${CONDITION_COLUMNS}) USING delta`, `INSERT INTO $T VALUES ${CONDITION_ROWS.join(', ')}`);
  await world.compare('c');
  const { schema } = await world.open('c').snapshot();
  const differ: unknown[] = [];
  for (const text of CONDITIONS) {
    const t = await world.spark.rows(`SELECT id FROM ${world.path('c')} WHERE ${text}`).then(r => r.map(({id}) => String(id)).sort().join(), (e: Error) => `error ${e.message.slice(0, 120)}`);
    const o = await (async () => (await world.ours('c', { where: bindPredicate(parseExpression(text), schema), columns: ['id'] })).map(r => JSON.parse(r).id).sort().join())().catch((e: Error) => `error ${e.message.slice(0,160)}`);
    if (t !== o && !(t.startsWith('error') && o.startsWith('error'))) differ.push({ text, spark: t, ours: o });
  }
  console.log(JSON.stringify(differ, null, 1));
}, 600_000);
