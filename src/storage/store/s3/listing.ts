import { AppError } from '../../../base/errors.ts';
import { compareUtf8, type ObjectEntry } from '../object-store.ts';
import type { S3Client } from './client.ts';
import { type ListPage, parseListPage } from './documents.ts';
import type { QueryPairs } from './signature.ts';

/**
 * The objects below `folder` (a key prefix with a slash at its end, or nothing), a page of up to
 * 1,000 at a time. Keys come and go relative to the folder.
 *
 * @throws AppError storage_failed, also for a server that does not list in the order of keys, as S3's
 * directory buckets do not: a table's log is read by it.
 */
export async function* listS3(
  client: S3Client,
  folder: string,
  prefix: string,
  startAfter: string | undefined,
): AsyncIterable<ObjectEntry> {
  let last = startAfter === undefined ? '' : folder + startAfter;
  const base: QueryPairs = [
    ['list-type', '2'],
    ['prefix', folder + prefix],
    ...(last === '' ? [] : [['start-after', last] as const]),
  ];
  let isFirst = true;
  let token: string | undefined;
  do {
    const page = await readPage(client, token === undefined ? base : [...base, ['continuation-token', token]]);
    for (const { key, sizeBytes, modifiedMs } of page.objects) {
      if (compareUtf8(key, last) <= 0) {
        // Some servers take `start-after` as "from".
        if (isFirst) continue;
        throw new AppError('storage_failed', `The store does not list its keys in their order, at ${key}`, { key });
      }
      isFirst = false;
      last = key;
      // Consoles mark folders by an empty object; it is no file of anybody's.
      if (!key.endsWith('/')) yield { key: key.slice(folder.length), sizeBytes, modifiedMs };
    }
    if (page.nextToken !== undefined && page.nextToken === token) {
      throw new AppError('storage_failed', 'The store lists the same page again');
    }
    token = page.nextToken;
  } while (token !== undefined);
}

async function readPage(client: S3Client, query: QueryPairs): Promise<ListPage> {
  const { body } = await client.send({ method: 'GET', key: '', query, accepts: [200] });
  return parseListPage(body);
}
