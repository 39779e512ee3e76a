import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { PYTHON, runPython } from '../python.ts';
import { sentinela } from '../running-program.ts';
import { PROGRAM } from '../running-server.ts';

interface Told {
  readonly rows: number;
  readonly error: string | null;
  /** Children that are still there. */
  readonly left: number;
}

describe.skipIf(PYTHON === undefined)('a worker of Spark', () => {
  let told: Readonly<Record<string, Told>>;
  beforeAll(() => {
    process.env.PYTHONPATH = fileURLToPath(new URL('../../clients/python/src', import.meta.url));
    process.env.PYTHONDONTWRITEBYTECODE = '1';
    const [plan] = sentinela('features', 'spark-plan', 'pix-core', '--no-lake');
    told = runPython('integration/spark-worker.py', { plan, command: [process.execPath, PROGRAM] }) as typeof told;
  }, 120_000);

  it('answers every row, starts nothing for none, and leaves nothing behind', () => {
    expect(told.none).toEqual({ rows: 0, error: null, left: 0 });
    expect(told.whole).toEqual({ rows: 20_000, error: null, left: 0 });
    expect(told.early).toEqual({ rows: 500, error: null, left: 0 });
  });

  it('fails where the program is killed half-way', () => {
    expect(told.killed?.error).toMatch(
      /^RuntimeError: .* features spark-worker was ended by signal 9: it said nothing$/,
    );
    expect(told.killed).toMatchObject({ rows: expect.any(Number), left: 0 });
    expect(told.killed?.rows).toBeGreaterThan(0);
  });

  it('fails with what went wrong before it, and with what the program said', () => {
    expect(told.input).toMatchObject({ error: 'ValueError: the shuffle is gone', left: 0 });
    expect(told.protocol?.error).toMatch(/ended with 2: sentinela: the task is of protocol 0, .*\(invalid_file\)$/);
    expect(told.column?.error).toMatch(/ended with 2: sentinela: the column event_time of stdin is missing/);
    expect(told.missing?.error).toMatch(/^RuntimeError: \/nowhere\/sentinela cannot be run on this worker: /);
  });
});
