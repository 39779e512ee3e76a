import { LineCounter, parseDocument } from 'yaml';
import { AppError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import type { FeatureSetDefinition } from '../definition/definition.ts';
import { FileFaults } from './file-faults.ts';
import { SetReader } from './set-reader.ts';

/**
 * Reads a feature set that is written in YAML (or JSON, which is YAML too). The set is what the same members in
 * TypeScript are, and has the same version; `docs/feature-sets.md` says what is written how.
 *
 * @param file its name, for messages.
 * @throws DefinitionFileError `feature_invalid`: every fault with line, column and the nearest right name; nothing is
 * taken by half. AppError `too_large`.
 */
export function readDefinitionFile(text: string, file: string): FeatureSetDefinition {
  const bytes = Buffer.byteLength(text);
  if (bytes > LIMITS.definitionFileBytes) {
    throw new AppError('too_large', `${file} has ${bytes} bytes; ${LIMITS.definitionFileBytes} is the limit`, { file });
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const faults = new FileFaults(lines);
  for (const { message, pos } of [...document.errors, ...document.warnings]) faults.add(pos[0], message);
  faults.check(file);
  const definition = new SetReader(text, document, faults).read();
  faults.check(file);
  if (definition === undefined) throw new Error('a file without faults is a set');
  return definition;
}
