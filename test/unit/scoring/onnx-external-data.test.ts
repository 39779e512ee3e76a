import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasExternalData } from '../../../src/scoring/onnx-external-data.ts';

/** A protobuf field of bytes. */
const field = (number: number, content: Uint8Array | readonly number[]): number[] => {
  const bytes = [...content];
  const tag = number * 8 + 2;
  const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >> 7)]);
  return [...varint(tag), ...varint(bytes.length), ...bytes];
};
const model = (...members: number[][]): Uint8Array => Uint8Array.from(members.flat());
const external = field(13, field(1, Buffer.from('/etc/passwd')));

describe('external data of a model', () => {
  it('is found wherever a tensor may be', () => {
    const places = [
      model(field(7, field(5, external))),
      model(field(7, field(15, field(1, external)))),
      model(field(7, field(1, field(5, field(5, external))))),
      model(field(7, field(1, field(5, field(10, external))))),
      model(field(7, field(1, field(5, field(6, field(5, external)))))),
      model(field(25, field(7, field(5, field(22, field(2, external)))))),
      // The default of a function's attribute: a tensor, and a graph that has one.
      model(field(25, field(11, field(5, external)))),
      model(field(25, field(11, field(6, field(5, external))))),
      // data_location = EXTERNAL without a place.
      model(field(7, field(5, [14 * 8, 1]))),
    ];
    for (const bytes of places) expect(hasExternalData(bytes)).toBe(true);
  });

  it('is not seen where there is none', () => {
    expect(hasExternalData(readFileSync('models/pix-gbm/1/model.onnx'))).toBe(false);
    expect(hasExternalData(model(field(7, field(5, [14 * 8, 0]))))).toBe(false);
    expect(hasExternalData(model(field(3, Buffer.from('name')), [8, 8]))).toBe(false);
  });

  it('is looked for in any bytes without an end or a crash', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          return typeof hasExternalData(bytes) === 'boolean';
        } catch (error) {
          return error instanceof RangeError;
        }
      }),
      { numRuns: 2_000 },
    );
    let nested: number[] = [];
    for (let depth = 0; depth < 100; depth += 1) nested = field(6, field(1, field(5, nested)));
    expect(() => hasExternalData(model(field(7, field(1, field(5, nested)))))).toThrow(/nested too deeply/);
  });
});
