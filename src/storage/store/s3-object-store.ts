import { open } from 'node:fs/promises';
import type { Clock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import { probedStore } from './conditional-put-probe.ts';
import { guarded, readRange } from './local-files.ts';
import type { ObjectStore } from './object-store.ts';
import { checkedKey, keyOfUri, uriOfKey } from './object-uri.ts';
import { credentialChain, fixedCredentials } from './s3/aws-credentials.ts';
import { type Environment, endpointVariable, readAwsProfile, variable } from './s3/aws-environment.ts';
import { type S3Client, s3Client } from './s3/client.ts';
import { putIfAbsentToS3 } from './s3/conditional-put.ts';
import { type S3Endpoint, s3Endpoint } from './s3/endpoint.ts';
import { httpExchange } from './s3/http-exchange.ts';
import { listS3 } from './s3/listing.ts';
import { DEFAULT_MULTIPART, type MultipartLimits, type PartSource, putInParts } from './s3/multipart.ts';
import { s3PartWriter } from './s3/part-writer.ts';
import { fetchFromS3, getFromS3 } from './s3/read.ts';
import { DEFAULT_RETRY_LIMITS, type RetryLimits } from './s3/retry.ts';
import type { AwsCredentials } from './s3/signature.ts';

/** Which bucket, and how it is reached; what is left out comes from the environment, as Amazon's tools have it. */
export interface S3StoreOptions {
  readonly bucket: string;
  /** Keys of the store are below this folder of the bucket; no slash at its end. */
  readonly prefix?: string;
  /** Else AWS_REGION, AWS_DEFAULT_REGION, the profile's, us-east-1. */
  readonly region?: string;
  /** Of another server than Amazon's, as http://host:9000; else AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL. */
  readonly endpoint?: string;
  /** Else the usual chain, see {@link credentialChain}. */
  readonly credentials?: AwsCredentials;
  readonly environment: Environment;
  readonly clock: Clock;
  readonly retry?: Partial<RetryLimits>;
  readonly multipart?: MultipartLimits;
  /** Numbers in [0, 1) for the pauses between tries. */
  readonly random?: () => number;
}

/**
 * An object store in a bucket of Amazon S3, or of a server that speaks its protocol. The first
 * `putIfAbsent` finds out whether the server keeps the condition, and refuses one that does not.
 *
 * Besides the port's errors calls throw storage_denied, storage_unsafe, invalid_config, not_found (no
 * such bucket), and put_undecided when it stays open whether `putIfAbsent` took place.
 *
 * @throws AppError storage_failed for a prefix that is no key, invalid_config for an endpoint that is no URL.
 */
export function s3ObjectStore(options: S3StoreOptions): ObjectStore {
  const { bucket, prefix = '', multipart = DEFAULT_MULTIPART } = options;
  const folder = prefix === '' ? '' : `${checkedKey(prefix)}/`;
  const client = clientOf(options);
  const root = uriOfKey(`s3://${bucket}/`, folder);
  const full = (key: string): string => folder + checkedKey(key);
  const putSource = async (key: string, source: PartSource): Promise<void> => {
    if (source.sizeBytes > multipart.aboveBytes) return putInParts(client, key, source, multipart.partBytes);
    const body = await source.read(0, source.sizeBytes);
    await client.send({ method: 'PUT', key, body, accepts: [200] });
  };
  return probedStore({
    get: async (key, range) => getFromS3(client, full(key), range),
    listFrom: (start, startAfter) => listS3(client, folder, start, startAfter),
    putIfAbsent: async (key, bytes) => putIfAbsentToS3(client, full(key), bytes),
    put: async (key, bytes) =>
      putSource(full(key), { sizeBytes: bytes.length, read: async (start, end) => bytes.subarray(start, end) }),
    startPut: async (key) => s3PartWriter(client, full(key), multipart.partBytes),
    async delete(key) {
      await client.send({ method: 'DELETE', key: full(key), accepts: [200, 204, 404] });
    },
    locate: () => undefined,
    putFile: (key, localPath) => withSource(key, localPath, (source) => putSource(full(key), source)),
    fetchFile: async (key, localPath) => fetchFromS3(client, full(key), localPath),
    uriOf: (key) => uriOfKey(root, key),
    keyOfUri: (uri) => keyOfUri(uri, root),
  });
}

function clientOf(options: S3StoreOptions): S3Client {
  const { bucket, environment, clock } = options;
  const exchange = httpExchange();
  const region = async (): Promise<string> =>
    options.region ??
    variable(environment, 'AWS_REGION') ??
    variable(environment, 'AWS_DEFAULT_REGION') ??
    (await readAwsProfile(environment)).region ??
    'us-east-1';
  const endpoint = options.endpoint ?? endpointVariable(environment, 'AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL');
  let found: Promise<S3Endpoint> | undefined;
  return s3Client({
    bucket,
    endpoint: () => {
      found ??= region().then((name) => s3Endpoint({ bucket, region: name, endpoint }));
      return found;
    },
    credentials:
      options.credentials === undefined
        ? credentialChain({ environment, clock, exchange, region })
        : fixedCredentials(options.credentials),
    exchange,
    retry: {
      limits: { ...DEFAULT_RETRY_LIMITS, ...options.retry },
      clock,
      random: options.random ?? Math.random,
    },
  });
}

/** Opens a file as what is uploaded. */
function withSource(key: string, path: string, act: (source: PartSource) => Promise<void>): Promise<void> {
  return guarded(key, async () => {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      await act({
        sizeBytes: size,
        async read(start, end) {
          const bytes = await readRange(file, start, end);
          if (bytes.length === end - start) return bytes;
          throw new AppError('storage_failed', `The file ${path} got shorter while it was put as ${key}`, { key });
        },
      });
    } finally {
      await file.close();
    }
  });
}
