/*
 * Absolute URIs of objects (RFC 3986), as Delta's actions name files outside of their table's folder.
 * One object has several spellings: `file:/x`, `file:///x`, `file://localhost/x` and `/x` are one, and
 * so are `%61` and `a`.
 */

/** The URI of an object. @param root the store's, with a closing slash. */
export function uriOfKey(root: string, key: string): string {
  return root + key.split('/').map(encodeURIComponent).join('/');
}

/** The root URI of a folder of this machine, with a closing slash. */
export function uriOfPath(folder: string): string {
  const path = folder.split('/').map(encodeURIComponent).join('/');
  return `file://${path}${path.endsWith('/') ? '' : '/'}`;
}

/** The key of a URI, or an absolute path, below a store's root; undefined where it lies elsewhere. */
export function keyOfUri(uri: string, root: string): string | undefined {
  const [asked, base] = [canonical(uri), canonical(root)];
  if (asked === undefined || base === undefined || !asked.startsWith(base) || asked === base) return undefined;
  return asked.slice(base.length);
}

/** Scheme, authority and decoded path in one form; undefined for what is no URI. */
function canonical(uri: string): string | undefined {
  const match = /^(?:([a-z][a-z0-9+.-]*):)?(?:\/\/([^/]*))?(\/.*)$/i.exec(uri);
  if (match === null) return undefined;
  const scheme = (match[1] ?? 'file').toLowerCase();
  const authority = match[2] === 'localhost' && scheme === 'file' ? '' : (match[2] ?? '');
  try {
    return `${scheme}://${authority}${decodeURIComponent(match[3] ?? '')}`;
  } catch {
    return undefined;
  }
}
