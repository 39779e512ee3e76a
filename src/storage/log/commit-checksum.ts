import { crc32 } from 'node:zlib';
import { AppError } from '../../base/errors.ts';
import { encodeActions } from './action-json.ts';
import type { Action } from './actions.ts';
import { checksumText } from './file-checksum.ts';

/*
 * The CRC-32 of a commit, in its own commitInfo (PROTOCOL.md, "Commit Provenance Information": its members are
 * free): over all of its bytes, with the eight digits of the sum itself as zeros. Without it a bit that flips in a
 * path, a number of rows or a bound is read as another one. Commits of other writers have none.
 */

const MEMBER = 'sentinelaCrc32';
const NO_SUM = '00000000';

/** The member of a commitInfo in which {@link encodeCommit} puts the sum. */
export const UNSEALED: Readonly<Record<string, string>> = { [MEMBER]: NO_SUM };

// Within a text the quotes would be escaped.
const BEFORE_SUM = Buffer.from(`"${MEMBER}":"`);
const ZEROS = Buffer.from(NO_SUM);
const LINE_END = 0x0a;

/** The bytes of a commit, whose first action is a commitInfo with {@link UNSEALED}. */
export function encodeCommit(actions: readonly Action[]): Uint8Array {
  const bytes = viewOf(encodeActions(actions));
  const at = placeOf(bytes);
  if (at !== undefined) bytes.write(checksumText(crc32(bytes)), at, 'latin1');
  return bytes;
}

/**
 * Holds a commit against its sum, where it has one.
 *
 * @throws AppError table_corrupt naming it.
 */
export function checkCommit(bytes: Uint8Array, name: string): void {
  const whole = viewOf(bytes);
  const at = placeOf(whole);
  if (at === undefined) return;
  const end = at + NO_SUM.length;
  const sum = crc32(whole.subarray(end), crc32(ZEROS, crc32(whole.subarray(0, at))));
  if (whole.toString('latin1', at, end) === checksumText(sum)) return;
  throw new AppError('table_corrupt', `The commit ${name} is damaged: its checksum is not that of its bytes`, {
    key: name,
  });
}

/** Where the digits of the sum begin: in the first line, which is the commitInfo. */
function placeOf(bytes: Buffer): number | undefined {
  const lineEnd = bytes.indexOf(LINE_END);
  const line = lineEnd < 0 ? bytes : bytes.subarray(0, lineEnd);
  const at = line.lastIndexOf(BEFORE_SUM);
  return at < 0 ? undefined : at + BEFORE_SUM.length;
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
