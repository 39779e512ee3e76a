import { Document, isMap, isSeq } from 'yaml';
import type { FeatureSetDefinition } from '../definition/definition.ts';
import { KEY_OF_MEMBER } from './feature-reader.ts';

/** The text of a file that says what a set is: read again, it is the same set. */
export function writeDefinitionFile(set: FeatureSetDefinition): string {
  const document = new Document(fileMembers(set), { aliasDuplicateObjects: false });
  const list = document.get('features');
  // An empty line between features, so that a person sees where one ends.
  if (isSeq(list)) for (const item of list.items.slice(1)) if (isMap(item)) item.spaceBefore = true;
  return document.toString({ lineWidth: 120 });
}

/** The members of a set under the keys that they have in a file. */
export function fileMembers({ features, ...head }: FeatureSetDefinition): Readonly<Record<string, unknown>> {
  return { ...renamed(head), features: features.map(renamed) };
}

function renamed(members: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).map(([member, value]) => [KEY_OF_MEMBER[member] ?? member, value]));
}
