import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../src/base/clock.ts';
import { probeConditionalPut } from '../../../src/storage/store/conditional-put-probe.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import type { ObjectStore } from '../../../src/storage/store/object-store.ts';
import { openObjectStore } from '../../../src/storage/store/open-object-store.ts';
import { type S3StoreOptions, s3ObjectStore } from '../../../src/storage/store/s3-object-store.ts';
import { type RunningS3, startMoto, startVersityGateway } from '../../running-s3.ts';

const folder = mkdtempSync(join(tmpdir(), 'sentinela-s3-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString();

describe.each([
  ['moto', startMoto, false],
  ['versitygw', startVersityGateway, true],
] as const)('S3 by %s', (name, start, checksSignatures) => {
  let server: RunningS3;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server.stop());
  const open = (options: Partial<S3StoreOptions> = {}): ObjectStore =>
    s3ObjectStore({ bucket: server.bucket, clock: systemClock(), environment: server.environment, ...options });

  it('takes a large file in parts, gives ranges of it and gives it back', async () => {
    const store = open({ multipart: { aboveBytes: 6 * 1024 * 1024, partBytes: 5 * 1024 * 1024 } });
    const [from, to] = [join(folder, `${name}-from`), join(folder, `${name}-to`)];
    const whole = randomBytes(12 * 1024 * 1024 + 7);
    writeFileSync(from, whole);
    await store.putFile('large/file é.bin', from);
    expect(await store.fetchFile('large/file é.bin', to)).toBe(true);
    expect(readFileSync(to).equals(whole)).toBe(true);
    const range = await store.get('large/file é.bin', { start: 5 * 1024 * 1024 - 2, end: 5 * 1024 * 1024 + 2 });
    expect(Buffer.from(range ?? []).equals(whole.subarray(5 * 1024 * 1024 - 2, 5 * 1024 * 1024 + 2))).toBe(true);
    await store.put('large/file é.bin', whole.subarray(0, 7 * 1024 * 1024));
    for await (const { sizeBytes } of store.listFrom('large/')) expect(sizeBytes).toBe(7 * 1024 * 1024);
  });

  it('lists more than a page', async () => {
    const store = open({ prefix: 'pages' });
    const keys = Array.from({ length: 1203 }, (_, n) => `log/${String(n).padStart(20, '0')}.json`);
    for (let at = 0; at < keys.length; at += 100)
      await Promise.all(keys.slice(at, at + 100).map((key) => store.put(key, Buffer.from('1'))));
    const listed: string[] = [];
    for await (const { key } of store.listFrom('log/', keys[50])) listed.push(key);
    expect(listed).toEqual(keys.slice(51));
  });

  it('keeps If-None-Match, as the probe finds, which leaves nothing', async () => {
    const store = open({ prefix: 'probed' });
    await probeConditionalPut(store, 'k');
    for await (const { key } of store.listFrom('')) expect.fail(`left ${key}`);
  });

  // moto looks first and puts then: of several at once it may take two.
  it.runIf(checksSignatures)('lets one of many clients win', async () => {
    const clients = Array.from({ length: 8 }, () => open({ prefix: 'race' }));
    for (let version = 0; version < 5; version += 1) {
      const outcomes = await Promise.all(
        clients.map((client, n) => client.putIfAbsent(`log/${version}`, Buffer.from(`${n}`))),
      );
      expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1);
      expect(text(await clients[0]?.get(`log/${version}`))).toBe(`${outcomes.indexOf('created')}`);
    }
  });

  it('tells of a bucket that is not there', async () => {
    const store = open({ bucket: 'nobodys' });
    await expect(store.get('k')).rejects.toMatchObject({ code: 'not_found' });
    await expect(store.put('k', Buffer.from('1'))).rejects.toMatchObject({ code: 'not_found' });
    await expect(store.listFrom('')[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'not_found' });
  });

  it('is opened by its URI', async () => {
    const { store, table } = openObjectStore(`s3a://${server.bucket}/a b/table/`, {
      clock: systemClock(),
      environment: server.environment,
    });
    expect(table).toBe('a b/table');
    await store.put(`${table}/x`, Buffer.from('1'));
    expect(text(await open({ prefix: 'a b' }).get('table/x'))).toBe('1');
  });

  if (checksSignatures) {
    it('refuses a wrong secret, which no message holds', async () => {
      const credentials = { ...server.credentials, secretAccessKey: 'a/wrong+secret' };
      const error: unknown = await open({ credentials })
        .get('k')
        .catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'storage_denied' });
      expect(String(error)).toMatch(/SignatureDoesNotMatch/);
      expect(String(error)).not.toContain('wrong+secret');
    });

    it.each([-3600, 3600, 86_400])('is spoken to by a clock that is %i s off', async (seconds) => {
      const clock: Clock = { nowMicros: () => systemClock().nowMicros() + seconds * 1_000_000 };
      const store = open({ clock, prefix: `skew ${seconds}`, retry: { baseDelayMs: 1 } });
      expect(await store.putIfAbsent('k', Buffer.from('1'))).toBe('created');
      expect(text(await store.get('k'))).toBe('1');
    });
  }
});

describe('the probe', () => {
  it('refuses any store that overwrites', async () => {
    const honest = memoryObjectStore();
    await expect(probeConditionalPut(honest, 'k')).resolves.toBeUndefined();
    const careless = {
      ...honest,
      putIfAbsent: async (key: string, bytes: Uint8Array) => {
        await honest.put(key, bytes);
        return 'created' as const;
      },
    };
    await expect(probeConditionalPut(careless, 'k')).rejects.toMatchObject({ code: 'storage_unsafe' });
  });
});

describe('opening a store', () => {
  const parts = { clock: systemClock(), environment: {} };
  it.each([
    ['/a b/%41', 'a b/%41'],
    ['/a/b/', 'a/b'],
    ['file:///a%20b/%41', 'a b/A'],
    ['file:/a/b/', 'a/b'],
    ['s3://lake', ''],
    ['s3://lake/', ''],
    ['s3n://lake/a b/%41', 'a b/%41'],
    [folder, folder.slice(1)],
  ])('by %s finds the table %s', (uri, table) => {
    expect(openObjectStore(uri, parts).table).toBe(table);
  });

  it('takes a path from the folder that one is in', async () => {
    const { store, table } = openObjectStore('some/table', parts);
    expect(store.locate(table)).toBe(join(process.cwd(), 'some/table'));
  });

  it.each(['gs://b/x', 'https://host/x', 'file://elsewhere/x', 'file:relative'])('is refused for %s', (uri) => {
    expect(() => openObjectStore(uri, parts)).toThrow(expect.objectContaining({ code: 'usage' }));
  });

  it.each(['s3://lake/a/../b', 's3://la ke/x', 's3://a/x'])('is refused for the bucket or key of %s', async (uri) => {
    await expect(async () => openObjectStore(uri, parts).store.get('k')).rejects.toMatchObject({
      code: expect.stringMatching(/invalid_config|storage_failed/),
    });
  });
});
