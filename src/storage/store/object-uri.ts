import { AppError } from '../../base/errors.ts';

/*
 * Keys, and absolute URIs of objects (RFC 3986), as Delta's actions name files outside of their
 * table's folder. One object has several spellings: `file:/x`, `file:///x`, `file://localhost/x` and
 * `/x` are one, and so are `%61` and `a`, and `s3:`, `s3a:` and `s3n:`.
 */

/**
 * The key itself, when it names an object inside a store.
 *
 * @throws AppError storage_failed for an empty segment, `.`, `..` or a NUL.
 */
export function checkedKey(key: string): string {
  if (isKey(key)) return key;
  throw new AppError('storage_failed', `The key ${JSON.stringify(key)} names nothing inside the store`);
}

/** A text in which only RFC 3986's unreserved characters stand as they are. */
export function percentEncoded(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** A path in a URI: its segments percent-encoded, once. */
export function encodedPath(path: string): string {
  return path.split('/').map(percentEncoded).join('/');
}

/** The URI of an object. @param root the store's, with a closing slash. */
export function uriOfKey(root: string, key: string): string {
  return root + encodedPath(key);
}

/** The root URI of a folder of this machine, with a closing slash. */
export function uriOfPath(folder: string): string {
  const path = encodedPath(folder);
  return `file://${path}${path.endsWith('/') ? '' : '/'}`;
}

/** The key of a URI, or an absolute path, below a store's root; undefined where it lies elsewhere. */
export function keyOfUri(uri: string, root: string): string | undefined {
  const [asked, base] = [canonical(uri), canonical(root)];
  if (asked === undefined || base === undefined || !asked.startsWith(base)) return undefined;
  const key = asked.slice(base.length);
  return isKey(key) ? key : undefined;
}

/** Scheme, authority and decoded path in one form; undefined for what is no URI. */
function canonical(uri: string): string | undefined {
  const match = /^(?:([a-z][a-z0-9+.-]*):)?(?:\/\/([^/]*))?(\/.*)$/is.exec(uri);
  if (match === null) return undefined;
  const scheme = (match[1] ?? 'file').toLowerCase();
  const authority = match[2] === 'localhost' && scheme === 'file' ? '' : (match[2] ?? '');
  try {
    return `${/^s3[an]$/.test(scheme) ? 's3' : scheme}://${authority}${decodeURIComponent(match[3] ?? '')}`;
  } catch {
    return undefined;
  }
}

function isKey(key: string): boolean {
  if (key.includes('\0')) return false;
  return !key.split('/').some((segment) => segment === '' || segment === '.' || segment === '..');
}
