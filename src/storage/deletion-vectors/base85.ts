import { corruptVector } from './corrupt-vector.ts';

/*
 * Z85 (rfc.zeromq.org/spec/32; PROTOCOL.md, "Deletion Vector Descriptor Schema"):
 *
 *   text  = *group
 *   group = 5 characters, the digits of a big-endian uint32 in base 85, the highest first
 *
 * Bytes that do not fill the last group are followed by zeros; how many were meant is told elsewhere.
 */

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';

const NO_DIGIT = 255;

/** The value of each ASCII character. */
const DIGITS = new Uint8Array(128).fill(NO_DIGIT);
for (let digit = 0; digit < ALPHABET.length; digit += 1) DIGITS[ALPHABET.charCodeAt(digit)] = digit;

/** How long the text of a UUID is. */
export const UUID_TEXT_LENGTH = 20;

const UUID_BYTES = 16;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The text of bytes, zeros added up to a multiple of four. */
export function encodeBase85(bytes: Uint8Array): string {
  const padded = Buffer.alloc(Math.ceil(bytes.length / 4) * 4);
  padded.set(bytes);
  const text = Buffer.allocUnsafe((padded.length / 4) * 5);
  for (let group = 0; group * 4 < padded.length; group += 1) {
    let value = padded.readUInt32BE(group * 4);
    for (let place = 4; place >= 0; place -= 1) {
      text[group * 5 + place] = ALPHABET.charCodeAt(value % 85);
      value = Math.floor(value / 85);
    }
  }
  return text.toString('latin1');
}

/**
 * The first `sizeBytes` bytes of what a text holds; the rest of its last group is padding.
 *
 * @throws AppError table_corrupt for a text that is no Z85 or holds fewer bytes, or a whole group more.
 */
export function decodeBase85(text: string, sizeBytes: number): Uint8Array {
  const groups = text.length / 5;
  if (groups !== Math.ceil(sizeBytes / 4)) {
    throw corruptVector(`${text.length} characters of base 85 cannot hold ${sizeBytes} bytes`);
  }
  const bytes = Buffer.alloc(groups * 4);
  for (let group = 0; group < groups; group += 1) bytes.writeUInt32BE(decodeGroup(text, group * 5), group * 4);
  return bytes.subarray(0, sizeBytes);
}

function decodeGroup(text: string, from: number): number {
  let value = 0;
  for (let at = from; at < from + 5; at += 1) {
    const digit = DIGITS[text.charCodeAt(at)] ?? NO_DIGIT;
    if (digit === NO_DIGIT) throw corruptVector(`character ${at} of its text is none of base 85`);
    value = value * 85 + digit;
  }
  // Five digits reach 4,437,053,124: a little more than a uint32 holds.
  if (value > 0xffff_ffff)
    throw corruptVector(`characters ${from} to ${from + 4} of its text are too large for base 85`);
  return value;
}

/** The 20 characters of a UUID in its canonical form. */
export function encodeUuid(uuid: string): string {
  if (!UUID.test(uuid)) throw new RangeError(`not a UUID in its canonical form: ${uuid}`);
  return encodeBase85(Buffer.from(uuid.replaceAll('-', ''), 'hex'));
}

/** The UUID of 20 characters. @throws AppError table_corrupt. */
export function decodeUuid(text: string): string {
  const hex = Buffer.from(decodeBase85(text, UUID_BYTES)).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
