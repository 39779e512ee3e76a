import { decodeBase85, decodeUuid, encodeBase85, encodeUuid, UUID_TEXT_LENGTH } from './base85.ts';
import { corruptVector } from './corrupt-vector.ts';
import { RowSet } from './row-set.ts';
import { decodeRowSet, encodeRowSet } from './row-set-codec.ts';
import { checkFormatVersion, type PlacedVector, unframeVector, VECTOR_FRAME_BYTES } from './vector-file.ts';
import { VECTOR_LIMITS } from './vector-limits.ts';

/**
 * Where a deletion vector is (PROTOCOL.md, "Deletion Vector Descriptor Schema"); the log's
 * descriptors are of this form.
 */
export interface VectorDescriptor {
  /** `u`: a file of the table named by a UUID, `p`: a file by its path, `i`: inline. */
  readonly storageType: 'u' | 'p' | 'i';
  readonly pathOrInlineDv: string;
  /** Byte of the vector's size in its file; absent is 0. */
  readonly offset?: number;
  readonly sizeInBytes: number;
  readonly cardinality: number;
}

/** The file of a vector: its key from the table's root, or the URI that the log has. */
export type VectorPlace =
  | { readonly kind: 'relative'; readonly path: string }
  | { readonly kind: 'absolute'; readonly path: string };

/** Gives the bytes `[start, end)` of a file, or those of them that it has; undefined where it is gone. */
export type FetchVector = (
  place: VectorPlace,
  range: { readonly start: number; readonly end: number },
) => Promise<Uint8Array | undefined>;

/**
 * Reads the rows that a vector takes out, and holds size, checksum and cardinality against its
 * descriptor. That they lie inside the data file is for the caller to check, by {@link RowSet.last}.
 *
 * @throws AppError table_corrupt for a vector that is gone or damaged; what `fetch` throws.
 */
export async function readDeletionVector(descriptor: VectorDescriptor, fetch: FetchVector): Promise<RowSet> {
  checkDescriptor(descriptor);
  // Spark reads no file for it either: there may be none.
  if (descriptor.cardinality === 0) return RowSet.EMPTY;
  const place = deletionVectorPlace(descriptor);
  const data =
    place === undefined
      ? decodeBase85(descriptor.pathOrInlineDv, descriptor.sizeInBytes)
      : await fetchData(descriptor, place, fetch);
  const set = decodeRowSet(data);
  if (set.cardinality !== descriptor.cardinality) {
    throw corruptVector(`it holds ${set.cardinality} rows and the log says ${descriptor.cardinality}`, {
      vector: deletionVectorId(descriptor),
    });
  }
  return set;
}

async function fetchData(
  { offset = 0, sizeInBytes }: VectorDescriptor,
  place: VectorPlace,
  fetch: FetchVector,
): Promise<Uint8Array> {
  // The first vector's range takes the format's byte along; of others it would cost a second request.
  const start = offset === 1 ? 0 : offset;
  const bytes = await fetch(place, { start, end: offset + sizeInBytes + VECTOR_FRAME_BYTES });
  if (bytes === undefined) throw corruptVector(`its file ${place.path} is gone`);
  if (start < offset && bytes.length > 0) checkFormatVersion(bytes[0]);
  return unframeVector(bytes.subarray(offset - start), sizeInBytes);
}

/** Whether the numbers of a descriptor can be those of a vector. */
function checkDescriptor({ storageType, offset, sizeInBytes, cardinality }: VectorDescriptor): void {
  const isCount = (value: number, limit: number): boolean => Number.isInteger(value) && value >= 0 && value <= limit;
  if (!isCount(cardinality, VECTOR_LIMITS.rowIndexes)) throw corruptVector(`it has no cardinality ${cardinality}`);
  if (!isCount(sizeInBytes, VECTOR_LIMITS.vectorBytes)) {
    throw corruptVector(`its size is 0 to ${VECTOR_LIMITS.vectorBytes} bytes, not ${sizeInBytes}`);
  }
  if (offset === undefined) return;
  if (!isCount(offset, VECTOR_LIMITS.fileBytes)) throw corruptVector(`its offset is not ${offset}`);
  if (storageType === 'i') throw corruptVector('it stands in the log and has an offset');
}

/** The file of a vector; undefined when it is inline. @throws AppError table_corrupt. */
export function deletionVectorPlace(descriptor: VectorDescriptor): VectorPlace | undefined {
  switch (descriptor.storageType) {
    case 'i':
      return undefined;
    case 'u':
      return { kind: 'relative', path: deletionVectorKey(descriptor) };
    case 'p':
      return { kind: 'absolute', path: descriptor.pathOrInlineDv };
    default:
      throw corruptVector(`its storage type is ${descriptor.storageType}`);
  }
}

/**
 * The key, from the table's root, of the file of a vector that a UUID names:
 * `prefix/deletion_vector_<uuid>.bin`.
 *
 * @throws AppError table_corrupt for a text that holds no UUID, or a prefix that leaves the table.
 */
export function deletionVectorKey({ pathOrInlineDv }: Pick<VectorDescriptor, 'pathOrInlineDv'>): string {
  const prefix = pathOrInlineDv.slice(0, -UUID_TEXT_LENGTH);
  const uuid = decodeUuid(pathOrInlineDv.slice(-UUID_TEXT_LENGTH));
  return deletionVectorFileKey(uuid, prefix);
}

/** The key of the file that {@link storedDescriptor} names by a UUID. @throws AppError table_corrupt. */
export function deletionVectorFileKey(uuid: string, prefix = ''): string {
  const name = `deletion_vector_${uuid}.bin`;
  if (prefix === '') return name;
  if (/^\.{0,2}$|[/\\:%]/.test(prefix)) throw corruptVector('the prefix of its path is no name of a folder');
  return `${prefix}/${name}`;
}

/** What tells a vector of a file from others of it (PROTOCOL.md, "Derived Fields"). */
export function deletionVectorId({ storageType, pathOrInlineDv, offset }: VectorDescriptor): string {
  return offset === undefined ? `${storageType}${pathOrInlineDv}` : `${storageType}${pathOrInlineDv}@${offset}`;
}

/** The descriptor of a vector that was written to the file `deletionVectorFileKey(uuid)`. */
export function storedDescriptor(vector: PlacedVector, uuid: string): VectorDescriptor {
  return { storageType: 'u', pathOrInlineDv: encodeUuid(uuid), ...vector };
}

/** The descriptor that holds a set itself: right for a few hundred bytes, since each reader of the log pays. */
export function inlineDescriptor(set: RowSet): VectorDescriptor {
  const data = encodeRowSet(set);
  return {
    storageType: 'i',
    pathOrInlineDv: encodeBase85(data),
    sizeInBytes: data.length,
    cardinality: set.cardinality,
  };
}
