import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../src/base/canonical-json.ts';
import { civilParts, civilZone } from '../../../src/base/civil-time.ts';
import { crc32c } from '../../../src/base/crc32c.ts';
import { JsonNumber, parseExactJson, parseWrittenJson, stringifyExactJson } from '../../../src/base/exact-json.ts';
import { nearestName } from '../../../src/base/nearest-name.ts';
import { bigIntToDouble } from '../../../src/base/to-double.ts';
import { instantOfMicros, microsOfInstant } from '../../../src/domain/instant.ts';

describe('CRC-32C', () => {
  it('gives the vectors of RFC 3720', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  });

  it('equals a bit by bit one, wherever the bytes lie', () => {
    const slow = (bytes: Uint8Array): number => {
      let crc = 0xffffffff;
      for (const byte of bytes) {
        crc ^= byte;
        for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
      }
      return ~crc >>> 0;
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(20), fc.nat(20), (bytes, from, to) => {
        const start = Math.min(from, bytes.length);
        const end = Math.max(start, bytes.length - to);
        const view = new Uint8Array(new Uint8Array([1, 2, 3, ...bytes]).buffer, 3);
        expect(crc32c(view, start, end)).toBe(slow(bytes.subarray(start, end)));
      }),
    );
  });

  it('goes on from a seed as if it were one piece', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, cut) => {
        const at = Math.min(cut, bytes.length);
        expect(crc32c(bytes, at, bytes.length, crc32c(bytes, 0, at))).toBe(crc32c(bytes));
      }),
    );
  });
});

describe('exact JSON', () => {
  it('tells numbers as they are written where they are to be texts', () => {
    const texts = (text: string): unknown => {
      const list = parseWrittenJson(text);
      return Array.isArray(list) ? list.map((one) => (one instanceof JsonNumber ? one.text : String(one))) : list;
    };
    const numbers = ['1', '-7', '12.5', '90071992547409931', '1e5', '-2.50E-3', '0.0000001', '1234567890123456.75'];
    for (const number of numbers) expect(texts(`[${number}]`)).toEqual([number]);
    expect(texts(`[ ${numbers.join(' , ')} ]`)).toEqual(numbers);
    expect(parseWrittenJson('{"a":"x:1e5","b":[" 2e7"]}')).toEqual({ a: 'x:1e5', b: [' 2e7'] });
    expect(() => parseWrittenJson('[1e]')).toThrow(SyntaxError);
  });

  it('takes no string for a number, however the mark in it is written', () => {
    const text = '["\\ue0005","\ue0005",90071992547409931]';
    expect(parseExactJson(text)).toEqual(['\ue0005', '\ue0005', 90071992547409931n]);
  });

  it('keeps every int64, in any place, and strings that look like one', () => {
    const text =
      '{"a":9223372036854775807,"b":[-9223372036854775808,1],"c":"9223372036854775807","d":":9223372036854775807","e":1.5e300}';
    expect(parseExactJson(text)).toEqual({
      a: 9223372036854775807n,
      b: [-9223372036854775808n, 1],
      c: '9223372036854775807',
      d: ':9223372036854775807',
      e: 1.5e300,
    });
    expect(stringifyExactJson(parseExactJson(text))).toBe(text.replace('1.5e300', '1.5e+300'));
  });

  it('keeps fractions that no double holds, and leaves doubles as they are', () => {
    const text =
      '{"a":12345678901234567.89,"b":[0.1,0.30000000000000004,1.7976931348623157e308],"c":"1234567890123456.78"}';
    const parsed = parseExactJson(text);
    expect(parsed).toEqual({
      a: new JsonNumber('12345678901234567.89'),
      b: [0.1, 0.30000000000000004, 1.7976931348623157e308],
      c: '1234567890123456.78',
    });
    expect(stringifyExactJson(parsed)).toBe(text.replace('e308', 'e+308'));
  });

  it('loses nothing that JSON.parse gives', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        expect(JSON.parse(stringifyExactJson(parseExactJson(text)))).toEqual(JSON.parse(text));
      }),
    );
  });

  it('gives back what it wrote', () => {
    const values = fc.dictionary(
      fc.string(),
      fc.oneof(fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }), fc.string(), fc.boolean()),
    );
    fc.assert(
      fc.property(values, (value) => {
        expect(parseExactJson(stringifyExactJson(value))).toEqual({ ...value });
      }),
    );
  });
});

describe('canonical JSON', () => {
  it('gives the example of RFC 8785, section 3.2.3', () => {
    const value = {
      '€': 'Euro Sign',
      '\r': 'Carriage Return',
      '1': 'One',
      '😀': 'Emoji: Grinning Face',
      ö: 'Latin Small Letter O With Diaeresis',
    };
    expect(canonicalJson(value)).toBe(
      '{"\\r":"Carriage Return","1":"One","ö":"Latin Small Letter O With Diaeresis","€":"Euro Sign","😀":"Emoji: Grinning Face"}',
    );
  });

  it('does not depend on the order of members', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const turned = Object.fromEntries(Object.entries(value).reverse());
        expect(canonicalJson(turned)).toBe(canonicalJson(value));
      }),
    );
  });
});

