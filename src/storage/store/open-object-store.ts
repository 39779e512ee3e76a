import { resolve } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import { localObjectStore } from './local-object-store.ts';
import type { ObjectStore } from './object-store.ts';
import { checkedKey } from './object-uri.ts';
import type { Environment } from './s3/aws-environment.ts';
import { s3ObjectStore } from './s3-object-store.ts';

/** A store and a place in it. */
export interface OpenedStore {
  readonly store: ObjectStore;
  /** The key of the table's folder, without a slash at its end; empty for the store's root. */
  readonly table: string;
}

/** What a store takes from outside. */
export interface OpenStoreParts {
  readonly environment: Environment;
  readonly clock: Clock;
}

/**
 * Opens the store that holds a table: a path of this machine, a `file:` URI, or `s3://bucket/folder`
 * (`s3a:` and `s3n:` too). The store is the whole bucket, or the whole disk, so that it also holds the
 * files that a shallow clone names elsewhere.
 *
 * @param uri of a `file:` URI the path is percent-decoded; a plain path and an `s3:` URI are taken as
 * they stand, as Amazon's tools and Spark take them.
 * @throws AppError usage for another scheme, or a URI that is none.
 */
export function openObjectStore(uri: string, parts: OpenStoreParts): OpenedStore {
  const s3 = /^s3[an]?:\/\/([^/]+)\/*(.*)$/is.exec(uri);
  if (s3 !== null) {
    return { store: s3ObjectStore({ bucket: s3[1] ?? '', ...parts }), table: folderKey(s3[2] ?? '') };
  }
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(uri)?.[1]?.toLowerCase();
  const store = localObjectStore('/');
  if (scheme === undefined) return { store, table: folderKey(resolve(uri)) };
  if (scheme !== 'file') {
    throw new AppError('usage', `${uri} is neither a path nor a file: or s3: URI; other stores are not supported`);
  }
  const table = store.keyOfUri(uri.replace(/\/+$/, ''));
  if (table === undefined) throw new AppError('usage', `${uri} names no folder of this machine; write file:///folder`);
  return { store, table };
}

function folderKey(path: string): string {
  const key = path.replace(/^\/+|\/+$/g, '');
  return key === '' ? '' : checkedKey(key);
}
