import { readFileSync } from 'node:fs';

/** The program's version, from `package.json` beside `src/` and `dist/`. */
export function programVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
