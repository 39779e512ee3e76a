import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LIMITS } from '../../../src/base/limits.ts';
import { importFile } from '../../../src/pipeline/import-file.ts';
import { boundedLines } from '../../../src/pipeline/import-lines.ts';
import { ensureLake, type LakeTableName } from '../../../src/pipeline/lake.ts';
import { simulationOptions } from '../../../src/simulator/options.ts';
import { writeSimulation } from '../../../src/simulator/write-simulation.ts';
import { examplePayment } from '../../payment-example.ts';
import { storeThatDies } from './failing-store.ts';
import { type ExampleLake, exampleLake, idOf, T0 } from './lake-example.ts';

const folder = mkdtempSync(join(tmpdir(), 'import-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, content: string | Buffer): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

const paymentsPath = join(folder, 'sim.ndjson');
const labelsPath = `${paymentsPath}.labels.ndjson`;
const simulated = writeSimulation(
  simulationOptions({
    count: 400,
    seed: 3,
    days: 10,
    fraudRate: 0.05,
    duplicateRate: 0.05,
    malformedRate: 0.05,
    lateRate: 0.05,
  }),
  { paymentsPath, labelsPath },
);

/** Bodies of `/v1/score` and of `/v1/corrections`, some seconds after the lake's first instant. */
const paid = (n: number) => examplePayment({ endToEndId: idOf(n), acceptedAt: new Date(T0 / 1000).toISOString() });
const corrected = (n: number, seconds: number, changes?: Record<string, unknown>) => ({
  endToEndId: idOf(n),
  correctedAt: new Date(T0 / 1000 + seconds * 1000).toISOString(),
  ...(changes === undefined ? {} : { payment: { ...paid(n), ...changes } }),
});
const lines = (...bodies: readonly object[]): string => bodies.map((body) => JSON.stringify(body)).join('\n');

/** Corrects every tenth payment of a file, half of them by another payment's amount; every fifth line is wrong. */
function correctionsOf(path: string): string {
  const payments = readFileSync(path, 'utf8')
    .split('\n')
    .filter((_, at) => at % 10 === 0);
  const made = payments.flatMap((text, at) => {
    const payment = /^\{"endToEndId":"E\w{31}".*\}$/.test(text) ? JSON.parse(text) : undefined;
    if (payment?.acceptedAt === undefined) return [];
    const body = { endToEndId: payment.endToEndId, correctedAt: payment.acceptedAt };
    return [
      JSON.stringify(at % 2 === 0 ? body : { ...body, payment: { ...payment, amount: '1.00' } }),
      ...(at % 5 === 0 ? ['{'] : []),
    ];
  });
  return file('sim.corrections.ndjson', made.join('\n'));
}

const mapping = file(
  'map.yaml',
  `payment:
  endToEndId: id
  side: { constant: PAYER }
  amount: value
  acceptedAt: at
  payer.account.number: from
  payee.account.number: to
label: { column: fraud, values: { '1': AGREED, '0': null }, delay: 1h }
known_time: { delay: 30s }
`,
);
const csv = `id,value,at,from,to,fraud
2,20.5,2026-03-01T10:00:02Z,A,B,0
1,10,2026-03-01T10:00:01Z,A,B,1
3,-1,2026-03-01T10:00:03Z,A,B,0
4,0.0,2026-03-01T12:00:00Z,A,C,0
1,10,2026-03-01T10:00:01Z,A,B,1
2,99,2026-03-01T10:00:02Z,A,B,0
5,7
6,8,2026-03-01T12:00:01Z,A,B,?
`;

describe('an import', () => {
  let example: ExampleLake;
  beforeEach(async () => {
    example = await exampleLake();
  });
  afterEach(() => example.remove());

  it('brings what is right into silver and what is wrong into quarantine, with its line', async () => {
    const figures = await importFile({ file: file('a.csv.gz', gzipSync(csv)), mapping }, example.ports);
    expect(figures).toMatchObject({ records: 8, payments: 4, duplicates: 1, quarantined: 4, labels: 1, epoch: 1 });
    const silver = await example.rows('silver/transactions');
    // Numbers follow known time: the second line of the file is the first that was known.
    const byId = new Map(silver.map((row) => [row.source_id, row]));
    expect([1, 2, 4, 6].map((id) => Number(byId.get(String(id))?.payer_seq))).toEqual([1, 2, 3, 4]);
    expect(byId.get('2')).toMatchObject({
      amount_centavos: 2050n,
      known_assumed: false,
      is_event: true,
      payee_account: '||B',
    });
    expect(byId.get('4')).toMatchObject({ amount_is_zero: true, payer_document: null });
    const wrong = (await example.rows('quarantine/transactions')).map((row) => [
      Number(row.line),
      row.code,
      row.reason,
    ]);
    expect(wrong.sort()).toEqual([
      [4, 'invalid_payment', 'amount is negative'],
      [7, 'key_reused', 'another payment came before under this endToEndId and side'],
      [8, 'invalid_csv', 'the record has 2 fields, the header 6'],
    ]);
    expect(await example.rows('quarantine/labels')).toMatchObject([{ line: 9n, code: 'invalid_label' }]);
    expect(await example.rows('silver/labels')).toMatchObject([
      { state: 'AGREED', payee_account: '||B', payee_seq: 3n },
    ]);
  });

  it('takes bodies of /v1/score with a file of labels', async () => {
    const figures = await importFile({ file: paymentsPath, labels: labelsPath }, example.ports);
    expect(figures).toMatchObject({
      payments: simulated.payments - simulated.secondSides,
      secondSides: simulated.secondSides,
      duplicates: simulated.duplicates,
      quarantined: simulated.malformed,
      labels: simulated.labels,
    });
    expect(await example.rows('silver/transactions')).toHaveLength(simulated.payments);
    expect(await example.rows('silver/labels')).toHaveLength(simulated.labels);
    expect(await example.rows('quarantine/transactions')).toHaveLength(simulated.malformed);
  });

  it('does nothing the second time, and stands on what was there for another file', async () => {
    const first = await importFile({ file: paymentsPath }, example.ports);
    expect(await importFile({ file: paymentsPath }, example.ports)).toMatchObject({
      alreadyImported: true,
      journalId: first.journalId,
      payments: 0,
    });
    const again = await importFile({ file: file('more.ndjson', gzipSync('')), labels: labelsPath }, example.ports);
    expect(again).toMatchObject({ alreadyImported: false, epoch: 2, payments: 0, labels: simulated.labels });
    const both = await importFile({ file: paymentsPath, labels: labelsPath }, example.ports);
    expect(both).toMatchObject({
      epoch: 3,
      payments: 0,
      secondSides: 0,
      inLake: simulated.payments + simulated.duplicates,
    });
    expect(await example.rows('silver/transactions')).toHaveLength(simulated.payments);
    const epochs = await example.rows('silver/epochs');
    expect(JSON.parse(String(epochs.find((row) => row.epoch === 2n)?.offsets))).toHaveProperty(first.journalId);
  });

  it('brings corrections in by when they were made, and what is wrong of them into quarantine', async () => {
    const wrong = ['{', JSON.stringify({ endToEndId: idOf(1), correctedAt: 'now' })];
    const { ports } = example;
    const files = {
      file: file('two.ndjson', lines(paid(1), paid(2))),
      corrections: file(
        'c.ndjson',
        [wrong[0], lines(corrected(1, 3, { amount: '7.00' }), corrected(9, 3)), wrong[1], lines(corrected(1, 2))].join(
          '\n',
        ),
      ),
    };
    const figures = await importFile(files, ports);
    expect(figures).toMatchObject({
      payments: 2,
      corrections: 2,
      ignoredCorrections: 1,
      quarantined: 2,
      knownAssumed: 5,
    });
    const refused = (await example.rows('quarantine/corrections')).map(({ line, code, reason }) => [
      Number(line),
      code,
      reason,
    ]);
    expect(refused.sort()).toEqual([
      [1, 'invalid_json', 'the line is not JSON'],
      [4, 'invalid_correction', expect.stringMatching(/^correctedAt /)],
    ]);
    const told = (await example.rows('silver/corrections'))
      .sort((a, b) => Number(a.journal_position) - Number(b.journal_position))
      .map((row) => [row.effect, row.amount_centavos, row.payee_seq, Number(row.known_time) - T0]);
    // The last line was made before the first, and comes after it all the same.
    expect(told).toEqual([
      ['RETRACTED', 15000n, 3n, 3_000_000],
      ['REPLACED', 700n, 4n, 3_000_000],
      ['IGNORED', null, null, 3_000_000],
      ['RETRACTED', 700n, 5n, 3_000_000],
    ]);
    expect(await importFile(files, ports)).toMatchObject({ alreadyImported: true, corrections: 0 });
    expect(await example.rows('silver/corrections')).toHaveLength(4);
    // A file of corrections alone, of payments that the lake holds.
    const more = {
      file: file('empty.ndjson', ''),
      corrections: file('d.ndjson', lines(corrected(2, 0), corrected(1, 0))),
    };
    expect(await importFile(more, ports)).toMatchObject({ epoch: 2, corrections: 2, ignoredCorrections: 0 });
    expect((await example.rows('silver/corrections')).map(({ effect }) => effect).sort()).toEqual([
      'IGNORED',
      'IGNORED',
      'REPLACED',
      'RETRACTED',
      'RETRACTED',
      'RETRACTED',
    ]);
  });

  it('leaves the same lake behind, killed after any write and started again', async () => {
    const files = { file: paymentsPath, labels: labelsPath, corrections: correctionsOf(paymentsPath) };
    await importFile(files, example.ports);
    const tables: LakeTableName[] = [
      'silver/transactions',
      'silver/labels',
      'silver/corrections',
      'quarantine/transactions',
      'quarantine/corrections',
      'bronze/epochs',
    ];
    const content = async (of: ExampleLake): Promise<string> => {
      const texts = [];
      for (const table of tables) {
        for (const row of await of.rows(table)) {
          const known = table === 'bronze/epochs' ? { epoch: row.epoch, offsets: row.offsets } : { ...row, raw: null };
          texts.push(
            `${table} ${JSON.stringify(known, (_, value) => (typeof value === 'bigint' ? Number(value) : value))}`,
          );
        }
      }
      return texts.sort().join('\n');
    };
    const whole = await content(example);
    let finished = false;
    for (let writes = 1; !finished; writes += 3) {
      const other = await exampleLake();
      const dying = storeThatDies(other.lake.store, writes);
      const lake = await ensureLake(dying, { clock: other.clock }).catch(() => other.lake);
      await importFile(files, { ...other.ports, lake }).catch(() => undefined);
      finished = !dying.died;
      const revived = await ensureLake(other.lake.store, { clock: other.clock });
      await importFile(files, { ...other.ports, lake: revived });
      expect(await content(other), `killed after ${writes} writes`).toBe(whole);
      other.remove();
    }
  }, 300_000);

  it('says what it cannot take', async () => {
    const { ports } = example;
    await expect(importFile({ file: join(folder, 'none.ndjson') }, ports)).rejects.toMatchObject({
      code: 'invalid_file',
    });
    await expect(importFile({ file: file('b.csv', csv) }, ports)).rejects.toMatchObject({
      code: 'invalid_mapping',
      message: expect.stringContaining('--mapping'),
    });
    await expect(importFile({ file: paymentsPath, mapping: join(folder, 'none.yaml') }, ports)).rejects.toMatchObject({
      code: 'invalid_mapping',
    });
    expect(await example.rows('bronze/transactions')).toEqual([]);
  });

  it('takes nothing of a file of more lines than the limit', async () => {
    const line = gzipSync(Buffer.alloc(LIMITS.importLines, '\n'), { level: 1 });
    const within = file('lines.ndjson.gz', line);
    expect(await boundedLines(within)).toBe(LIMITS.importLines + 1);
    const over = file('over.ndjson.gz', Buffer.concat([line, gzipSync('\n')]));
    const { epoch } = await importFile({ file: file('none.csv', csv), mapping }, example.ports);
    for (const options of [
      { file: over },
      { file: paymentsPath, labels: over },
      { file: paymentsPath, corrections: over },
    ]) {
      await expect(importFile(options, example.ports)).rejects.toMatchObject({
        code: 'invalid_file',
        message: expect.stringMatching(/^over\.ndjson\.gz has more than 33554432 lines, the limit: cut it/),
      });
    }
    // Nor is there an epoch of it.
    expect(await importFile({ file: file('next.csv', `${csv}\n`), mapping }, example.ports)).toMatchObject({
      epoch: epoch + 1,
    });
  }, 60_000);
});
