import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { namePlaces } from '../../../src/base/name-places.ts';

describe('places of names', () => {
  it('are those of a Map, in which the last place of a name counts', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 2 }), { maxLength: 200 }), (names) => {
        const [places, map] = [namePlaces(names.length), new Map<string, number>()];
        for (const [place, name] of names.entries()) {
          places.put(name, place);
          map.set(name, place);
        }
        expect(places.count).toBe(map.size);
        for (const name of [...names, 'none of them']) expect(places.find(name)).toBe(map.get(name) ?? -1);
      }),
    );
  });

  it('are refused beyond what they were made for', () => {
    expect(() => namePlaces(0).put('a', 0)).toThrow('capacity');
  });
});
