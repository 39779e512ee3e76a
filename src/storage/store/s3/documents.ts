import { AppError } from '../../../base/errors.ts';
import { childText, parseXml, type XmlElement, XmlFault } from './xml.ts';

/* The documents of S3's REST API that we read and write (docs.aws.amazon.com/AmazonS3/latest/API). */

/** What an Error document says; `region` is where the bucket is, when it was looked for elsewhere. */
export interface S3ErrorDocument {
  readonly code: string;
  readonly message: string;
  readonly region: string | undefined;
}

/** One page of ListObjectsV2. */
export interface ListPage {
  readonly objects: readonly { readonly key: string; readonly sizeBytes: number; readonly modifiedMs: number }[];
  /** Names the next page; undefined on the last. */
  readonly nextToken: string | undefined;
}

/** Reads ListBucketResult. @throws AppError storage_failed */
export function parseListPage(body: Uint8Array): ListPage {
  return reading('listing', () => {
    const root = rootOf(body, 'ListBucketResult');
    const objects = root.children.filter(({ name }) => name === 'Contents').map(listed);
    if (childText(root, 'IsTruncated') !== 'true') return { objects, nextToken: undefined };
    return { objects, nextToken: required(root, 'NextContinuationToken') };
  });
}

/** The id in InitiateMultipartUploadResult. @throws AppError storage_failed */
export function parseUploadId(body: Uint8Array): string {
  return reading('answer', () => required(rootOf(body, 'InitiateMultipartUploadResult'), 'UploadId'));
}

/**
 * The error in the answer to CompleteMultipartUpload, whose status is 200 all the same; undefined for
 * none. @throws AppError storage_failed
 */
export function parseCompletion(body: Uint8Array): S3ErrorDocument | undefined {
  const error = parseErrorDocument(body);
  if (error === undefined) reading('answer', () => rootOf(body, 'CompleteMultipartUploadResult'));
  return error;
}

/** Reads an Error document; undefined for a body that is none, as proxies send. */
export function parseErrorDocument(body: Uint8Array): S3ErrorDocument | undefined {
  try {
    const outer = parseXml(textOf(body));
    // The Security Token Service wraps its errors.
    const root = outer.name === 'ErrorResponse' ? outer.children.find(({ name }) => name === 'Error') : outer;
    if (root?.name !== 'Error') return undefined;
    const message = (childText(root, 'Message') ?? '').slice(0, MAX_MESSAGE_LENGTH);
    return { code: childText(root, 'Code') ?? '', message, region: childText(root, 'Region') };
  } catch (error) {
    if (error instanceof XmlFault) return undefined;
    throw error;
  }
}

/** The body of CompleteMultipartUpload. @param etags of the parts, from the first. */
export function completionBody(etags: readonly string[]): Uint8Array {
  const parts = etags.map((etag, at) => `<Part><PartNumber>${at + 1}</PartNumber><ETag>${escaped(etag)}</ETag></Part>`);
  return new TextEncoder().encode(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`);
}

/** Longer messages only fill logs. */
const MAX_MESSAGE_LENGTH = 300;

function reading<T>(what: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof XmlFault)) throw error;
    throw new AppError('storage_failed', `The store's ${what} cannot be read: ${error.message}`, {}, error);
  }
}

function listed(entry: XmlElement): ListPage['objects'][number] {
  const sizeBytes = Number(required(entry, 'Size'));
  const modifiedMs = Date.parse(required(entry, 'LastModified'));
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) throw new XmlFault('an object is listed without its size');
  if (Number.isNaN(modifiedMs)) throw new XmlFault('an object is listed without its time');
  return { key: required(entry, 'Key'), sizeBytes, modifiedMs };
}

function rootOf(body: Uint8Array, name: string): XmlElement {
  const root = parseXml(textOf(body));
  if (root.name !== name) throw new XmlFault(`the document is ${root.name}, not ${name}`);
  return root;
}

function required(parent: XmlElement, name: string): string {
  const text = childText(parent, name);
  if (text === undefined || text === '') throw new XmlFault(`${parent.name} has no ${name}`);
  return text;
}

function textOf(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw new XmlFault('the document is not UTF-8');
  }
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
