import type { DuckDBVarCharVector } from '@duckdb/node-api';
import type { TextSink, ValidAt } from '../types/column-data.ts';

/*
 * DuckDB's string, 16 bytes: length:u32, then 12 bytes of text where it has no more than these,
 * else prefix:u32 pointer:u64.
 */
const STRING_BYTES = 16;
const INLINE_BYTES = 12;
const SLOTS = 4096;

/**
 * Reads texts of vectors. The library decodes each one by itself, 190 ns; here a short text that
 * came before, and a long one that shares its bytes with another row of its vector (dictionary
 * encoding), are found in a table of slots, 15 ns.
 */
export interface TextReader {
  push(vector: DuckDBVarCharVector, rows: number, validAt: ValidAt, sink: TextSink): void;
}

/** Starts one; its table lives as long as it does. */
export function textReader(): TextReader {
  const shortTexts: string[] = new Array<string>(SLOTS).fill('');
  const shortWords = new Int32Array(SLOTS * 4).fill(-1);
  const longTexts: string[] = new Array<string>(SLOTS).fill('');
  const longWords = new Int32Array(SLOTS * 4);
  // Bytes behind a pointer are sure for the time of one vector only.
  let turn = 0;
  const shortText = (words: Int32Array, at: number, length: number, bytes: Uint8Array): string => {
    const a = words[at + 1] as number;
    const b = words[at + 2] as number;
    const c = words[at + 3] as number;
    const slot = slotOf(a, b, c, length);
    const base = slot * 4;
    if (
      shortWords[base] === length &&
      shortWords[base + 1] === a &&
      shortWords[base + 2] === b &&
      shortWords[base + 3] === c
    ) {
      return shortTexts[slot] as string;
    }
    const start = at * 4 + 4;
    const text = decodeShort(bytes, start, start + length);
    shortWords.set([length, a, b, c], base);
    shortTexts[slot] = text;
    return text;
  };
  const longText = (
    vector: DuckDBVarCharVector,
    row: number,
    words: Int32Array,
    at: number,
    length: number,
  ): string => {
    const low = words[at + 2] as number;
    const high = words[at + 3] as number;
    const slot = slotOf(low, high, 0, length);
    const base = slot * 4;
    if (
      longWords[base] === turn &&
      longWords[base + 1] === length &&
      longWords[base + 2] === low &&
      longWords[base + 3] === high
    ) {
      return longTexts[slot] as string;
    }
    const text = vector.getItem(row) ?? '';
    longWords.set([turn, length, low, high], base);
    longTexts[slot] = text;
    return text;
  };
  return {
    push(vector, rows, validAt, sink) {
      turn = (turn + 1) | 0;
      const { dataView } = vector as unknown as { readonly dataView?: DataView };
      if (dataView === undefined || dataView.byteOffset % 4 !== 0) {
        for (let row = 0; row < rows; row += 1) sink.push(vector.getItem(row));
        return;
      }
      const bytes = new Uint8Array(dataView.buffer, dataView.byteOffset, rows * STRING_BYTES);
      const words = new Int32Array(dataView.buffer, dataView.byteOffset, rows * 4);
      for (let row = 0; row < rows; row += 1) {
        if (validAt !== undefined && !validAt(row)) {
          sink.push(null);
          continue;
        }
        const at = row * 4;
        const length = words[at] as number;
        if (length > INLINE_BYTES) sink.push(longText(vector, row, words, at, length));
        else sink.push(length === 0 ? '' : shortText(words, at, length, bytes));
      }
    },
  };
}

function slotOf(a: number, b: number, c: number, length: number): number {
  let hash = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b) ^ Math.imul(c, 0xc2b2ae35) ^ length;
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) & (SLOTS - 1);
}

// Without the option a U+FEFF at the start of a text is dropped.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

function decodeShort(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] as number;
    if (byte >= 128) return decoder.decode(bytes.subarray(start, end));
    text += String.fromCharCode(byte);
  }
  return text;
}
