import { isScalar, type Node } from 'yaml';

/**
 * Where a character of an expression stands in the file, UTF-16 units from 0. YAML folds and indents white space, so it
 * is found by counting what is not white; where escapes make even that untrue, it is where the expression begins.
 *
 * @param node what holds the expression. @param position in its text, from 1.
 */
export function expressionPlace(source: string, node: Node | null, text: string, position: number): number {
  const start = node?.range?.[0] ?? 0;
  const end = node?.range?.[1] ?? start;
  if (!isScalar(node)) return start;
  const written = source.slice(start, end);
  if (node.type === 'QUOTE_DOUBLE' && written.includes('\\')) return start;
  const isQuoted = node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE';
  const isBlock = node.type === 'BLOCK_FOLDED' || node.type === 'BLOCK_LITERAL';
  // The line of a block's sign holds no text.
  let at = isBlock ? written.indexOf('\n') + 1 : isQuoted ? 1 : 0;
  let left = text.slice(0, position - 1).replace(/\s/g, '').length;
  for (; left > 0 && at < written.length; at += 1) {
    if (/\s/.test(written[at] ?? '')) continue;
    // In single quotes a quote is written twice.
    if (node.type === 'QUOTE_SINGLE' && written[at] === "'" && written[at + 1] === "'") at += 1;
    left -= 1;
  }
  const isAtWhite = /\s/.test(text[position - 1] ?? ' ');
  while (!isAtWhite && at < written.length && /\s/.test(written[at] ?? '')) at += 1;
  return start + at;
}
