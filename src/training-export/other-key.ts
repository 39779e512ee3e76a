import type { Pseudonyms } from '../governance/pseudonyms.ts';
import type { ExportManifest } from './manifest.ts';

/** What is wrong with the key of pseudonyms, by the one that an export's were made with; null where it is that one, or none is needed. */
export function otherKey({ ids }: Pick<ExportManifest, 'ids'>, pseudonyms: Pseudonyms | undefined): string | null {
  const keyId = pseudonyms?.keyId ?? 'none';
  if (ids?.form !== 'pseudonym' || ids.keyId === keyId) return null;
  return `pseudonyms were made with the key ${ids.keyId}; the key here is ${keyId}`;
}
