import { LineCounter, parseDocument } from 'yaml';
import { AppError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import type { FeatureSetDefinition } from '../definition/definition.ts';
import { FileFaults } from './file-faults.ts';
import { SetReader } from './set-reader.ts';
import { fileMembers } from './write-definition.ts';

/**
 * Reads a feature set that is written in YAML (or JSON, which is YAML too). The set is what the same members in
 * TypeScript are, and has the same version; `docs/feature-sets.md` says what is written how.
 *
 * @param file its name, for messages.
 * @throws DefinitionFileError `feature_invalid`: every fault with line, column and the nearest right name; nothing is
 * taken by half. AppError `too_large` for the file, and for the set that it says once aliases and `<<` are written out.
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
  checkExpanded(definition, file);
  return definition;
}

/** Kept as JSON the set has no aliases any more, and as that it is read again. */
export function expandedText(definition: FeatureSetDefinition): string {
  return JSON.stringify(fileMembers(definition));
}

/** A set that is taken can be read again from the registry and from manifests, where the same limit holds. */
function checkExpanded(definition: FeatureSetDefinition, file: string): void {
  const bytes = Buffer.byteLength(expandedText(definition));
  if (bytes <= LIMITS.definitionFileBytes) return;
  const problem = `with its aliases and << written out the set has ${bytes} bytes; ${LIMITS.definitionFileBytes} is the limit`;
  const hint = 'shorten what many of its features repeat, or make several sets of it';
  throw new AppError('too_large', `${file}: ${problem}: ${hint}`, { file });
}
