import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tableFromIPC } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERRORS } from '../../src/base/errors.ts';
import { LIMITS } from '../../src/base/limits.ts';
import { shippedSet } from '../../src/cli/shipped-set.ts';
import { parseModelCard } from '../../src/scoring/model-card.ts';
import type { ExportManifest } from '../../src/training-export/manifest.ts';
import { examplePayment } from '../payment-example.ts';
import { PYTHON, runPython } from '../python.ts';
import { readTable, runProgram, sentinela } from '../running-program.ts';
import { newDataDir, PROGRAM, type RunningServer, startServer } from '../running-server.ts';

const CLIENT = fileURLToPath(new URL('../../clients/python', import.meta.url));
const set = shippedSet();

/** Runs the script with the client's own sources in the way of Python's imports. */
function runClient(request: unknown): Record<string, unknown> {
  process.env.PYTHONPATH = join(CLIENT, 'src');
  process.env.PYTHONDONTWRITEBYTECODE = '1';
  return runPython('integration/python-client.py', request) as Record<string, unknown>;
}

describe.skipIf(PYTHON === undefined)('the Python client', () => {
  let server: RunningServer | undefined;
  const dataDir = newDataDir();
  beforeAll(async () => {
    const file = join(dataDir, 'payments.ndjson');
    sentinela('simulate', '--count', '3000', '--seed', '5', '--fraud-rate', '0.02', '--out', file, '--json');
    sentinela('import', file, '--labels', `${file}.labels.ndjson`, '--data-dir', dataDir, '--json');
    server = await startServer({ dataDir });
  });
  afterAll(async () => {
    await server?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('lists, reads, scores and labels, and tells every error as one class', () => {
    const payment = examplePayment({ acceptedAt: new Date(Date.now() - 60_000).toISOString() });
    const payer = '12345678|1|123456';
    const answer = runClient({ what: 'online', url: server?.url, payment, payer });
    expect(answer).toMatchObject({
      sets: [`${set.name}@${set.version}`],
      names: set.names,
      meaning: 'Payments of the payer’s account in the 24h before this one',
      decision: { endToEndId: payment.endToEndId, side: 'PAYER' },
      again: true,
      stored: true,
      batch: [['decision', 'replayed'], ['problem']],
      // Replaced, and then taken back: nobody ever saw its payer.
      corrected: [
        true,
        [{ payer_count_24h: 1, payer_max_24h: 700, amount: null }],
        true,
        ['not_found', 'not_found', 'null'],
        false,
      ],
      // The payment is of its payer's history, and not of its own.
      dicts: [
        { payer_count_24h: 1, payer_max_24h: 15_000, amount: null },
        { payer_count_24h: 0, payer_max_24h: null, amount: 15_000 },
      ],
      statuses: [
        ['present', 'present', 'null'],
        ['not_found', 'not_found', 'present'],
      ],
      frame: [
        [2, 3],
        ['float64', 'float64', 'float64'],
      ],
      many: [250, [[1]]],
    });
    // By its number among all rows, which is not its number in the request that it was sent in.
    expect(answer.far).toMatchObject([
      { message: expect.stringMatching(/^rows\[207\]\.payer must be a key/), context: { field: 'rows[207]' } },
      { message: expect.stringMatching(/^rows\[207\]\.payer must be a text/), context: { field: 'rows[207]' } },
      { message: expect.stringMatching(/^rows\[207\] has a payment/), context: { field: 'rows[207]' } },
      {
        message: expect.stringMatching(/^the payment of rows\[207\]: amount/),
        context: { field: 'amount', row: 'rows[207]' },
      },
      { message: expect.stringMatching(/^the payment of rows\[207\] was accepted/), context: { field: 'rows[207]' } },
    ]);
    expect(answer.errors).toMatchObject([
      {
        code: 'feature_not_found',
        message: 'pix-core has no feature payer_cuont_24h, did you mean payer_count_24h?',
        status: 404,
        retryable: false,
      },
      { code: 'invalid_payment', status: 400 },
      { code: 'key_reused', status: 409 },
      { code: 'not_found', status: 404 },
      { code: 'feature_not_found', status: null },
      { code: 'unreachable', status: null, retryable: true },
    ]);
  });

  it('opens a connection again that was closed while it was idle, and says what is no answer of ours', () => {
    expect(runClient({ what: 'connections' })).toMatchObject({
      sets: [[], [], []],
      errors: [
        { code: 'unexpected_answer', status: 502 },
        { code: 'unexpected_answer', status: 500 },
        { code: 'unreachable', retryable: true },
        { code: 'unexpected_answer', status: 200, message: expect.stringContaining('broken JSON') },
        { code: 'unexpected_answer', status: 200, message: expect.stringContaining('broken JSON') },
      ],
      urls: [{ code: 'usage' }, { code: 'usage' }, { code: 'usage' }, { code: 'usage' }, { code: 'usage' }],
    });
  });

  it('takes what the program prints line by line, and its errors whole', () => {
    // Line separators that JSON leaves as they are, and that Python takes for ends of lines.
    const values = [{ name: 'a\u2028b\u2029c\u0085d' }, [1]];
    const lines = values.map((value) => `${JSON.stringify(value)}\n`).join('');
    const codes = Object.entries(ERRORS).filter(([, { retryable }]) => retryable);
    expect(runClient({ what: 'programs', lines })).toEqual({
      values,
      errors: [
        {
          code: 'commit_conflict',
          message: 'another writer won',
          status: null,
          retryable: true,
          context: { table: 'silver', version: 7, exit: 3 },
        },
        { code: 'usage', message: 'no', status: null, retryable: false, context: { exit: 2 } },
      ],
      retryable: codes.map(([code]) => code).sort(),
    });
  });

  it('makes an export, and reads it as Arrow, pandas and polars by its manifest', () => {
    const out = join(dataDir, 'training');
    const answer = runClient({
      what: 'exports',
      dataDir,
      out,
      command: [process.execPath, PROGRAM],
      labelsAsOf: '2026-08-29',
      cut: '2026-04-15',
      options: ['--horizon', '8d', '--split', 'time:2026-05-20,2026-06-05'],
    });
    const manifest = JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')) as ExportManifest;
    const counts = manifest.files[0]?.counts;
    expect(counts?.contested).toBeGreaterThan(0);
    const labelled = (counts?.fraud ?? 0) + (counts?.notFraud ?? 0);
    expect(answer).toMatchObject({
      splits: ['train', 'validation', 'test'],
      featureSet: `${set.name}@${set.version}`,
      columns: true,
      rows: counts?.rows,
      labels: [counts?.fraud, counts?.notFraud, labelled],
      types: ['float32'],
      polars: [true, labelled],
      meaning: 'Payments of the payer’s account in the 24h before this one',
      extended: [1, 2, true, true, true, manifest.rows - manifest.embargoRows],
      formats: { arrow: true, 'arrow-stream': true, csv: true, delta: true },
      verified: manifest.rows - manifest.embargoRows,
    });
    const early = JSON.parse(readFileSync(join(`${out}-early`, 'manifest.json'), 'utf8')) as ExportManifest;
    const [extension] = early.extensions;
    const card = parseModelCard(String(answer.card), 'card.json');
    // A model of an extended export is of all its parts.
    expect(card.training).toMatchObject({
      data: `${early.command} && ${extension?.command}`,
      payments: early.rows + (extension?.rows ?? 0),
      tables: extension?.tables,
    });
    expect(card.training.payments).toBe(manifest.rows);
    expect(String(answer.told)).toContain(`    ${early.command}\n    ${extension?.command}\n`);
    expect(answer.errors).toMatchObject([
      { code: 'not_found', message: 'the export has no split trian: there is train, validation, test' },
      { code: 'not_found' },
      { code: 'invalid_export' },
      { code: 'usage' },
      { code: 'unreachable' },
    ]);
  });

  it('reads over HTTP what an export of the same payments holds, value by value', () => {
    const out = join(dataDir, 'all');
    const flags = ['--from', 'silver.transactions', '--features', set.name, '--labels-as-of', '2026-08-29'];
    sentinela('export', 'create', ...flags, '--double', '--out', out, '--data-dir', dataDir, '--json');
    const clear = ['--double', '--personal', 'clear', '--out', `${out}-clear`, '--data-dir', dataDir];
    expect(runProgram(['export', 'create', ...flags, ...clear], { SENTINELA_PERSONAL_DATA: 'clear' }).status).toBe(0);
    const answer = runClient({ what: 'historical', url: server?.url, export: out, clear: `${out}-clear` });
    expect(answer).toMatchObject({
      rows: 3000,
      same: true,
      few: [['end_to_end_id', 'side', 'event_time', 'payer_count_24h', 'payer_count_24h__status'], []],
      meaning: 'Payments of the payer’s account in the 24h before this one',
      tables: ['silver/decisions', 'silver/epochs', 'silver/labels', 'silver/transactions'],
    });
    expect(answer.present).toBeGreaterThan(100_000);
    expect(answer.own).toEqual({
      columns: ['row', 'event_time', 'known_time', 'payer_count_24h', 'pair_count_ever', 'amount'],
      rows: true,
      equal: [true, true],
      amounts: true,
      reconstructed: true,
    });
    expect(answer.parts).toEqual({
      rows: [1, 2, 3, 4, 5],
      type: 'int64',
      meant: 'Number of the row, from 1',
      errors: [
        ['invalid_file', expect.stringMatching(/^rows: 1 of 2 rows are wrong.*\n {2}line 6: event_time /), null],
        ['not_found', expect.stringMatching(/^1 of 2 payments .*, the first in row 3: /), 3],
        ['invalid_request', expect.stringMatching(/^payments\.3\.endToEndId /), 'payments.3.endToEndId'],
      ],
    });
    expect(answer.errors).toMatchObject([
      { code: 'invalid_file', status: 400, message: expect.stringMatching(/^rows: 1 of 2 rows are wrong/) },
      { code: 'usage', status: 400, message: expect.stringContaining('rows: the file has no event time') },
      { code: 'not_found', status: 404, message: expect.stringContaining('1 of 3 payments are not in') },
      { code: 'invalid_request', status: 400, message: expect.stringContaining('payments.0.endToEndId') },
      { code: 'feature_not_found', status: 404 },
    ]);
  });

  it('gives the next historical read its turn when a reader goes away, and sends too many of them back', async () => {
    const rows = readTable(dataDir, 'silver/transactions', 'end_to_end_id,side');
    // Few rows: a read takes its time to find what was recorded, and eight of them come one after another.
    const payments = rows.slice(0, 200).map(({ end_to_end_id: endToEndId, side }) => ({ endToEndId, side }));
    const ask = (signal?: AbortSignal): Promise<Response> =>
      fetch(`${server?.url}/v1/features/historical`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ payments }),
        ...(signal === undefined ? {} : { signal }),
      });
    const gone = new AbortController();
    const cut = await ask(gone.signal);
    expect(cut.headers.get('content-type')).toBe('application/vnd.apache.arrow.stream');
    gone.abort();
    const answers = await Promise.all(Array.from({ length: LIMITS.historicalReads + 3 }, () => ask()));
    const sizes = await Promise.all(answers.map(async (answer) => (await answer.arrayBuffer()).byteLength));
    const whole = sizes.filter((_, at) => answers[at]?.status === 200);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 503]));
    expect(whole.length).toBeGreaterThanOrEqual(LIMITS.historicalReads - 1);
    expect(new Set(whole).size).toBe(1);
  });

  it('reads the same by the command as over HTTP, and names the bad lines of a file', () => {
    const rows = readTable(dataDir, 'silver/transactions', 'end_to_end_id,side').slice(0, 50);
    const lines = rows.map(({ end_to_end_id: id, side }) => `x,${id},${side}`);
    const csv = join(dataDir, 'rows.csv');
    writeFileSync(csv, ['note,end_to_end_id,side', ...lines].join('\n'));
    const read = (...args: string[]) =>
      runProgram(['features', 'read', '--payments', csv, '--data-dir', dataDir, ...args]);
    const features = `${set.name}:payer_count_24h,amount`;
    const text = read('--features', features, '--format', 'csv', '--statuses').stdout.split('\r\n');
    expect(text[0]).toBe('end_to_end_id,side,event_time,payer_count_24h,payer_count_24h__status,amount,amount__status');
    expect(text).toHaveLength(rows.length + 2);
    expect(text[1]).toMatch(
      new RegExp(`^${rows[0]?.end_to_end_id},${rows[0]?.side},2026-[^,]*Z,\\d+,\\w+,\\d+,present$`),
    );
    const arrow = runProgram(
      ['features', 'read', '--payments', csv, '--data-dir', dataDir, '--features', features],
      {},
      'latin1',
    );
    const table = tableFromIPC(Buffer.from(arrow.stdout, 'latin1'));
    expect([...table].map((row) => [row.end_to_end_id, row.amount])).toEqual(
      text.slice(1, -1).map((line) => [line.split(',')[0], Number(line.split(',')[5])]),
    );
    const wrong = read('--features', `${set.name}:payer_cuont_24h`);
    expect([wrong.status, wrong.stderr]).toEqual([4, expect.stringContaining('did you mean payer_count_24h?')]);
    writeFileSync(
      csv,
      ['end_to_end_id,side', `${rows[0]?.end_to_end_id},PAYER`, 'E1,PAYER', 'x', `${'E'.repeat(32)},X`].join('\n'),
    );
    const bad = read('--features', features);
    expect(bad.status).toBe(2);
    expect(bad.stderr).toContain(
      'line 3: end_to_end_id is not 32 letters and digits\n  line 4: has 1 fields, the header 2\n  line 5: side is none of PAYER, PAYEE',
    );
    expect(bad.stdout).toBe('');
    writeFileSync(csv, 'at,account\n2026-06-30T00:00:00Z,none||0\n');
    const own = [
      'features',
      'read',
      '--rows',
      csv,
      '--entity',
      'payer_account=account',
      '--time',
      'at',
      '--data-dir',
      dataDir,
    ];
    const rowsOfOwn = runProgram([...own, '--features', features, '--format', 'ndjson']).stdout;
    expect(JSON.parse(rowsOfOwn)).toMatchObject({ row: 1, payer_count_24h: 0, amount: null });
    const neither = runProgram(['features', 'read', '--features', features, '--data-dir', dataDir]);
    expect([neither.status, neither.stderr]).toEqual([2, expect.stringContaining('either --payments')]);
  });

  it('goes the whole way in its example: export, train, register, score', () => {
    const example = spawnSync(
      PYTHON ?? '',
      [
        join(CLIENT, 'examples/train_and_score.py'),
        ...['--work', join(dataDir, 'example'), '--count', '4000', '--command', `${process.execPath} ${PROGRAM}`],
      ],
      { encoding: 'utf8', env: { ...process.env, PYTHONPATH: join(CLIENT, 'src'), PYTHONDONTWRITEBYTECODE: '1' } },
    );
    expect(example.stderr).not.toContain('Traceback');
    expect(example.status).toBe(0);
    expect(example.stdout).toMatch(/average precision 0\.[2-9]/);
    expect(example.stdout).toContain('"model": "example"');
  });

  it('is typed, strictly', () => {
    const mypy = spawnSync(PYTHON ?? '', ['-m', 'mypy', '--no-incremental', '--cache-dir=/dev/null'], {
      cwd: CLIENT,
      encoding: 'utf8',
    });
    expect(mypy.stdout).toContain('Success: no issues found');
  });

  it('installs with pip from the folder alone', () => {
    const target = mkdtempSync(join(tmpdir(), 'sentinela-client-'));
    const pip = spawnSync(
      PYTHON ?? '',
      ['-m', 'pip', 'install', '--quiet', '--no-index', '--no-compile', '--target', target, CLIENT],
      { encoding: 'utf8' },
    );
    expect(pip.stderr.replaceAll(/^\[notice\].*$|^WARNING: .*root.*$/gm, '').trim()).toBe('');
    expect(pip.status).toBe(0);
    expect(existsSync(join(target, 'sentinela/py.typed'))).toBe(true);
    rmSync(target, { recursive: true, force: true });
  });
});
