import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { type DuckDb, openDuckDb } from '../../../../src/storage/parquet/duckdb.ts';
import type { JoinRequest, JoinSource, ValueView } from '../../../../src/training-export/join/join-request.ts';
import { joinSource } from '../../../../src/training-export/join/join-source.ts';
import { joinValues } from '../../../../src/training-export/join/join-values.ts';

const folder = mkdtempSync(join(tmpdir(), 'sentinela-join-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function withDuckDb<T>(use: (db: DuckDb) => Promise<T>): Promise<T> {
  const db = await openDuckDb({ memoryLimitMb: 512, threads: 2, temporaryFolder: folder });
  try {
    return await use(db);
  } finally {
    db.close();
  }
}

const noDelta = (path: string): never => {
  throw new Error(`${path} is no table`);
};

/** Writes a CSV and opens it. @param texts as `joinSource` takes them: `all` for rows. */
async function csv(db: DuckDb, name: string, lines: readonly string[], texts: readonly string[] | 'all') {
  const path = join(folder, name);
  writeFileSync(path, `${lines.join('\n')}\n`);
  return { ...(await joinSource(db, path, texts, noDelta)), name };
}

const TEXTS = ['payer', 'payee', 'event_time', 'known_time'];

const viewOf = (source: JoinSource, more: Partial<ValueView> = {}): ValueView => ({
  ...source,
  keys: ['payer'],
  wanted: null,
  time: 'event_time',
  knownTime: null,
  ttlMicros: null,
  ...more,
});

/** The lines of the joined CSV. */
async function joined(db: DuckDb, request: Omit<JoinRequest, 'withTimes'>, withTimes = false) {
  const path = join(folder, 'joined.csv');
  const found = await joinValues(db, { ...request, withTimes }, { path, format: 'csv' });
  return { found, lines: readFileSync(path, 'utf8').trimEnd().split('\n') };
}

const at = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();

interface Taken {
  readonly key: string | null;
  readonly time: number;
  readonly known: number;
}

/** The naive twin: every value is looked at. */
function twin(row: Taken, values: readonly (Taken & { value: number })[], ttl: number | null): number | null {
  let best: (typeof values)[number] | undefined;
  for (const value of values) {
    if (value.key !== row.key || value.time > row.time || value.known > row.known) continue;
    const isLater =
      best === undefined || value.time > best.time || (value.time === best.time && value.known > best.known);
    if (isLater) best = value;
  }
  if (best === undefined || row.key === null) return null;
  return ttl !== null && row.time - best.time > ttl ? null : best.value;
}

const key = fc.constantFrom('a', 'b', 'c', null);
const minute = fc.integer({ min: 0, max: 30 });
const rowOf = fc.record({ key, time: minute, known: minute });
const drawnValue = fc.record({
  key: fc.constantFrom('a', 'b', 'c', 'd'),
  time: minute,
  delay: fc.integer({ min: -3, max: 12 }),
});

describe('values that are joined', () => {
  it('are those of a loop over every value, in both times', async () => {
    await withDuckDb((db) =>
      fc.assert(
        fc.asyncProperty(
          fc.array(rowOf, { minLength: 1, maxLength: 40 }),
          fc.uniqueArray(drawnValue, {
            maxLength: 60,
            selector: (value) => `${value.key} ${value.time} ${value.delay}`,
          }),
          fc.option(fc.integer({ min: 1, max: 10 })),
          fc.boolean(),
          async (rows, drawn, ttl, isOrdered) => {
            const values = drawn.map((value, place) => ({
              ...value,
              known: value.time + (isOrdered ? 2 : value.delay),
              value: place,
            }));
            const unique = [
              ...new Map(values.map((value) => [`${value.key} ${value.time} ${value.known}`, value])).values(),
            ];
            for (const table of ['joined_rows', 'values_0', 'values_0_unordered', 'picks_of_values_0', 'joined']) {
              await db.run(`DROP TABLE IF EXISTS ${table}`);
            }
            const rowLines = rows.map((row) => `${row.key ?? ''},${at(row.time)},${at(row.known)}`);
            const valueLines = unique.map(
              (value) => `${value.key},${at(value.time)},${at(value.known)},${value.value}`,
            );
            const rowFile = await csv(db, 'rows.csv', ['payer,event_time,seen', ...rowLines], 'all');
            const valueFile = await csv(db, 'values.csv', ['payer,event_time,known_time,score', ...valueLines], TEXTS);
            const { lines } = await joined(db, {
              rows: { ...rowFile, time: 'event_time', knownTime: 'seen' },
              views: [
                viewOf(valueFile, { knownTime: 'known_time', ttlMicros: ttl === null ? null : ttl * 60_000_000 }),
              ],
            });
            const wanted = rows.map((row, place) => `${rowLines[place]},${twin(row, unique, ttl) ?? ''}`);
            expect(lines).toEqual(['payer,event_time,seen,score', ...wanted]);
          },
        ),
        { numRuns: 60, verbose: true },
      ),
    );
  });

  it('need no known time: then a value was known when it happened', async () => {
    await withDuckDb(async (db) => {
      const rows = await csv(
        db,
        'plain.csv',
        ['payer,payee,event_time', `a,x,${at(3)}`, `a,y,${at(9)}`, `b,x,${at(1)}`],
        'all',
      );
      const payers = await csv(
        db,
        'payers.csv',
        ['payer,event_time,score', `a,${at(1)},1`, `a,${at(3)},2`, `a,${at(10)},3`],
        TEXTS,
      );
      const pairs = await csv(
        db,
        'pairs.csv',
        ['payer,payee,event_time,seen', `a,y,${at(2)},7`, `b,x,${at(2)},8`],
        TEXTS,
      );
      const { found, lines } = await joined(
        db,
        {
          rows: { ...rows, time: 'event_time', knownTime: null },
          views: [viewOf(payers), viewOf(pairs, { keys: ['payer', 'payee'], ttlMicros: 60_000_000 })],
        },
        true,
      );
      expect(lines.map((line) => line.replaceAll('2026-01-01 00:', ''))).toEqual([
        'payer,payee,event_time,score,payer_value_time,seen,payer_payee_value_time',
        `a,x,${at(3)},2,03:00+00,,`,
        `a,y,${at(9)},2,03:00+00,,`,
        `b,x,${at(1)},,,,`,
      ]);
      expect(found).toEqual({
        rows: 3,
        columns: ['payer', 'payee', 'event_time', 'score', 'payer_value_time', 'seen', 'payer_payee_value_time'],
        views: [
          { name: 'payers.csv', values: 3, found: 2, expired: 0, missing: 1, unordered: 0 },
          { name: 'pairs.csv', values: 2, found: 0, expired: 1, missing: 2, unordered: 0 },
        ],
      });
    });
  });

  it('find ids with zeros in front, and ids that the other file has as numbers', async () => {
    await withDuckDb(async (db) => {
      const rows = await csv(db, 'zeros.csv', ['payer,event_time', `007,${at(3)}`, `12,${at(3)}`], 'all');
      const path = join(folder, 'numbers.parquet');
      await db.run(
        `COPY (SELECT 12::BIGINT AS payer, TIMESTAMP '2026-01-01 00:02:00' AS event_time, 0.5 AS score
               UNION ALL SELECT 7, TIMESTAMP '2026-01-01 00:02:00', 0.1) TO '${path}' (FORMAT parquet)`,
      );
      const values = { ...(await joinSource(db, path, TEXTS, noDelta)), name: 'numbers.parquet' };
      const { lines } = await joined(db, {
        rows: { ...rows, time: 'event_time', knownTime: null },
        views: [viewOf(values)],
      });
      expect(lines).toEqual(['payer,event_time,score', `007,${at(3)},`, `12,${at(3)},0.5`]);
    });
  });

  it.each(['csv', 'parquet'])(
    'are those of the %s file, whatever columns folders of its path seem to name',
    async (ending) => {
      await withDuckDb(async (db) => {
        mkdirSync(join(folder, 'payer=b/more=1'), { recursive: true });
        const name = `payer=b/more=1/scores.${ending}`;
        const [rowsPath, path] = ['rows', 'values'].map((what) => join(folder, `payer=b/more=1/${what}.${ending}`));
        const line = `SELECT 'a' AS payer, TIMESTAMPTZ '${at(1)}' AS event_time`;
        await db.run(`COPY (${line}) TO '${rowsPath}' (FORMAT ${ending})`);
        await db.run(`COPY (${line}, 1 AS score) TO '${path}' (FORMAT ${ending})`);
        const rows = await joinSource(db, rowsPath ?? '', 'all', noDelta);
        const values = { ...(await joinSource(db, path ?? '', TEXTS, noDelta)), name };
        expect(rows.columns.map((column) => column.name)).toEqual(['payer', 'event_time']);
        const request = { rows: { ...rows, time: 'event_time', knownTime: null }, views: [viewOf(values)] };
        const { lines } = await joined(db, request);
        expect(lines).toEqual(['payer,event_time,score', expect.stringMatching(/^a,.*,1$/)]);
      });
    },
  );

  it.each([
    ['BIGINT', 'DOUBLE'],
    ['DOUBLE', 'BIGINT'],
    ['INTEGER', 'FLOAT'],
    ['UBIGINT', 'DOUBLE'],
    ['DECIMAL(18,2)', 'BIGINT'],
    ['DOUBLE', 'DECIMAL(18,2)'],
    ['DECIMAL(18,2)', 'DECIMAL(9,3)'],
    ['INTEGER', 'BIGINT'],
    ['FLOAT', 'DOUBLE'],
    ['VARCHAR', 'BIGINT'],
  ])('find ids that are %s in the rows and %s in the values', async (ofRows, ofValues) => {
    await withDuckDb(async (db) => {
      const paths = ['ids-of-rows', 'ids-of-values'].map((name) => join(folder, `${name}.parquet`));
      const instant = `TIMESTAMPTZ '${at(1)}' AS event_time`;
      const ids = (type: string): string => `SELECT unnest([1, 2, NULL])::${type} AS payer, ${instant}`;
      await db.run(`COPY (${ids(ofRows)}) TO '${paths[0]}' (FORMAT parquet)`);
      const half = /FLOAT|DOUBLE|DECIMAL/.test(ofValues) ? ` UNION ALL SELECT 2.5, ${instant}, 9` : '';
      await db.run(
        `COPY (SELECT *, payer::INTEGER AS score FROM (${ids(ofValues)})${half}) TO '${paths[1]}' (FORMAT parquet)`,
      );
      const rows = await joinSource(db, paths[0] ?? '', 'all', noDelta);
      const values = await joinSource(db, paths[1] ?? '', TEXTS, noDelta);
      const request = { rows: { ...rows, time: 'event_time', knownTime: null }, views: [viewOf(values)] };
      const { lines } = await joined(db, request);
      expect(lines.slice(1).map((line) => line.split(',').at(-1))).toEqual(['1', '2', '']);
    });
  });

  it.each([
    ['BOOLEAN', 'BIGINT'],
    ['DATE', 'TIMESTAMP'],
    ['TIMESTAMP', 'TIMESTAMP WITH TIME ZONE'],
    ['DOUBLE', 'BOOLEAN'],
  ])('of a key that is %s, and %s in the rows, are refused: they would be of nobody', async (ofValues, ofRows) => {
    await withDuckDb(async (db) => {
      const path = (name: string): string => join(folder, `${name}.parquet`);
      const line = (type: string): string => `SELECT NULL::${type} AS payer, TIMESTAMPTZ '${at(1)}' AS event_time`;
      await db.run(`COPY (${line(ofRows)}) TO '${path('rows')}' (FORMAT parquet)`);
      await db.run(`COPY (${line(ofValues)}, 1 AS score) TO '${path('values')}' (FORMAT parquet)`);
      const rows = { ...(await joinSource(db, path('rows'), 'all', noDelta)), name: 'rows.parquet' };
      const values = { ...(await joinSource(db, path('values'), TEXTS, noDelta)), name: 'values.parquet' };
      const refused = joined(db, { rows: { ...rows, time: 'event_time', knownTime: null }, views: [viewOf(values)] });
      await expect(refused).rejects.toMatchObject({ code: 'usage' });
      await expect(refused).rejects.toThrow(
        `values.parquet: the key payer is ${ofValues}, and in rows.parquet ${ofRows}: no value of one is one of the other`,
      );
    });
  });

  it('leave every cell of a CSV of rows as it is written, whatever it looks like', async () => {
    await withDuckDb(async (db) => {
      const header = 'payer,event_time,barcode,id,flag,amount,instant,empty,note';
      const cells = [
        `a,${at(3)},23793381286000000000000000000000000000000001,12345678901234567890,T,1e5,2026-07-01T09:00:00-03:00,"",`,
        `a,${at(3)},23793381286000000000000000000000000000000002,12345678901234567891,yes,0.50,2026-07-01 12:00:00.0Z,,"x,""y"""`,
      ];
      const rows = await csv(db, 'barcodes.csv', [header, ...cells], 'all');
      const values = await csv(db, 'scores.csv', ['payer,event_time,score', `a,${at(1)},1`], TEXTS);
      const request = { rows: { ...rows, time: 'event_time', knownTime: null }, views: [viewOf(values)] };
      const { lines } = await joined(db, request);
      expect(lines).toEqual([`${header},score`, ...cells.map((line) => `${line},1`)]);
    });
  });

  it('of a CSV are numbers and booleans, and texts where a type would change what they say', async () => {
    await withDuckDb(async (db) => {
      const columns = {
        score: ['0.50', '1e5', ''],
        count: ['-3', '""', '12'],
        flag: ['True', 'false', ''],
        barcode: ['23793381286000000000000000000000000000000001', '1', '23793381286000000000000000000000000000000002'],
        id: ['12345678901234567890', '1', '2'],
        code: ['007', '7', '07'],
        phone: ['+5511999999999', '', '1'],
        answer: ['yes', 'no', 'T'],
        day: ['2026-07-01', '2026-07-02', ''],
        instant: ['2026-07-01T09:00:00-03:00', '', '2026-07-01T12:00:00Z'],
        empty: ['""', '', 'x'],
      };
      const names = Object.keys(columns) as (keyof typeof columns)[];
      const cellsOf = (row: number): string => names.map((name) => columns[name][row]).join(',');
      const lines = [0, 1, 2].map((row) => `${'abc'[row]},${at(1)},${cellsOf(row)}`);
      const values = await csv(db, 'typed.csv', [`payer,event_time,${names.join(',')}`, ...lines], TEXTS);
      const types = Object.fromEntries(values.columns.map(({ name, type }) => [name, type]));
      const texts = Object.fromEntries(
        ['payer', 'event_time', 'barcode', 'id', 'code', 'phone', 'answer', 'instant', 'empty'].map((name) => [
          name,
          'VARCHAR',
        ]),
      );
      expect(types).toEqual({ ...texts, score: 'DOUBLE', count: 'BIGINT', flag: 'BOOLEAN', day: 'DATE' });
      const found = await db.rows(`SELECT ${names.join(', ')} FROM ${values.sql}`);
      expect(found.map(({ score, count, flag }) => [score, count, flag])).toEqual([
        [0.5, -3n, true],
        [100_000, null, false],
        [null, 12n, null],
      ]);
      expect(found.map(({ barcode, phone, empty }) => [barcode, phone, empty])).toEqual([
        [columns.barcode[0], '+5511999999999', ''],
        ['1', null, null],
        [columns.barcode[2], '1', 'x'],
      ]);
    });
  });

  it.each([['id,payer,event_time,id'], ['id,payer,event_time,ID']])(
    'and rows are refused where two columns have one name: %s',
    async (header) => {
      await withDuckDb(async (db) => {
        for (const texts of ['all', TEXTS] as const) {
          const opened = csv(db, 'twins.csv', [header, `1,a,${at(3)},2`], texts);
          await expect(opened).rejects.toMatchObject({
            code: 'invalid_file',
            message: expect.stringContaining('twins.csv has two columns, in whatever case, of one name: id'),
          });
        }
      });
    },
  );

  it('of a key that is missing are joined to none, also where every cell is in quotes', async () => {
    await withDuckDb(async (db) => {
      const rows = await csv(db, 'quoted.csv', ['"payer","event_time"', `"","${at(3)}"`, `"a","${at(3)}"`], 'all');
      const lines = [`"","${at(1)}","1"`, `"","${at(1)}","2"`, `"a","${at(1)}","3"`];
      const values = await csv(db, 'missing.csv', ['"payer","event_time","score"', ...lines], TEXTS);
      const request = { rows: { ...rows, time: 'event_time', knownTime: null }, views: [viewOf(values)] };
      const { lines: found } = await joined(db, request);
      expect(found.slice(1)).toEqual([`"",${at(3)},`, `a,${at(3)},3`]);
    });
  });

  it.each([
    ["TIMESTAMPTZ '2026-01-01 00:02:00+00'"],
    ["TIMESTAMPTZ '2025-12-31 21:02:00-03'"],
    ["TIMESTAMP '2026-01-01 00:02:00'"],
    ["TIMESTAMP_NS '2026-01-01 00:02:00.000000999'"],
    ["TIMESTAMP_MS '2026-01-01 00:02:00'"],
    ["TIMESTAMP_S '2026-01-01 00:02:00'"],
  ])('happened when %s says, to the microsecond', async (instant) => {
    await withDuckDb(async (db) => {
      const path = join(folder, 'instants.parquet');
      await db.run(`COPY (SELECT 'a' AS payer, ${instant} AS event_time, 0.5 AS score) TO '${path}' (FORMAT parquet)`);
      const values = { ...(await joinSource(db, path, TEXTS, noDelta)), name: 'instants.parquet' };
      const lines = ['2026-01-01T00:01:59.999999Z', '2026-01-01T00:02:00.000000Z'].map((time) => `a,${time}`);
      const rows = await csv(db, 'close.csv', ['payer,event_time', ...lines], 'all');
      const found = await joined(db, {
        rows: { ...rows, time: 'event_time', knownTime: null },
        views: [viewOf(values)],
      });
      expect(found.lines.slice(1)).toEqual([`${lines[0]},`, `${lines[1]},0.5`]);
    });
  });

  const good = [`a,${at(1)},${at(1)},1`];
  it.each([
    [
      'without an instant',
      [...good, `a,,${at(1)},2`],
      {},
      /values\.csv: 1 rows have no instant in event_time, the first is row 2/,
    ],
    ['with a text for an instant', [`a,yesterday,${at(1)},2`], {}, /have no instant in event_time/],
    [
      'twice at one instant',
      [...good, `b,${at(1)},${at(2)},2`, `a,${at(1)},${at(2)},2`],
      {},
      /2 rows have a twin of the same payer and event_time/,
    ],
    [
      'twice in both times',
      [...good, ...good],
      { knownTime: 'known_time' },
      /a twin of the same payer and event_time and known_time.*row 1/,
    ],
    [
      'of a column that is not there',
      good,
      { wanted: ['scroe'] },
      /values\.csv has no column scroe, did you mean score\?/,
    ],
    ['of a key that is not there', good, { keys: ['payeer'] }, /has no column payeer, did you mean payer\?/],
    [
      'called as a column of the rows',
      good,
      { wanted: ['event_time'] },
      /values\.csv and the rows both have a column event_time/,
    ],
    ['at a number', good, { time: 'score' }, /the column score is BIGINT, which is no instant/],
  ])('are refused %s, and nothing is written', async (_, lines, more, message) => {
    await withDuckDb(async (db) => {
      rmSync(join(folder, 'joined.csv'), { force: true });
      const rows = await csv(db, 'rows.csv', ['payer,event_time', `a,${at(3)}`], 'all');
      const values = await csv(db, 'values.csv', ['payer,event_time,known_time,score', ...lines], TEXTS);
      const request = { rows: { ...rows, time: 'event_time', knownTime: null }, views: [viewOf(values, more)] };
      await expect(joined(db, request)).rejects.toThrow(message);
      expect(existsSync(join(folder, 'joined.csv'))).toBe(false);
    });
  });
});
