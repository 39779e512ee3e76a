import { type ExactJson, isJsonObject, JsonNumber, type JsonObject } from '../base/exact-json.ts';

/** A member of a JSON line that has no text of its own. */
export interface OddMember {
  /** What is wrong with it, without its value. */
  readonly problem: string;
  /** The number written out, where it is one in exponent form; null where it is none, or too long. */
  readonly digits: string | null;
}

/** Beyond it no field can hold the number, and writing it out would cost memory. */
const MOST_EXPONENT = 30;
const EXPONENT_FORM = /^(-?)(\d+)(?:\.(\d+))?[eE]([+-]?\d{1,3})$/;

/**
 * The text of the scalar at a name, or at a dotted path; undefined where the line has none, or null. Numbers are told
 * as they are written, for ids go beyond 2^53, only zeros at the end of a fraction fall off.
 *
 * @param body a line that `parseWrittenJson` has read.
 */
export function memberText(body: JsonObject, column: string): string | OddMember | undefined {
  const value = memberAt(body, column);
  if (value === undefined || value === null) return undefined;
  if (value instanceof JsonNumber) return numberText(value.text);
  if (typeof value === 'object') return { problem: 'is an object or a list, where one value belongs', digits: null };
  return String(value);
}

function memberAt(body: JsonObject, column: string): ExactJson | undefined {
  if (Object.hasOwn(body, column)) return body[column];
  if (!column.includes('.')) return undefined;
  let value: ExactJson | undefined = body;
  for (const name of column.split('.')) {
    value = isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  }
  return value;
}

function numberText(text: string): string | OddMember {
  const match = EXPONENT_FORM.exec(text);
  if (match !== null) {
    const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
    return exponentForm(
      Math.abs(Number(exponent)) > MOST_EXPONENT ? null : writtenOut(sign, whole, fraction, exponent),
    );
  }
  return /[eE]/.test(text) ? exponentForm(null) : withoutLastZeros(text);
}

/** Nobody writes an id so: what made the file has rounded it, or would read `1e5` where the id is 100000. */
function exponentForm(digits: string | null): OddMember {
  return { problem: 'is a number in exponent form: write the id as a text', digits };
}

function writtenOut(sign: string, whole: string, fraction: string, exponent: string): string {
  const point = whole.length + Number(exponent);
  const digits = `${'0'.repeat(Math.max(0, 1 - point))}${whole}${fraction}`;
  const at = Math.max(1, point);
  const written = `${digits.slice(0, at).padEnd(at, '0')}.${digits.slice(at)}`;
  return sign + withoutLastZeros(written).replace(/^0+(?=\d)/, '');
}

function withoutLastZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0*$/, '') : text;
}
