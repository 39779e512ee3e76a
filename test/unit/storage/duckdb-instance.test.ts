import { describe, expect, it } from 'vitest';
import { closeIdleInstances, holdInstance } from '../../../src/storage/parquet/duckdb-instance.ts';

const SETTINGS = { threads: '1', memory_limit: '64MB' };

describe('a shared DuckDB', () => {
  it('waits for its next user, until somebody needs its memory', async () => {
    const first = await holdInstance(SETTINGS, true);
    first.release('sound');
    const second = await holdInstance(SETTINGS, true);
    expect(second.instance).toBe(first.instance);
    closeIdleInstances();
    // It is in use: nothing was closed.
    const connection = await second.instance.connect();
    expect((await connection.runAndReadAll('SELECT 42')).getRows()).toEqual([[42]]);
    connection.closeSync();
    second.release('sound');
    closeIdleInstances();
    closeIdleInstances();
    const third = await holdInstance(SETTINGS, true);
    expect(third.instance).not.toBe(first.instance);
    third.release('sound');
    closeIdleInstances();
  });
});
