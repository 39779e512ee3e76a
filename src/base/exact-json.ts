/**
 * JSON whose numbers are exact. `JSON.parse` rounds an integer beyond 2^53 and a fraction of more
 * than 15 digits, and Delta logs and tables hold int64 and decimals; here such an integer becomes a
 * bigint, such a fraction a {@link JsonNumber}, and everything else stays as `JSON.parse` gives it.
 * Both are written as plain JSON numbers.
 */

/** A number that no double holds, by its text. */
export class JsonNumber {
  readonly text: string;

  /** @param text a number as JSON writes it. */
  constructor(text: string) {
    this.text = text;
  }

  /** For `JSON.stringify`, which rounds it. */
  toJSON(): number {
    return Number(this.text);
  }
}

/** What {@link parseExactJson} gives. */
export type ExactJson =
  | null
  | boolean
  | number
  | bigint
  | JsonNumber
  | string
  | readonly ExactJson[]
  | { readonly [key: string]: ExactJson };

/** An object of JSON. */
export type JsonObject = { readonly [key: string]: ExactJson };

/** Whether a value is an object, no list and no number. */
export function isJsonObject(value: ExactJson | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber);
}

/** A number of 16 digits or more: only these can be unsafe. Numbers inside strings match too; then the slow path finds nothing to do. */
const LONG_NUMBER = /[-:,[\s][\d.]{16,}|^-?[\d.]{16,}/;

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const INTEGER = /^-?\d+$/;

/**
 * Parses a JSON text.
 *
 * @throws SyntaxError as `JSON.parse` does.
 */
export function parseExactJson(text: string): ExactJson {
  // 98 % of commit lines have no such number, and the built-in parser is twenty times faster.
  if (!LONG_NUMBER.test(text)) return JSON.parse(text) as ExactJson;
  return JSON.parse(quoteNumbers(text, isExact), unquoteLongNumbers) as ExactJson;
}

/** What {@link parseWrittenJson} keeps: a long number, one in exponent form, and one that a double would be written so. */
const NUMBER_TO_KEEP = /(?:[:,[\s]|^)-?(?:[\d.]{16,}|\d[\d.]*[eE]|0\.0{6})/;

/**
 * Parses a JSON text whose numbers are to be read as texts: as {@link parseExactJson} does, and a number in exponent
 * form is a {@link JsonNumber} as well. Every other number is told by `String` digit for digit, but for zeros at its end.
 *
 * @throws SyntaxError as `JSON.parse` does.
 */
export function parseWrittenJson(text: string): ExactJson {
  if (!NUMBER_TO_KEEP.test(text)) return JSON.parse(text) as ExactJson;
  return JSON.parse(quoteNumbers(text, isTold), unquoteLongNumbers) as ExactJson;
}

/** Writes a value as JSON, bigints as plain numbers. Undefined members are left out. */
export function stringifyExactJson(value: unknown): string {
  return write(value) ?? 'null';
}

/** Marks a string as a number that was quoted by us; U+E000 is private and doubled where a text holds it. */
const MARK = '\uE000';

/** A text that begins with the mark, as it is or escaped. */
const MARKED = /^"(?:\uE000|\\u[eE]000)/;

/** @param isKept whether a number may stay a number. */
function quoteNumbers(text: string, isKept: (token: string) => boolean): string {
  let out = '';
  let at = 0;
  while (at < text.length) {
    const char = text.charAt(at);
    if (char === '"') {
      const end = endOfString(text, at);
      const literal = text.slice(at, end);
      out += MARKED.test(literal) ? `"${MARK}${literal.slice(1)}` : literal;
      at = end;
      continue;
    }
    NUMBER.lastIndex = at;
    const token = char === '-' || (char >= '0' && char <= '9') ? NUMBER.exec(text)?.[0] : undefined;
    if (token === undefined) {
      out += char;
      at += 1;
      continue;
    }
    out += isKept(token) ? token : `"${MARK}${token}"`;
    at += token.length;
  }
  return out;
}

/** Whether a double holds a number, so that its shortest text has the same digits. */
function isExact(token: string): boolean {
  if (INTEGER.test(token)) return Number.isSafeInteger(Number(token));
  const point = token.indexOf('.');
  // Doubles in logs are written in their shortest text already, 17 digits at most.
  if (point === -1 || token.length < 17) return true;
  const digits = (text: string): string =>
    text
      .replace(/^-/, '')
      .replace('.', '')
      .replace(/^0+|0+$/g, '');
  return /[eE]/.test(token) || digits(String(Number(token))) === digits(token);
}

/** Whether `String` tells a number as it is written. */
function isTold(token: string): boolean {
  return isExact(token) && !/[eE]/.test(token) && !String(Number(token)).includes('e');
}

function unquoteLongNumbers(_key: string, value: unknown): unknown {
  if (typeof value !== 'string' || !value.startsWith(MARK)) return value;
  const rest = value.slice(1);
  if (rest.startsWith(MARK)) return rest;
  return INTEGER.test(rest) ? BigInt(rest) : new JsonNumber(rest);
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length) {
    const char = text.charAt(at);
    if (char === '\\') at += 2;
    else if (char === '"') return at + 1;
    else at += 1;
  }
  return text.length;
}

function write(value: unknown): string | undefined {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof JsonNumber) return value.text;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => write(item) ?? 'null').join(',')}]`;
  if ('toJSON' in value) return JSON.stringify(value);
  const members: string[] = [];
  for (const [key, member] of Object.entries(value)) {
    const text = write(member);
    if (text !== undefined) members.push(`${JSON.stringify(key)}:${text}`);
  }
  return `{${members.join(',')}}`;
}
