import { LineCounter, parseDocument, type YAMLError } from 'yaml';

/** What a text of YAML says, or where it is none. */
export type PlainYaml =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false;
      /** From 1; null where the fault has no one place. */
      readonly line: number | null;
      readonly column: number | null;
      /** In words of our own: files of settings hold passwords. */
      readonly problem: string;
    };

/** The faults that people make. The library's own words quote the text, even in their first line, so none of them is told. */
const PROBLEMS: ReadonlyMap<string, string> = new Map([
  ['BAD_INDENT', 'the indent is wrong, or a bracket is not closed'],
  ['BAD_SCALAR_START', 'a value begins with a sign that YAML keeps for itself: put it between quotes'],
  [
    'BLOCK_AS_IMPLICIT_KEY',
    'a key stands within the value of another: mind the indents, or put the value between quotes',
  ],
  ['DUPLICATE_KEY', 'a key comes twice'],
  ['MISSING_CHAR', 'a quote or bracket is not closed, or a separator is missing'],
  ['MULTILINE_IMPLICIT_KEY', 'a line has no colon with a space after its key'],
  ['MULTIPLE_DOCS', 'there is more than one document'],
  ['TAB_AS_INDENT', 'a tab stands where only spaces may'],
  ['TAG_RESOLVE_FAILED', 'a value begins with an exclamation mark: put it between quotes'],
]);

/** Reads one document of YAML. What the library warns of is a fault as well: it would print the line. */
export function readPlainYaml(text: string): PlainYaml {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'silent' });
  const [fault] = [...document.errors, ...document.warnings];
  try {
    if (fault === undefined) return { ok: true, value: document.toJS() as unknown };
  } catch (error) {
    // Only here aliases are followed: one may name nothing, or too many of them make the text too large.
    if (!(error instanceof ReferenceError)) throw error;
    return faultOf(null, null, 'an alias (what begins with *) names nothing, or there are too many: quote the value');
  }
  return unread(fault, lines);
}

function unread(fault: YAMLError, lines: LineCounter): PlainYaml {
  const { line, col } = lines.linePos(fault.pos[0]);
  return faultOf(Math.max(1, line), Math.max(1, col), PROBLEMS.get(fault.code) ?? 'it breaks the rules of YAML');
}

function faultOf(line: number | null, column: number | null, problem: string): PlainYaml {
  return { ok: false, line, column, problem };
}
