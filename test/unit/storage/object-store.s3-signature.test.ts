import { describe, expect, it } from 'vitest';
import { type QueryPairs, queryString, sha256Hex, signedHeaders } from '../../../src/storage/store/s3/signature.ts';

const CREDENTIALS = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
const HOST = 'examplebucket.s3.amazonaws.com';

/** Amazon's examples: docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, of 24 May 2013. */
const EXAMPLES: readonly {
  name: string;
  method: string;
  path: string;
  query: QueryPairs;
  headers: Record<string, string>;
  body: string;
  signature: string;
}[] = [
  {
    name: 'GET of an object with a range',
    method: 'GET',
    path: '/test.txt',
    query: [],
    headers: { range: 'bytes=0-9' },
    body: '',
    signature: 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  },
  {
    name: 'PUT of an object',
    method: 'PUT',
    path: '/test%24file.text',
    query: [],
    headers: { date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' },
    body: 'Welcome to Amazon S3.',
    signature: '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
  },
  {
    name: 'GET of the life cycle',
    method: 'GET',
    path: '/',
    query: [['lifecycle', '']],
    headers: {},
    body: '',
    signature: 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  },
  {
    name: 'GET of a listing',
    method: 'GET',
    path: '/',
    query: [
      ['prefix', 'J'],
      ['max-keys', '2'],
    ],
    headers: {},
    body: '',
    signature: '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
  },
];

describe('the signature of S3 requests', () => {
  it.each(EXAMPLES)("equals Amazon's for the $name", ({ method, path, query, headers, body, signature }) => {
    const bodyHash = sha256Hex(body);
    const signed = signedHeaders(
      { method, path, query, headers: { ...headers, host: HOST, 'x-amz-content-sha256': bodyHash }, bodyHash },
      { credentials: CREDENTIALS, region: 'us-east-1', service: 's3', atMs: Date.UTC(2013, 4, 24) },
    );
    expect(signed['x-amz-date']).toBe('20130524T000000Z');
    expect(signed.authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE\/20130524\/us-east-1\/s3\/aws4_request,SignedHeaders=/,
    );
    expect(signed.authorization).toMatch(new RegExp(`Signature=${signature}$`));
  });

  it("equals that of get-vanilla in Amazon's test suite", () => {
    const signed = signedHeaders(
      { method: 'GET', path: '/', query: [], headers: { host: 'example.amazonaws.com' }, bodyHash: sha256Hex('') },
      {
        credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' },
        region: 'us-east-1',
        service: 'service',
        atMs: Date.UTC(2015, 7, 30, 12, 36),
      },
    );
    expect(signed.authorization).toBe(
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request,SignedHeaders=host;x-amz-date,' +
        'Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
    );
  });

  it("covers a session's token", () => {
    const sign = (sessionToken?: string) =>
      signedHeaders(
        { method: 'GET', path: '/', query: [], headers: { host: HOST }, bodyHash: sha256Hex('') },
        {
          credentials: { ...CREDENTIALS, ...(sessionToken === undefined ? {} : { sessionToken }) },
          region: 'us-east-1',
          service: 's3',
          atMs: 0,
        },
      );
    expect(sign('token')['x-amz-security-token']).toBe('token');
    expect(sign('token').authorization).toContain('SignedHeaders=host;x-amz-date;x-amz-security-token,');
    expect(sign().authorization).toContain('SignedHeaders=host;x-amz-date,');
  });

  it('has the query in the order of encoded names, whatever stands after them', () => {
    const query: QueryPairs = [
      ['a-b', '2'],
      ['a', 'z'],
      ['a', ' /*'],
      ['é', '~'],
      ['B', ''],
    ];
    expect(queryString(query)).toBe('%C3%A9=~&B=&a=%20%2F%2A&a=z&a-b=2');
  });
});
