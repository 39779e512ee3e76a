import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../src/base/canonical-json.ts';

/** RFC 8785 in the plainest words. */
function plain(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(plain).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${plain(member)}`).join(',')}}`;
}

describe('canonical JSON', () => {
  it('is what the plainest writer of RFC 8785 gives', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(canonicalJson(value)).toBe(plain(value));
      }),
      { numRuns: 500 },
    );
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`k${(at * 37) % 100}`, at]));
    expect(canonicalJson(many)).toBe(plain(many));
  });

  it('writes what is odd as ECMAScript does', () => {
    expect(canonicalJson({ b: -0, a: 1e21, é: '"\\\n\u007f\u2028', c: undefined, d: null })).toBe(
      '{"a":1e+21,"b":0,"d":null,"é":"\\"\\\\\\n\u007f\u2028"}',
    );
    expect(canonicalJson('\ud800')).toBe('"\ufffd"');
    expect(canonicalJson([true, false, [], {}])).toBe('[true,false,[],{}]');
  });
});
