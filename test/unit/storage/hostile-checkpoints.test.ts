import { describe, expect, it } from 'vitest';
import { parquetFooter } from '../../../src/storage/parquet/parquet-footer.ts';
import { decodeParquet } from '../../../src/storage/parquet/parquet-read.ts';
import { parquetBuilder } from '../../../src/storage/parquet/parquet-write.ts';
import { field, structOf } from '../../../src/storage/types/delta-type.ts';

/** A file of one column and one group, as its footer says; it has no pages. */
function claiming(sizeBytes: number, rows: number): Uint8Array {
  const count = (value: number): number[] => {
    const bytes: number[] = [];
    let left = value * 2;
    for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) + 128);
    return [...bytes, left];
  };
  const root = [0x48, 6, ...Buffer.from('schema'), 0x15, 2, 0];
  const leaf = [0x15, 4, 0x38, 1, ...Buffer.from('a'), 0];
  const group = [0x19, 0x0c, 0x16, ...count(sizeBytes), 0x16, ...count(rows), 0];
  const footer = [0x15, 2, 0x19, 0x2c, ...root, ...leaf, 0x16, ...count(rows), 0x19, 0x1c, ...group, 0];
  const length = Buffer.alloc(4);
  length.writeUInt32LE(footer.length);
  return Buffer.concat([Buffer.from('PAR1'), Buffer.from(footer), length, Buffer.from('PAR1')]);
}

async function decode(bytes: Uint8Array): Promise<number> {
  let rows = 0;
  for await (const batch of decodeParquet(bytes, 'x.checkpoint.parquet')) rows += batch.numRows;
  return rows;
}

describe('a Parquet file that is larger inside', () => {
  it('by rows that take no bytes, is refused before it is decoded', async () => {
    await expect(decode(claiming(58, 120_000_000))).rejects.toThrow(/x\.checkpoint\.parquet .* has 120000000 rows/);
  });

  it('by texts that repeat, is refused before it is decoded', async () => {
    await expect(decode(claiming(1_200_000_000, 3))).rejects.toThrow(/x\.checkpoint\.parquet .* has 1200000000 bytes/);
  });
});

describe('the footer of a Parquet file', () => {
  const whole = async (): Promise<Uint8Array> => {
    const builder = parquetBuilder(structOf([field('a', 'long'), field('b', structOf([field('c', 'string')]))]), {
      leaves: 0,
    });
    for (let a = 0; a < 100; a += 1) builder.append({ a, b: { c: `text ${a}` } });
    return (await builder.finish()).bytes;
  };

  it('tells its columns and its groups', async () => {
    const { names, groups, leaves } = parquetFooter(await whole(), 'x');
    expect({ names, leaves, rows: groups.map(({ rows }) => rows) }).toEqual({
      names: ['a', 'b'],
      leaves: 2,
      rows: [100],
    });
  });

  // A panic of the WebAssembly reader came in no promise, and ended the process.
  it('ends in an error by whichever of its bits is flipped, or is passed over, and ends no process', async () => {
    const bytes = await whole();
    for (let at = 0; at < bytes.length; at += 1) {
      for (const bit of [1, 16, 128]) {
        const damaged = bytes.slice();
        damaged[at] = (damaged[at] as number) ^ bit;
        await decode(damaged).catch((error: unknown) => expect(error).toMatchObject({ code: 'table_corrupt' }));
      }
    }
    expect(await decode(bytes)).toBe(100);
  });

  it.each([0, 1, 7, 11, 12, 40])('that is cut to %i bytes is none', async (length) => {
    await expect(decode((await whole()).slice(0, length))).rejects.toMatchObject({ code: 'table_corrupt' });
  });
});
