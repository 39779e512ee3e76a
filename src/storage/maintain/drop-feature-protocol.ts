import type { Protocol } from '../log/actions.ts';
import { type TableFeature, tableFeature, writerFeaturesOf } from '../log/table-features.ts';

const READER_VERSION = 3;
const WRITER_VERSION = 7;

/**
 * The protocol without a feature, and with some that take its place, in its weakest form (Delta Spark,
 * `Protocol.normalized`): versions alone where they stand for exactly the features that are left, else the
 * lists, and readers' only where a reader must know one that no version stands for.
 */
export function withoutFeature(protocol: Protocol, dropped: string, added: readonly string[] = []): Protocol {
  const names = new Set([...writerFeaturesOf(protocol), ...added]);
  names.delete(dropped);
  const features = [...names].map(tableFeature);
  const minReaderVersion = Math.max(1, ...features.map(readerVersionOf));
  const minWriterVersion = Math.max(1, ...features.map((feature) => feature?.legacyWriterVersion ?? WRITER_VERSION));
  const asVersions: Protocol = { minReaderVersion, minWriterVersion };
  if (minWriterVersion < WRITER_VERSION && isSameSet(writerFeaturesOf(asVersions), names)) return asVersions;
  const writerFeatures = [...names].sort();
  if (minReaderVersion < READER_VERSION) return { minReaderVersion, minWriterVersion: WRITER_VERSION, writerFeatures };
  const readerFeatures = writerFeatures.filter((name) => tableFeature(name)?.isReaderFeature === true);
  return { minReaderVersion, minWriterVersion: WRITER_VERSION, readerFeatures, writerFeatures };
}

function readerVersionOf(feature: TableFeature | undefined): number {
  return feature?.isReaderFeature === true ? (feature.legacyReaderVersion ?? READER_VERSION) : 1;
}

function isSameSet(left: ReadonlySet<string>, right: ReadonlySet<string>): boolean {
  return left.size === right.size && [...left].every((name) => right.has(name));
}
