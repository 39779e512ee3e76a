import type { DuckDBVarCharVector } from '@duckdb/node-api';
import type { TextSink, ValidAt } from '../types/column-data.ts';
import type { PackedTextSink } from '../types/packed-texts.ts';
import { VectorBytes } from './vector-bytes.ts';

/** Reads texts of vectors: as strings, or as their bytes. */
export interface TextReader {
  push(vector: DuckDBVarCharVector, rows: number, validAt: ValidAt, sink: TextSink | PackedTextSink): void;
}

const SLOTS = 4096;
/** Texts up to so many bytes are looked up: most that come again, such as names and codes, are short. */
const LONGEST_KNOWN = 64;

/**
 * Starts one. A text of ASCII that came before is found in a table of slots, 20 ns, and shares its memory; making
 * one takes 80 ns. The table lives as long as the reader.
 */
export function textReader(): TextReader {
  const known: string[] = new Array<string>(SLOTS).fill('');
  const textAt = (bytes: Buffer, start: number, end: number): string => {
    const length = end - start;
    if (length > LONGEST_KNOWN) return bytes.toString('utf8', start, end);
    let hash = length;
    let high = 0;
    for (let at = start; at < end; at += 1) {
      const byte = bytes[at] as number;
      high |= byte;
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    if (high > 127) return bytes.toString('utf8', start, end);
    const slot = (hash ^ (hash >>> 12)) & (SLOTS - 1);
    const found = known[slot] as string;
    if (isText(found, bytes, start, length)) return found;
    const text = bytes.toString('latin1', start, end);
    known[slot] = text;
    return text;
  };
  return {
    push(vector, rows, validAt, sink) {
      const { dataView } = vector as unknown as { readonly dataView?: DataView };
      if (dataView === undefined || dataView.byteOffset % 4 !== 0) {
        for (let row = 0; row < rows; row += 1) pushText(sink, vector.getItem(row));
        return;
      }
      const texts = new VectorBytes(dataView, rows, validAt);
      for (let row = 0; row < rows; row += 1) {
        if (validAt !== undefined && !validAt(row)) {
          pushText(sink, null);
          continue;
        }
        texts.seek(row);
        if (sink.kind === 'utf8') sink.pushBytes(texts.bytes, texts.start, texts.end);
        else sink.push(textAt(texts.bytes, texts.start, texts.end));
      }
    },
  };
}

function isText(text: string, bytes: Buffer, start: number, length: number): boolean {
  if (text.length !== length) return false;
  for (let at = 0; at < length; at += 1) {
    if (text.charCodeAt(at) !== bytes[start + at]) return false;
  }
  return true;
}

function pushText(sink: TextSink | PackedTextSink, text: string | null): void {
  if (sink.kind === 'string') sink.push(text);
  else if (text === null) sink.pushNull();
  else {
    const bytes = Buffer.from(text);
    sink.pushBytes(bytes, 0, bytes.length);
  }
}
