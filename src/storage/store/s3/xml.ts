/*
 * The XML of S3's documents, no more:
 *
 *   document = [ "<?xml" … "?>" ] element
 *   element  = "<" name attributes "/>" | "<" name attributes ">" (text | element)* "</" name ">"
 *   text     = characters and references: &amp; &lt; &gt; &quot; &apos; &#10; &#x1F600;
 *
 * No document type, entities, comments, CDATA or processing instructions: S3 sends none, and what
 * sends them is not S3. Attributes (a namespace) are read over.
 */

/** An element: its name, the text directly in it and the elements in it. */
export interface XmlElement {
  readonly name: string;
  readonly text: string;
  readonly children: readonly XmlElement[];
}

/** A text that is no such XML; the message says where. */
export class XmlFault extends Error {}

/** S3's documents nest five deep. */
const MAX_DEPTH = 16;

const DECLARATION = /\s*(?:<\?xml\s[^<>?]*\?>)?\s*/y;
// The attributes' parts cannot match one text in two ways, so that no input makes this slow.
const OPEN_TAG = /<([A-Za-z_][\w.-]*(?::[A-Za-z_][\w.-]*)?)((?:\s+[A-Za-z_][\w.:-]*="[^"<]*")*)\s*(\/?)>/y;
const CLOSE_TAG = /<\/([A-Za-z_][\w.:-]*)\s*>/y;
const TEXT = /[^<]+/y;

/**
 * Reads a document.
 *
 * @throws XmlFault for anything that is not of the grammar above.
 */
export function parseXml(source: string): XmlElement {
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(source);
    if (match === null) return undefined;
    at = pattern.lastIndex;
    return match;
  };
  const element = (depth: number): XmlElement => {
    if (depth > MAX_DEPTH) throw new XmlFault(`XML nests deeper than ${MAX_DEPTH} at ${at}`);
    const open = take(OPEN_TAG);
    if (open === undefined) throw new XmlFault(`no element of XML starts at ${at}`);
    const name = open[1] ?? '';
    let text = '';
    const children: XmlElement[] = [];
    if (open[3] === '/') return { name, text, children };
    for (;;) {
      const piece = take(TEXT);
      if (piece !== undefined) text += unescaped(piece[0], at);
      const close = take(CLOSE_TAG);
      if (close === undefined) children.push(element(depth + 1));
      else if (close[1] === name) return { name, text, children };
      else throw new XmlFault(`${name} is closed as ${close[1]} before ${at}`);
    }
  };
  // S3 sends white space while it works on a long request, also before the document.
  take(DECLARATION);
  const root = element(1);
  if (source.slice(at).trim() !== '') throw new XmlFault(`something follows the XML at ${at}`);
  return root;
}

/** The text of the element of a name; undefined where there is none. */
export function childText(parent: XmlElement, name: string): string | undefined {
  return parent.children.find((child) => child.name === name)?.text;
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescaped(text: string, at: number): string {
  if (!text.includes('&')) return text;
  return text.replace(/&([^;&]{0,12};)?/g, (whole, reference: string | undefined) => {
    const name = reference?.slice(0, -1) ?? '';
    if (Object.hasOwn(NAMED, name)) return NAMED[name] ?? '';
    const number = /^#(?:x([0-9a-f]{1,6})|(\d{1,7}))$/i.exec(name);
    const point = number === null ? -1 : number[1] === undefined ? Number(number[2]) : Number.parseInt(number[1], 16);
    if (point < 0 || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) {
      throw new XmlFault(`${whole} before ${at} is no character of XML`);
    }
    return String.fromCodePoint(point);
  });
}
