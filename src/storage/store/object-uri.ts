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

/** A path as requests sign it: its segments percent-encoded, once. */
export function encodedPath(path: string): string {
  return path.split('/').map(percentEncoded).join('/');
}

/** Characters of a path that java.net.URI escapes: what no URI may hold, spaces and controls of every script. */
const ESCAPED_BY_JAVA =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is escaped.
  /[\x00-\x20"#%<>?[\\\]^`{|}\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/g;

/**
 * The URI of an object, in the one spelling that Hadoop gives a path: Delta Spark looks for rows of a file by
 * comparing that spelling with the text in the log, and fails a DELETE where an absolute path has another.
 *
 * @param root the store's, with a closing slash.
 */
export function uriOfKey(root: string, key: string): string {
  return root + key.replace(ESCAPED_BY_JAVA, encodeURIComponent);
}

/** The root URI of a folder of this machine, with a closing slash. */
export function uriOfPath(folder: string): string {
  return uriOfKey('file:', folder.endsWith('/') ? folder : `${folder}/`);
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
