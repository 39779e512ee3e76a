import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the project. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** TypeScript files under a folder of the project, as paths from its root. */
export function sourceFiles(folder: string): string[] {
  const found: string[] = [];
  for (const name of readdirSync(join(ROOT, folder))) {
    const path = `${folder}/${name}`;
    if (statSync(join(ROOT, path)).isDirectory()) found.push(...sourceFiles(path));
    else if (name.endsWith('.ts')) found.push(path);
  }
  return found.sort();
}

/** The text of a file. */
export function textOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** What a file imports: files of ours as paths from the root, packages by their names. */
export function importsOf(path: string): string[] {
  const targets: string[] = [];
  for (const [, target = ''] of textOf(path).matchAll(/(?:from\s+|import\s+|import\()'([^']+)'/g)) {
    targets.push(target.startsWith('.') ? normalize(join(dirname(path), target)) : target);
  }
  return targets;
}
