/** A word, sign or value of an expression; `at` is where it begins, in UTF-16 units from 1. */
export interface Token {
  readonly kind: 'word' | 'sign' | 'text' | 'number' | 'duration' | 'end';
  /** As written; of a text what it holds. */
  readonly text: string;
  readonly at: number;
}

/*
 *   word     = letter {letter | digit | "_"}
 *   number   = digits ["." digits] [("e" | "E") ["+" | "-"] digits]
 *   duration = digits ("s" | "m" | "h" | "d")
 *   text     = "'" {any character but "'" | "''"} "'"
 *   sign     = "<=" | ">=" | "<>" | "!=" | one of + - * / % = < > ( ) , .
 */
const TOKEN =
  /(?<space>\s+)|(?<word>[A-Za-z_][A-Za-z0-9_]*)|(?<duration>\d+[smhd](?![A-Za-z0-9_.]))|(?<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![A-Za-z0-9_.]))|(?<text>'(?:[^']|'')*')|(?<sign><=|>=|<>|!=|[-+*/%=<>(),.])/y;

/**
 * The tokens of an expression, an `end` last.
 *
 * @param fail is called with what is wrong where a character begins no token.
 */
export function tokenize(text: string, fail: (problem: string, at: number) => never): Token[] {
  const tokens: Token[] = [];
  let from = 0;
  while (from < text.length) {
    TOKEN.lastIndex = from;
    const groups = TOKEN.exec(text)?.groups;
    if (groups === undefined) return fail(strangeness(text, from), from + 1);
    const at = from + 1;
    from = TOKEN.lastIndex;
    const { word, duration, number, text: quoted, sign } = groups;
    if (word !== undefined) tokens.push({ kind: 'word', text: word, at });
    else if (duration !== undefined) tokens.push({ kind: 'duration', text: duration, at });
    else if (number !== undefined) tokens.push({ kind: 'number', text: number, at });
    else if (quoted !== undefined) {
      tokens.push({ kind: 'text', text: quoted.slice(1, -1).replaceAll("''", "'"), at });
    } else if (sign !== undefined) tokens.push({ kind: 'sign', text: sign === '!=' ? '<>' : sign, at });
  }
  tokens.push({ kind: 'end', text: '', at: text.length + 1 });
  return tokens;
}

function strangeness(text: string, from: number): string {
  const character = text[from] ?? '';
  if (character === "'") return 'a text is not closed: it ends with another quote';
  if (character === '"') return "texts stand in single quotes: 'text'";
  if (/\d/.test(character)) {
    return 'this is no number and no span: write 10, 0.5 or 1e6, or a span such as 10m or 30d';
  }
  return `the sign ${character} has no meaning here`;
}
