import type { FeatureSetDefinition } from '../definition/definition.ts';
import { expandedText, readDefinitionFile } from './definition-file.ts';

/**
 * A definition that was kept as JSON, such as a manifest's. It is held to all that a file is held to.
 *
 * @param place whose it is, for messages. @throws AppError `feature_invalid`, `too_large`.
 */
export function checkedDefinition(value: unknown, place: string): FeatureSetDefinition {
  const isSet = typeof value === 'object' && value !== null && 'features' in value && Array.isArray(value.features);
  // A file without features is told to be none.
  const definition = (isSet ? value : { features: [] }) as FeatureSetDefinition;
  readDefinitionFile(expandedText(definition), place);
  // And not what was read: its hash is that of the members as they were kept.
  return definition;
}