describe('civil time in America/Sao_Paulo', () => {
  const zone = civilZone('America/Sao_Paulo');
  const at = (text: string) => civilParts(zone, microsOfInstant(text) ?? 0);

  it('follows the rules of IANA through daylight saving time', () => {
    // 2018-11-04 has no midnight; 2019-02-16 has 23 o'clock twice.
    expect(at('2018-11-04T02:59:59Z')).toMatchObject({ hour: 23 });
    expect(at('2018-11-04T03:00:00Z')).toMatchObject({ hour: 1, weekday: 7 });
    expect(at('2019-02-17T01:30:00Z').hour).toBe(23);
    expect(at('2019-02-17T02:30:00Z').hour).toBe(23);
    expect(at('2019-02-17T03:00:00Z')).toMatchObject({ hour: 0, weekday: 7 });
    expect(at('2026-11-01T12:00:00Z')).toMatchObject({ hour: 9, weekday: 7 });
  });

  it('equals ICU on random instants', () => {
    const format = new Intl.DateTimeFormat('en-GB', {
      timeZone: 'America/Sao_Paulo',
      hour: '2-digit',
      hourCycle: 'h23',
    });
    fc.assert(
      fc.property(fc.integer({ min: Date.UTC(1995, 0, 1), max: Date.UTC(2030, 0, 1) }), (ms) => {
        expect(civilParts(zone, ms * 1000).hour).toBe(Number(format.format(ms)));
      }),
    );
  });
});

describe('civil time before there was a table of it, and after', () => {
  const civil = (name: string) => {
    const zone = civilZone(name);
    return (text: string): string => {
      const micros = (Date.parse(text) / 1000) * 1_000_000;
      return new Date((micros / 1_000_000 + zone.offsetSeconds(micros)) * 1000).toISOString().slice(0, 19);
    };
  };

  it.each([
    ['1980-06-15T02:30:00Z', '1980-06-14T23:30:00'],
    ['1986-01-15T02:30:00Z', '1986-01-15T00:30:00'],
    ['1989-12-31T23:59:59Z', '1989-12-31T21:59:59'],
    ['1963-12-20T12:00:00Z', '1963-12-20T10:00:00'],
    // Local mean time, until the first of 1914.
    ['1910-03-01T12:00:00Z', '1910-03-01T08:53:32'],
    ['1850-03-01T00:00:00Z', '1850-02-28T20:53:32'],
    ['0000-03-01T00:00:00Z', '0000-02-29T20:53:32'],
    ['2075-06-15T02:30:00Z', '2075-06-14T23:30:00'],
  ])('in São Paulo %s is %s', (at, local) => {
    expect(civil('America/Sao_Paulo')(at)).toBe(local);
  });

  it('follows rules that go on for ever', () => {
    expect(civil('Europe/Lisbon')('2080-07-01T12:00:00Z')).toBe('2080-07-01T13:00:00');
    expect(civil('Europe/Lisbon')('2080-12-01T12:00:00Z')).toBe('2080-12-01T12:00:00');
  });

  it.each(['America/Sao_Paulo', 'America/Noronha', 'Europe/London'])('equals ICU in %s, from 1890 to 2070', (name) => {
    const zone = civilZone(name);
    const format = new Intl.DateTimeFormat('en-CA', {
      timeZone: name,
      dateStyle: 'short',
      timeStyle: 'medium',
      hourCycle: 'h23',
    });
    for (let ms = Date.UTC(1890, 0, 1); ms < Date.UTC(2070, 0, 1); ms += 277_777_000) {
      const local = new Date(ms + zone.offsetSeconds(ms * 1000) * 1000).toISOString().slice(0, 19).replace('T', ', ');
      if (format.format(ms) !== local) expect(format.format(ms)).toBe(local);
    }
  });
});

describe('integers as doubles', () => {
  it('are split at 2^48 as written', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 127n), max: 2n ** 127n - 1n }), (value) => {
        const size = value < 0n ? -value : value;
        const [a, b, c] = [size >> 96n, (size >> 48n) & (2n ** 48n - 1n), size & (2n ** 48n - 1n)];
        const expected = (Number(a) * 2 ** 48 + Number(b)) * 2 ** 48 + Number(c);
        expect(bigIntToDouble(value)).toBe(value < 0n ? -expected : expected);
      }),
    );
  });
});

describe('instants', () => {
  it('come back from their text', () => {
    fc.assert(
      fc.property(fc.integer({ min: Date.UTC(1900, 0, 1) * 1000, max: Date.UTC(2200, 0, 1) * 1000 }), (micros) => {
        expect(microsOfInstant(instantOfMicros(micros))).toBe(micros);
      }),
    );
  });
});

describe('near names', () => {
  it('are found, and only near ones', () => {
    expect(nearestName('htpPort', ['httpPort', 'grpcPort', 'host'])).toBe('httpPort');
    expect(nearestName('colour', ['httpPort', 'host'])).toBeUndefined();
  });

  it('of a text as long as a request may be are told at once', () => {
    const known = Array.from({ length: 1024 }, (_, at) => `payer_distinct_counterparties_${at}d`);
    expect(nearestName('payer_distinct'.repeat(36_000), known)).toBeUndefined();
    expect(nearestName('payer_distinct_counterpartes_7d', known)).toBe('payer_distinct_counterparties_7d');
  });
});
