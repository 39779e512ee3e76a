import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { localObjectStore } from '../../../src/storage/store/local-object-store.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import { compareUtf8, type ObjectStore } from '../../../src/storage/store/object-store.ts';

const root = mkdtempSync(join(tmpdir(), 'sentinela-store-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const fresh = (): string => mkdtempSync(join(root, 'store-'));
const STORES: readonly [string, () => ObjectStore][] = [
  ['local', () => localObjectStore(fresh())],
  ['memory', memoryObjectStore],
];

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const keysFrom = async (store: ObjectStore, prefix: string, startAfter?: string): Promise<string[]> => {
  const keys: string[] = [];
  for await (const { key } of store.listFrom(prefix, startAfter)) keys.push(key);
  return keys;
};

describe.each(STORES)('the %s object store', (_, make) => {
  it('gives back what was put, whole or a range of it', async () => {
    const store = make();
    await store.put('a/b c/é%20.bin', bytes('0123456789'));
    expect(Buffer.from((await store.get('a/b c/é%20.bin')) ?? []).toString()).toBe('0123456789');
    expect(Buffer.from((await store.get('a/b c/é%20.bin', { start: 2, end: 5 })) ?? []).toString()).toBe('234');
    expect(Buffer.from((await store.get('a/b c/é%20.bin', { start: 8 })) ?? []).toString()).toBe('89');
    expect(await store.get('a/b c')).toBeUndefined();
    expect(await store.get('a/none')).toBeUndefined();
  });

  it('writes over with put, never with putIfAbsent', async () => {
    const store = make();
    expect(await store.putIfAbsent('k', bytes('1'))).toBe('created');
    expect(await store.putIfAbsent('k', bytes('2'))).toBe('exists');
    expect(Buffer.from((await store.get('k')) ?? []).toString()).toBe('1');
    await store.put('k', bytes('3'));
    expect(Buffer.from((await store.get('k')) ?? []).toString()).toBe('3');
  });

  it('lets one of many writers of a key win', async () => {
    const store = make();
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, n) => store.putIfAbsent('x/y', bytes(`${n}`))));
    expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1);
    const winner = outcomes.indexOf('created');
    expect(Buffer.from((await store.get('x/y')) ?? []).toString()).toBe(`${winner}`);
  });

  it('lists keys by prefix, after a key, in the order of their bytes', async () => {
    const store = make();
    const keys = ['a/1', 'a/10', 'a/2', 'a.txt', 'a/b/c', 'a-x', 'b/\u{1f600}', 'b/\uff5e', 'b'].filter(
      (key) => key !== 'b',
    );
    for (const key of keys) await store.put(key, bytes(key));
    expect(await keysFrom(store, '')).toEqual([...keys].sort(compareUtf8));
    expect(await keysFrom(store, 'a/')).toEqual(['a/1', 'a/10', 'a/2', 'a/b/c']);
    expect(await keysFrom(store, 'a/1')).toEqual(['a/1', 'a/10']);
    expect(await keysFrom(store, 'a/', 'a/10')).toEqual(['a/2', 'a/b/c']);
    expect(await keysFrom(store, 'a/', 'a/b')).toEqual(['a/b/c']);
    expect(await keysFrom(store, 'none/')).toEqual([]);
    for await (const entry of store.listFrom('a/b/')) expect(entry).toMatchObject({ key: 'a/b/c', sizeBytes: 5 });
  });

  it('deletes, and does not mind what is not there', async () => {
    const store = make();
    await store.put('k/l', bytes('1'));
    await store.delete('k/l');
    await store.delete('k/l');
    expect(await store.get('k/l')).toBeUndefined();
    expect(await store.putIfAbsent('k/l', bytes('2'))).toBe('created');
  });
});

describe('the local object store', () => {
  it('keeps files to their owner and leaves no temporary file', async () => {
    const folder = join(root, 'modes');
    const store = localObjectStore(folder);
    await store.putIfAbsent('a/b', bytes('1'));
    await store.putIfAbsent('a/b', bytes('2'));
    await store.put('a/c', bytes('1'));
    expect(statSync(join(folder, 'a/b')).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'a/c')).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(folder, 'a')).sort()).toEqual(['b', 'c']);
  });

  it('does not list what a crash left half written', async () => {
    const folder = join(root, 'torn');
    mkdirSync(join(folder, 'a'), { recursive: true });
    writeFileSync(join(folder, 'a/.writing-1'), 'x');
    expect(await keysFrom(localObjectStore(folder), 'a/')).toEqual([]);
  });

  it.each(['../x', 'a/../../x', '/etc/passwd', 'a//b', '', 'a/./b'])(
    'refuses the key %j, which leaves it',
    async (key) => {
      const store = localObjectStore(join(root, 'inside'));
      await expect(async () => store.put(key, bytes('1'))).rejects.toThrow(/names nothing inside/);
    },
  );
});

describe('the order of keys', () => {
  it('is that of their UTF-8 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (left, right) => {
        expect(Math.sign(compareUtf8(left, right))).toBe(
          Math.sign(Buffer.compare(Buffer.from(left), Buffer.from(right))),
        );
      }),
    );
  });
});
