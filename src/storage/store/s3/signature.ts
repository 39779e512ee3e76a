import { createHash, createHmac } from 'node:crypto';
import { percentEncoded } from '../object-uri.ts';

/*
 * AWS Signature Version 4, in the Authorization header
 * (docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html):
 *
 *   canonical request = method \n path \n query \n headers \n\n names \n hash of the body
 *   text to sign      = AWS4-HMAC-SHA256 \n time \n day/region/service/aws4_request \n hash of the above
 *   key               = HMAC(HMAC(HMAC(HMAC("AWS4" + secret, day), region), service), "aws4_request")
 */

/** Keys of an AWS account or role. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** When they end, in milliseconds since 1970; those without an end do not have it. */
  readonly expiresMs?: number;
}

/** Names and values of a query, before they are encoded. */
export type QueryPairs = readonly (readonly [name: string, value: string])[];

/** What is signed of a request. */
export interface UnsignedRequest {
  readonly method: string;
  /** Percent-encoded, once, as it is sent. */
  readonly path: string;
  readonly query: QueryPairs;
  /** By lower-case name, `host` among them; all of them are signed. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body's SHA-256 in hexadecimal. */
  readonly bodyHash: string;
}

/** For whom, where and when a signature is good. */
export interface SigningScope {
  readonly credentials: AwsCredentials;
  readonly region: string;
  readonly service: string;
  readonly atMs: number;
}

/** The request's headers with those of its signature: `x-amz-date`, the session's token and `authorization`. */
export function signedHeaders(request: UnsignedRequest, scope: SigningScope): Record<string, string> {
  const { credentials, region, service } = scope;
  const time = basicTime(scope.atMs);
  const day = time.slice(0, 8);
  const headers: Record<string, string> = { ...request.headers, 'x-amz-date': time };
  if (credentials.sessionToken !== undefined) headers['x-amz-security-token'] = credentials.sessionToken;
  const names = Object.keys(headers).sort();
  const canonical = [
    request.method,
    request.path,
    queryString(request.query),
    ...names.map((name) => `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}`),
    '',
    names.join(';'),
    request.bodyHash,
  ].join('\n');
  const place = `${day}/${region}/${service}/aws4_request`;
  const toSign = `AWS4-HMAC-SHA256\n${time}\n${place}\n${sha256Hex(canonical)}`;
  const key = [day, region, service, 'aws4_request'].reduce<Buffer>(
    (secret, part) => hmac(secret, part),
    Buffer.from(`AWS4${credentials.secretAccessKey}`),
  );
  const signature = hmac(key, toSign).toString('hex');
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${place},SignedHeaders=${names.join(';')},Signature=${signature}`;
  return headers;
}

/** A query, encoded and in the order that is signed; it is sent so. */
export function queryString(query: QueryPairs): string {
  return query
    .map(([name, value]) => [percentEncoded(name), percentEncoded(value)] as const)
    .sort((left, right) => order(left[0], right[0]) || order(left[1], right[1]))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

/** SHA-256 in hexadecimal. */
export function sha256Hex(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Encoded texts are ASCII, which `<` orders as bytes. */
function order(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** ISO 8601's basic form, whole seconds: 20130524T000000Z. */
function basicTime(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
}

function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
