import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  completionBody,
  parseCompletion,
  parseErrorDocument,
  parseListPage,
  parseUploadId,
} from '../../../src/storage/store/s3/documents.ts';
import { parseXml, type XmlElement, XmlFault } from '../../../src/storage/store/s3/xml.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const LIST = `<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>lake</Name><IsTruncated>true</IsTruncated>
<Contents><Key>a/&lt;b&gt;&amp;&#x1f600;&#10;</Key><LastModified>2026-01-02T03:04:05.678Z</LastModified><ETag>&quot;x&quot;</ETag>
<Size>7</Size><Owner><ID>1</ID></Owner></Contents><NextContinuationToken>1/=+</NextContinuationToken><CommonPrefixes/></ListBucketResult>`;

const name = fc.stringMatching(/^[A-Za-z_][\w.-]{0,8}$/);
const tree: fc.Memo<XmlElement> = fc.memo((depth) =>
  fc.record({
    name,
    text: fc.string({ unit: 'grapheme' }),
    children: depth > 1 ? fc.array(tree(), { maxLength: 3 }) : fc.constant([]),
  }),
);

function write({ name, text, children }: XmlElement): string {
  const escaped = text.replace(/[&<>]/g, (char) => `&#${char.charCodeAt(0)};`);
  return `<${name} xmlns="x">${escaped}${children.map(write).join('')}</${name}>`;
}

describe("S3's XML", () => {
  it('reads back every document that is written', () => {
    fc.assert(
      fc.property(tree(4), (element) => {
        expect(parseXml(`<?xml version="1.0"?>\n${write(element)}\n`)).toEqual(element);
      }),
    );
  });

  it('reads anything or throws its own fault, soon', () => {
    const pieces = fc.constantFrom(
      '<',
      '>',
      '</',
      '/>',
      '<a',
      '<a>',
      '</a>',
      '<?xml ?>',
      ' x="1"',
      '&amp;',
      '&',
      ';',
      ' ',
    );
    const texts = fc.oneof(
      fc.string(),
      fc.array(fc.oneof(pieces, fc.string()), { maxLength: 40 }).map((all) => all.join('')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        try {
          parseXml(text);
        } catch (error) {
          expect(error).toBeInstanceOf(XmlFault);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('throws its own fault, or reads, a document with one character changed', () => {
    fc.assert(
      fc.property(fc.nat(LIST.length - 1), fc.string({ maxLength: 2 }), (at, by) => {
        try {
          parseListPage(utf8(LIST.slice(0, at) + by + LIST.slice(at + 1)));
        } catch (error) {
          expect(error).toMatchObject({ code: 'storage_failed' });
        }
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    '',
    'text',
    '<a>',
    '<a></b>',
    '<a/><b/>',
    '<a>&lol;</a>',
    '<a>&#xd800;</a>',
    '<a>&#x110000;</a>',
    '<a>& </a>',
    '<!DOCTYPE a [<!ENTITY lol "lol">]><a>&lol;</a>',
    '<a><!-- x --></a>',
    '<a><![CDATA[x]]></a>',
    '<a b=c/>',
    '<a>'.repeat(20) + '</a>'.repeat(20),
  ])('refuses %j', (text) => {
    expect(() => parseXml(text)).toThrow(XmlFault);
  });

  it('takes no longer for a long run of what never matches', () => {
    const started = performance.now();
    for (const text of [`<a${' b="c"'.repeat(50_000)}`, `${' '.repeat(200_000)}x`, `<a>${'&'.repeat(100_000)}</a>`])
      expect(() => parseXml(text)).toThrow(XmlFault);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe("S3's documents", () => {
  it('list objects', () => {
    expect(parseListPage(utf8(LIST))).toEqual({
      objects: [{ key: 'a/<b>&\u{1f600}\n', sizeBytes: 7, modifiedMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678) }],
      nextToken: '1/=+',
    });
    expect(() => parseListPage(utf8(LIST.replace(/<NextC.*Token>/, '')))).toThrow(/no NextContinuationToken/);
    expect(() => parseListPage(utf8(LIST.replace('<Size>7', '<Size>7.5')))).toThrow(/without its size/);
    expect(() => parseListPage(utf8('<Error><Code>X</Code></Error>'))).toThrow(/is Error, not ListBucketResult/);
  });

  it('tell of errors, of completion among them', () => {
    const error = '\n\n<Error><Code>InternalError</Code><Message>We & you</Message></Error>';
    expect(parseErrorDocument(utf8(error.replace('&', '&amp;')))).toMatchObject({
      code: 'InternalError',
      message: 'We & you',
    });
    expect(parseErrorDocument(utf8(error))).toBeUndefined();
    expect(parseErrorDocument(utf8('<html><body>502</body></html>'))).toBeUndefined();
    expect(parseErrorDocument(new Uint8Array([0xff, 0xfe]))).toBeUndefined();
    expect(parseCompletion(utf8(error.replace('&', '&amp;')))?.code).toBe('InternalError');
    expect(parseCompletion(utf8('   <CompleteMultipartUploadResult/>'))).toBeUndefined();
    expect(() => parseCompletion(utf8(''))).toThrow(/The store's answer cannot be read/);
  });

  it('begin and end an upload', () => {
    expect(
      parseUploadId(utf8('<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>')),
    ).toBe('u');
    const parts = parseXml(new TextDecoder().decode(completionBody(['"a&<"', '"b"']))).children;
    expect(parts.map(({ children }) => children.map(({ text }) => text))).toEqual([
      ['1', '"a&<"'],
      ['2', '"b"'],
    ]);
  });
});
