import { AppError } from '../../../base/errors.ts';
import { encodedPath } from '../object-uri.ts';

/** Where a bucket's requests go. */
export interface S3Endpoint {
  readonly region: string;
  /** Scheme, host and port. */
  readonly origin: string;
  readonly host: string;
  /** The encoded path of a key, or of the bucket itself. */
  pathOf(key: string): string;
}

/** What an endpoint is made from. */
export interface S3Place {
  readonly bucket: string;
  readonly region: string;
  /** Another server than Amazon's. */
  readonly endpoint: string | undefined;
}

/**
 * The endpoint of a bucket. Other servers than Amazon's get the bucket in the path, since few of
 * them have a name for each; so do buckets with a dot, whose name no certificate covers.
 *
 * @throws AppError invalid_config for a bucket or endpoint that is none.
 */
export function s3Endpoint({ bucket, region, endpoint }: S3Place): S3Endpoint {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$/.test(bucket)) {
    throw new AppError('invalid_config', `${JSON.stringify(bucket)} is no name of a bucket`);
  }
  if (!/^[a-z0-9-]{1,64}$/i.test(region)) {
    throw new AppError('invalid_config', `${JSON.stringify(region)} is no region; set AWS_REGION`);
  }
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  const url = endpointUrl(endpoint ?? `https://s3.${region}.${suffix}`);
  const inPath = endpoint !== undefined || bucket.includes('.');
  const host = inPath ? url.host : `${bucket}.${url.host}`;
  const folder = url.pathname.replace(/\/$/, '') + (inPath ? `/${bucket}` : '');
  return {
    region,
    host,
    origin: `${url.protocol}//${host}`,
    pathOf: (key) => (key === '' ? folder || '/' : `${folder}/${encodedPath(key)}`),
  };
}

function endpointUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // A name and password in the endpoint would end up in messages.
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.search !== '') {
    throw new AppError('invalid_config', 'The S3 endpoint must be a URL, as http://host:port or https://host');
  }
  return url;
}
