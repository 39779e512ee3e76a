import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hash128, token53 } from '../../../src/base/hash128.ts';
import { IdTable } from '../../../src/base/id-table.ts';

const nameOf = (text: string): Int32Array => {
  const name = new Int32Array(4);
  hash128(text, name);
  return name;
};

describe('a table of ids', () => {
  it('finds what was put and not what was removed, through every split', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(60)), { maxLength: 300 }), (steps) => {
        const table = new IdTable(64);
        const places = new Map<number, number>();
        const free = Array.from({ length: 64 }, (_, place) => place);
        for (const [put, id] of steps) {
          const place = places.get(id);
          if (put && place === undefined) {
            const next = free.pop() as number;
            table.put(next, nameOf(`id-${id}`));
            places.set(id, next);
          } else if (!put && place !== undefined) {
            table.remove(place);
            places.delete(id);
            free.push(place);
          }
          expect(table.find(nameOf(`id-${id}`))).toBe(places.get(id) ?? -1);
        }
        for (let id = 0; id <= 60; id += 1) expect(table.find(nameOf(`id-${id}`))).toBe(places.get(id) ?? -1);
        expect(table.count).toBe(places.size);
      }),
    );
  });

  it('tells 200,000 similar ids apart', () => {
    const table = new IdTable(200_000);
    const tokens = new Set<number>();
    for (let at = 0; at < 200_000; at += 1) {
      const id = `E123456782026110112${String(at).padStart(13, '0')}`;
      expect(table.find(nameOf(id))).toBe(-1);
      table.put(at, nameOf(id));
      tokens.add(token53(id));
    }
    expect(tokens.size).toBe(200_000);
    for (let at = 0; at < 200_000; at += 997) {
      expect(table.find(nameOf(`E123456782026110112${String(at).padStart(13, '0')}`))).toBe(at);
    }
  });
});
