import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeSections,
  encodeSections,
  numbersOf,
  type ReadSections,
  type SectionFormat,
} from '../../../src/base/section-file.ts';

const FORMAT: SectionFormat = { magic: 'TESTFILE', version: 3 };

const file = (header: unknown, parts: readonly Uint8Array[]): Buffer =>
  Buffer.concat([
    ...encodeSections(
      FORMAT,
      header,
      parts.map((bytes, at) => ({ name: `part ${at}`, bytes })),
    ),
  ]);

/** @param size what the file says that it has. */
const decoded = (bytes: Buffer, format = FORMAT, size = bytes.length): Promise<ReadSections> =>
  decodeSections(format, { size, read: async (at, length) => bytes.subarray(at, at + length) });

describe('a file of sections', () => {
  it('gives back its header and every section', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), fc.array(fc.uint8Array({ maxLength: 300 })), async (header, parts) => {
        const read = await decoded(file(header, parts));
        expect(read.kind).toBe('read');
        if (read.kind !== 'read') return;
        expect(read.header).toEqual(JSON.parse(JSON.stringify(header)));
        expect([...read.sections.values()].map((bytes) => [...bytes])).toEqual(parts.map((bytes) => [...bytes]));
      }),
    );
  });

  it('is refused where it is cut, where any bit is flipped, and where it is another kind of file', async () => {
    const whole = file({ of: 'tests' }, [Buffer.from('one'), Buffer.alloc(0), Buffer.from('three')]);
    for (let cut = 0; cut < whole.length; cut += 1) {
      expect((await decoded(whole.subarray(0, cut))).kind).toBe('refused');
      // It was longer a moment ago.
      expect((await decoded(whole.subarray(0, cut), FORMAT, whole.length)).kind).toBe('refused');
    }
    for (let at = 0; at < whole.length; at += 1) {
      for (let bit = 1; bit < 256; bit *= 2) {
        const damaged = Buffer.from(whole);
        damaged[at] = (damaged[at] ?? 0) ^ bit;
        expect((await decoded(damaged)).kind).toBe('refused');
      }
    }
    expect(await decoded(whole, { ...FORMAT, version: 4 })).toEqual({
      kind: 'refused',
      reason: 'it has another format',
    });
    expect(await decoded(whole, { ...FORMAT, magic: 'SOMEFILE' })).toEqual({
      kind: 'refused',
      reason: 'it is no snapshot',
    });
  });

  it('gives numbers that begin where they may', () => {
    const bytes = Buffer.from(new Float64Array([1.5, -2]).buffer);
    expect([...numbersOf(Float64Array, Buffer.concat([Buffer.from('x'), bytes]).subarray(1))]).toEqual([1.5, -2]);
    expect(numbersOf(Int32Array, undefined).length).toBe(0);
  });
});
