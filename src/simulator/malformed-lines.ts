import type { Random } from '../base/random.ts';

type Damage = (line: string, random: Random) => string;

const replaced =
  (pattern: RegExp, by: string): Damage =>
  (line) => {
    const broken = line.replace(pattern, by);
    return broken === line ? line.slice(0, line.length >> 1) : broken;
  };

/** The ways in which clients get it wrong; each makes a line that no server may accept. */
const DAMAGES: readonly Damage[] = [
  (line, random) => line.slice(0, 1 + random.below(line.length - 1)),
  (line) => `${line.slice(0, -1)},}`,
  (line) => line.replaceAll('"', "'"),
  () => '{}',
  () => 'null',
  () => '[]',
  () => 'não é JSON',
  (line) => `[${line}]`,
  (line) => `${line}${line}`,
  replaced(/"endToEndId":"[^"]+",/, ''),
  replaced(/"endToEndId":"E/, '"endToEndId":"'),
  replaced(/"endToEndId":"./, '"endToEndId":"-'),
  replaced(/"amount":"[^"]+",/, ''),
  replaced(/"amount":"([^"]+)"/, '"amount":$1'),
  replaced(/"amount":"/, '"amount":"-'),
  replaced(/"amount":"[^"]+"/, '"amount":"1,00"'),
  replaced(/"amount":"[^"]+"/, '"amount":"12345678901.00"'),
  replaced(/"side":"[A-Z]+"/, '"side":"payer"'),
  replaced(/"side":"[A-Z]+",/, ''),
  replaced(/"acceptedAt":"[^"]+"/, '"acceptedAt":"2026-02-30T12:00:00.000Z"'),
  replaced(/"acceptedAt":"([^"]+)Z"/, '"acceptedAt":"$1-03:00"'),
  replaced(/"acceptedAt":"[^"]+"/, '"acceptedAt":1767225600'),
  replaced(/"document":"[^"]+"/, '"document":"11111111111"'),
  replaced(/"document":"[^"]+"/, '"document":52998224725'),
  replaced(/"document":"(\d{3})/, '"document":"$1.'),
  replaced(/"ispb":"[^"]+"/, '"ispb":"1823612"'),
  replaced(/"payee":/, '"beneficiary":'),
  replaced(/"payer":\{/, '"payer":[{'),
  replaced(/"number":"[^"]+"/, '"number":null'),
  replaced(/"type":"(CACC|TRAN|SVGS|SLRY)"/, '"type":"CHECKING"'),
  replaced(/"localInstrument":"[A-Z]+"/, '"localInstrument":"TED"'),
  replaced(/"localInstrument":"[A-Z]+"/, '"localInstrument":"DICT","currency":"BRL"'),
  (line) => `{"a":${'['.repeat(200)}${']'.repeat(200)},${line.slice(1)}`,
  (line) => line.replace('"side"', '"si\u0000de"'),
];

/** A broken copy of a well-formed line, without a line break. */
export function malformed(line: string, random: Random): string {
  const damage = DAMAGES[random.below(DAMAGES.length)];
  return damage === undefined ? '{' : damage(line, random);
}
