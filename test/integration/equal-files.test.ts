import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { equalFiles } from '../truth/equal-files.ts';
import { withDuckDb } from '../truth/lake-sets.ts';

/* The judge of the proof with Spark: what it says is equal must be. */

it('files of features are equal bit by bit and status by status, in any order of rows', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sentinela-equal-'));
  await withDuckDb(folder, async (db) => {
    const write = async (name: string, select: string): Promise<string> => {
      const file = join(folder, `${name}.parquet`);
      await db.run(`COPY (${select}) TO '${file}' (FORMAT parquet)`);
      return file;
    };
    const features = Array.from({ length: 30 }, (_, at) => `f${at}`);
    /** Rows with f3 and f29 as told, a null, and ones. */
    const sparkRows = (f3: string, f29: string, status = 'present'): string => {
      const values = features.map((name) => {
        const value = name === 'f3' ? f3 : name === 'f29' ? f29 : name === 'f7' ? 'NULL' : '1';
        const why = name === 'f7' ? 'truncated' : name === 'f29' ? status : 'present';
        return `CAST(${value} AS DOUBLE) AS ${name}, '${why}' AS ${name}__status`;
      });
      return `SELECT 'E' || i AS end_to_end_id, 'PAYER' AS side, ${values.join(', ')} FROM range(3) t(i) ORDER BY i DESC`;
    };
    const statuses = features.map((name) => (name === 'f7' ? '03' : '00')).join('');
    const own = await write(
      'own',
      `SELECT * EXCLUDE (i), unhex('${statuses}') AS feature_status FROM (SELECT i, 'E' || i AS end_to_end_id, 'PAYER' AS side, ${features
        .map((name) => `CAST(${name === 'f7' ? 'NULL' : name === 'f3' ? '0.1' : 1} AS DOUBLE) AS ${name}`)
        .join(', ')} FROM range(3) t(i) ORDER BY i)`,
    );
    const compare = async (select: string): Promise<unknown> =>
      (await equalFiles(db, features, own, await write('spark', select))).differing;
    expect(await equalFiles(db, features, own, await write('spark', sparkRows('0.1', '1')))).toEqual({
      rows: 3,
      values: 90,
      differing: {},
    });
    // The next double, the other zero, no value, another status.
    expect(await compare(sparkRows('0.1 + 1.4e-17', '1'))).toEqual({ f3: 3 });
    expect(await compare(sparkRows('0.1', 'CASE i WHEN 1 THEN NULL ELSE 1 END'))).toEqual({ f29: 1 });
    expect(await compare(sparkRows('0.1', '1', 'not_found'))).toEqual({ f29: 3 });
    expect(await compare(sparkRows('0.1', '1', 'of no name'))).toEqual({ f29: 3 });
    await expect(compare(`${sparkRows('0.1', '1')} LIMIT 2`)).rejects.toThrow('Spark 2');
    const other = sparkRows('0.1', '1').replace("'E' || i", "'F' || i");
    await expect(compare(other)).rejects.toThrow('0 rows in common');
    const zeros = await write('zeros', `SELECT * REPLACE (CAST(0 AS DOUBLE) AS f3) FROM '${own}'`);
    const minus = await write('minus', sparkRows("CAST('-0.0' AS DOUBLE)", '1'));
    expect((await equalFiles(db, features, zeros, minus)).differing).toEqual({ f3: 3 });
  });
  rmSync(folder, { recursive: true, force: true });
});
