import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { localObjectStore } from '../../../src/storage/store/local-object-store.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import { compareUtf8, type ObjectStore } from '../../../src/storage/store/object-store.ts';
import { s3ObjectStore } from '../../../src/storage/store/s3-object-store.ts';
import { type RunningS3, startMoto, startVersityGateway } from '../../running-s3.ts';

const root = mkdtempSync(join(tmpdir(), 'sentinela-store-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const fresh = (): string => mkdtempSync(join(root, 'store-'));

const servers: RunningS3[] = [];
beforeAll(async () => {
  servers.push(...(await Promise.all([startMoto(), startVersityGateway()])));
});
afterAll(() => {
  for (const server of servers) server.stop();
});
let prefixes = 0;
const s3 = (at: number): ObjectStore => {
  const server = servers[at];
  if (server === undefined) throw new Error('the S3 server was not started');
  prefixes += 1;
  const { bucket, environment } = server;
  return s3ObjectStore({ bucket, prefix: `of tests/${prefixes}`, clock: systemClock(), environment });
};

const STORES: readonly [string, () => ObjectStore][] = [
  ['local', () => localObjectStore(fresh())],
  ['memory', memoryObjectStore],
  ['S3 (moto)', () => s3(0)],
  ['S3 (versitygw)', () => s3(1)],
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

  it('shows nothing of an object in parts before its end, and then all of it over what was there', async () => {
    const store = make();
    await store.put('x/k', bytes('old'));
    const [writer, fresh] = [await store.startPut('x/k'), await store.startPut('y/z')];
    await writer.append(bytes('01'));
    await fresh.append(bytes('a'));
    await writer.append(bytes('234'));
    expect(await store.get('y/z')).toBeUndefined();
    expect(Buffer.from((await store.get('x/k')) ?? []).toString()).toBe('old');
    expect(await keysFrom(store, '')).toEqual(['x/k']);
    await writer.finish();
    await fresh.finish();
    await writer.abandon();
    expect(Buffer.from((await store.get('x/k')) ?? []).toString()).toBe('01234');
    expect(Buffer.from((await store.get('y/z')) ?? []).toString()).toBe('a');
  });

  it('leaves what was there where an object in parts is abandoned, and puts one without a part', async () => {
    const store = make();
    await store.put('x/k', bytes('old'));
    const writer = await store.startPut('x/k');
    await writer.append(bytes('new'));
    await writer.abandon();
    await writer.abandon();
    expect(Buffer.from((await store.get('x/k')) ?? []).toString()).toBe('old');
    await (await store.startPut('x/none')).abandon();
    expect(await keysFrom(store, '')).toEqual(['x/k']);
    await (await store.startPut('x/none')).finish();
    expect(await store.get('x/none')).toHaveLength(0);
    await expect(async () => store.startPut('../x')).rejects.toThrow(/names nothing inside/);
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

  it('takes every character of a key', async () => {
    const store = make();
    const keys = ['a b/p=1/%41+&?#x', "a!$'()*,:;@[]~/é\u{1f600}", 'p=a%2Fb/x'];
    for (const key of keys) {
      await store.put(key, bytes(key));
      expect(Buffer.from((await store.get(key)) ?? []).toString()).toBe(key);
      expect(store.keyOfUri(store.uriOf(key))).toBe(key);
    }
    expect(await keysFrom(store, '')).toEqual([...keys].sort(compareUtf8));
  });

  it('gives nothing for an empty range, and what there is for one beyond the end', async () => {
    const store = make();
    await store.put('k', bytes('0123'));
    await store.put('empty', bytes(''));
    expect(await store.get('k', { start: 2, end: 2 })).toHaveLength(0);
    expect(await store.get('k', { start: 4 })).toHaveLength(0);
    expect(await store.get('k', { start: 9, end: 12 })).toHaveLength(0);
    expect(Buffer.from((await store.get('k', { start: 1, end: 99 })) ?? []).toString()).toBe('123');
    expect(await store.get('empty')).toHaveLength(0);
    expect(await store.get('empty', { start: 0, end: 4 })).toHaveLength(0);
    expect(await store.get('none', { start: 0, end: 0 })).toBeUndefined();
  });

  it('puts a file of this machine and fetches it into a new one', async () => {
    const store = make();
    const [from, to] = [join(fresh(), 'from'), join(fresh(), 'to')];
    writeFileSync(from, 'whole', { mode: 0o444 });
    await store.putFile('x/y.parquet', from);
    await store.putFile('x/y.parquet', from);
    expect(Buffer.from((await store.get('x/y.parquet')) ?? []).toString()).toBe('whole');
    expect(await store.fetchFile('x/y.parquet', to)).toBe(true);
    expect(readFileSync(to, 'utf8')).toBe('whole');
    expect(statSync(to).mode & 0o777).toBe(0o600);
    writeFileSync(to, 'mine');
    await expect(store.fetchFile('x/y.parquet', to)).rejects.toMatchObject({ code: 'storage_failed' });
    expect(readFileSync(to, 'utf8')).toBe('mine');
    expect(await store.fetchFile('x/none', `${to}-none`)).toBe(false);
    expect(existsSync(`${to}-none`)).toBe(false);
    const nowhere = join(root, 'no/such/folder');
    await expect(store.fetchFile('x/y.parquet', nowhere)).rejects.toMatchObject({ code: 'storage_failed' });
    await expect(store.putFile('x/z', nowhere)).rejects.toMatchObject({ code: 'storage_failed' });
    expect(await store.get('x/z')).toBeUndefined();
  });

  it('knows its own URIs and no others', () => {
    const store = make();
    const uri = store.uriOf('a/b');
    expect(uri).toMatch(/^(file|memory|s3):\/.*\/a\/b$/);
    expect(store.keyOfUri(uri.replace(/a\/b$/, '%61/%C3%A9'))).toBe('a/é');
    for (const outside of [
      uri.replace(/a\/b$/, ''),
      uri.replace(/a\/b$/, 'a/../../b'),
      uri.replace(/a\/b$/, 'a//b'),
      uri.replace(/a\/b$/, '%zz'),
      'gs://lake/a/b',
      '/elsewhere/a/b',
      'a/b',
    ]) {
      expect(store.keyOfUri(outside)).toBeUndefined();
    }
  });

  it.each(['../x', 'a/../../x', '/etc/passwd', 'a//b', '', 'a/./b', 'a/', 'a\0b'])(
    'refuses the key %j, which leaves it',
    async (key) => {
      await expect(async () => make().put(key, bytes('1'))).rejects.toThrow(/names nothing inside/);
    },
  );
});

describe('the local object store', () => {
  it('keeps files to their owner and leaves no temporary file', async () => {
    const folder = join(root, 'modes');
    const store = localObjectStore(folder);
    await store.putIfAbsent('a/b', bytes('1'));
    await store.putIfAbsent('a/b', bytes('2'));
    await store.put('a/c', bytes('1'));
    const [written, abandoned] = [await store.startPut('a/d'), await store.startPut('a/e')];
    for (const writer of [written, abandoned]) await writer.append(bytes('1'));
    expect(readdirSync(join(folder, 'a')).filter((name) => name.startsWith('.writing-'))).toHaveLength(2);
    await written.finish();
    await abandoned.abandon();
    expect(statSync(join(folder, 'a/d')).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'a/b')).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'a/c')).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(folder, 'a')).sort()).toEqual(['b', 'c', 'd']);
  });

  it('does not list what a crash left half written', async () => {
    const folder = join(root, 'torn');
    mkdirSync(join(folder, 'a'), { recursive: true });
    writeFileSync(join(folder, 'a/.writing-1'), 'x');
    expect(await keysFrom(localObjectStore(folder), 'a/')).toEqual([]);
  });

  it('tells the millisecond in which a file was written, in its last tenth of a microsecond too', async () => {
    const folder = fresh();
    writeFileSync(join(folder, 'a'), '');
    execFileSync('touch', ['-d', '@1795962502.225999950', join(folder, 'a')]);
    const entries = [];
    for await (const entry of localObjectStore(folder).listFrom('')) entries.push(entry);
    expect(entries).toEqual([{ key: 'a', sizeBytes: 0, modifiedMs: 1_795_962_502_225 }]);
  });

  it('knows a file by all spellings of its URI', () => {
    const store = localObjectStore('/lake here');
    const spellings = ['/lake here/é', '/lake%20here/%C3%A9', 'file:/lake%20here/é', 'file:///lake here/%c3%a9'];
    for (const uri of [...spellings, 'FILE://localhost/lake%20here/é']) expect(store.keyOfUri(uri)).toBe('é');
    expect(store.keyOfUri('file://elsewhere/lake%20here/é')).toBeUndefined();
    expect(store.keyOfUri('/lake here too/é')).toBeUndefined();
    // As Hadoop spells it: Spark compares it as a text with what it makes of the path.
    expect(store.uriOf('p=1/é')).toBe('file:/lake%20here/p=1/é');
    const odd = 'ü %\'(a)*!~,;:$&+@#[]?^`{|}\\"\u00a0😀';
    expect(store.uriOf(odd)).toBe("file:/lake%20here/ü%20%25'(a)*!~,;:$&+@%23%5B%5D%3F%5E%60%7B%7C%7D%5C%22%C2%A0😀");
    expect(store.keyOfUri(store.uriOf(odd))).toBe(odd);
    expect(localObjectStore('/').keyOfUri('file:///a/b')).toBe('a/b');
  });
});

describe('the S3 object store', () => {
  it('is named by s3:, s3a: and s3n:', () => {
    const store = s3ObjectStore({ bucket: 'lake', prefix: 'x y', clock: systemClock(), environment: {} });
    expect(store.uriOf('p=1/é')).toBe('s3://lake/x%20y/p=1/é');
    for (const scheme of ['s3', 's3a', 's3n', 'S3A'])
      expect(store.keyOfUri(`${scheme}://lake/x y/p=1/é`)).toBe('p=1/é');
    expect(store.keyOfUri('s3://other/x y/p')).toBeUndefined();
    expect(store.keyOfUri('s3://lake/p')).toBeUndefined();
  });
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
