import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { csvFields } from '../../../src/pipeline/import-csv.ts';
import { type FileRecord, fileRecords, type RecordFormat, recordSplitter } from '../../../src/pipeline/import-lines.ts';

const split = (format: RecordFormat, pieces: readonly Buffer[]): FileRecord[] => {
  const splitter = recordSplitter(format);
  return [...pieces.flatMap((piece) => splitter.push(piece)), ...splitter.end()];
};
const texts = (records: readonly FileRecord[]) => records.map(({ line, bytes }) => [line, bytes.toString()]);

describe('records of a file', () => {
  it('ends lines at LF and CRLF, passes over empty ones and keeps their numbers', () => {
    expect(texts(split('ndjson', [Buffer.from('a\r\n\n\r\nb\nc')]))).toEqual([
      [1, 'a'],
      [4, 'b'],
      [5, 'c'],
    ]);
  });

  it('keeps line ends within quotes in one CSV record', () => {
    const records = split('csv', [Buffer.from('a,"x\ny ""z"""\r\nb,1\n"c\n\nd",2')]);
    expect(texts(records)).toEqual([
      [1, 'a,"x\ny ""z"""'],
      [3, 'b,1'],
      [4, '"c\n\nd",2'],
    ]);
  });

  it('gives up only the line of a quote that is never closed', () => {
    const records = split('csv', [Buffer.from('a,1\nb,"2\nc,3\nd,4\n')]);
    expect(records.map(({ line, problem }) => [line, problem?.code ?? null])).toEqual([
      [1, null],
      [2, 'invalid_csv'],
      [3, null],
      [4, null],
    ]);
  });

  it('does not care where pieces are cut', () => {
    const line = fc.oneof(fc.constantFrom('a,b', '"x\ny",z', '""', '"q""q"', 'é,1', ''), fc.string({ maxLength: 5 }));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), fc.array(fc.nat(60), { maxLength: 6 }), (lines, cuts) => {
        const bytes = Buffer.from(lines.join('\n'));
        const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
        const pieces = places.slice(1).map((end, at) => bytes.subarray(places[at], end));
        for (const format of ['ndjson', 'csv'] as const) {
          expect(texts(split(format, pieces))).toEqual(texts(split(format, [bytes])));
        }
      }),
    );
  });

  it('tells an endless line once, cut to the limit, and goes on behind it', () => {
    const long = Buffer.alloc(400_000, 'x');
    const pieces = [Buffer.from('a\n'), long, long, Buffer.from('\nb\n')];
    const records = split('ndjson', pieces);
    expect(records.map(({ line, problem }) => [line, problem?.code ?? null])).toEqual([
      [1, null],
      [2, 'too_large'],
      [3, null],
    ]);
    expect(records[1]?.bytes).toHaveLength(65_536);
  });

  it('reads CSV fields by RFC 4180 and refuses what is none', () => {
    expect(csvFields('a,"b,""c""",,"",d', ',')).toEqual(['a', 'b,"c"', '', '', 'd']);
    expect(csvFields('a;b', ';')).toEqual(['a', 'b']);
    expect(csvFields('', ',')).toEqual(['']);
    expect(csvFields('"",', ',')).toEqual(['', '']);
    for (const broken of ['a"b', '"a"b', '"a', 'x,"a"" ']) expect(csvFields(broken, ',')).toBeUndefined();
  });

  const folder = mkdtempSync(join(tmpdir(), 'lines-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('unpacks gzip by its bytes and drops a byte order mark', async () => {
    const text = '\uFEFFid,v\n1,2\n';
    for (const [name, bytes] of [
      ['plain.txt', Buffer.from(text)],
      ['packed.txt', gzipSync(text)],
    ] as const) {
      const path = join(folder, name);
      writeFileSync(path, bytes);
      const all: FileRecord[] = [];
      for await (const records of fileRecords(path, 'csv')) all.push(...records);
      expect(texts(all)).toEqual([
        [1, 'id,v'],
        [2, '1,2'],
      ]);
    }
  });

  it('says what it cannot read', async () => {
    const cut = join(folder, 'cut.gz');
    writeFileSync(cut, gzipSync('x'.repeat(10_000)).subarray(0, 30));
    for (const path of [cut, join(folder, 'none'), folder]) {
      await expect(async () => {
        for await (const records of fileRecords(path, 'csv')) expect(records).toBeDefined();
      }).rejects.toMatchObject({ code: 'invalid_file' });
    }
  });
});
