import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LocalPages } from '../../../../src/features/cold/local-pages.ts';

const NUMBERS = 4;
const page = (value: number): Float64Array => new Float64Array(NUMBERS).fill(value);

describe('pages in a file', () => {
  let folder: string;
  let path: string;
  const made = (): LocalPages => new LocalPages(path, NUMBERS, 0);
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sentinela-pages-'));
    path = join(folder, 'cold', 'payee.pages');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('are read as they were written, also those that have left the cache', () => {
    const pages = made();
    const written = Array.from({ length: 100 }, (_, at) => pages.write(page(at)));
    expect(new Set(written).size).toBe(100);
    for (const [at, number] of written.entries()) expect(pages.read(number)).toEqual(page(at));
    pages.close();
  });

  it('are written over once they are given back, but for those that a snapshot names', () => {
    const pages = made();
    const first = pages.write(page(1));
    const saved = pages.saved();
    pages.pin();
    pages.free(first);
    const second = pages.write(page(2));
    expect(second).not.toBe(first);
    pages.free(second);
    expect(pages.write(page(3))).toBe(second);
    pages.close();

    const again = made();
    expect(again.restore(saved)).toBeUndefined();
    expect(again.read(first)).toEqual(page(1));
    again.free(first);
    again.saved();
    again.pin();
    expect(again.write(page(4))).toBe(first);
    again.close();
  });

  it('of another state are refused, and the file is made anew', () => {
    const pages = made();
    pages.write(page(1));
    const saved = pages.saved();
    pages.close();
    const other = made();
    other.write(page(2));
    other.close();
    expect(made().restore(saved)).toBe('its pages are of another state');
    rmSync(path);
    expect(made().restore(saved)).toBe('its pages cannot be opened (ENOENT)');
  });

  it('that the disk does not take stay in memory, and are written later; until then no snapshot is', () => {
    // A file where the folder should be.
    writeFileSync(join(folder, 'cold'), '');
    const pages = made();
    const written = Array.from({ length: 40 }, (_, at) => pages.write(page(at)));
    for (const [at, number] of written.entries()) expect(pages.read(number)).toEqual(page(at));
    expect(() => pages.saved()).toThrow(/EEXIST|ENOTDIR/);
    rmSync(join(folder, 'cold'));
    pages.free(written[3] ?? -1);
    const saved = pages.saved();
    pages.close();
    const again = made();
    expect(again.restore(saved)).toBeUndefined();
    for (const [at, number] of written.entries()) if (at !== 3) expect(again.read(number)).toEqual(page(at));
    again.close();
  });

  it('that were damaged are an error, and no start takes the state from them any more', () => {
    const pages = made();
    const number = pages.write(page(7));
    const saved = pages.saved();
    pages.close();
    const bytes = readFileSync(path);
    bytes[bytes.length - 12] = (bytes[bytes.length - 12] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const again = made();
    expect(again.restore(saved)).toBeUndefined();
    expect(() => again.read(number)).toThrow(/page 0 of .* is damaged: start the server again/);
    again.close();
    expect(made().restore(saved)).toBe('its pages are of another state');
  });
});
