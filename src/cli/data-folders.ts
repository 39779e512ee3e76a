import { join, resolve } from 'node:path';

/** Where things lie under `SENTINELA_DATA_DIR`. */
export interface DataFolders {
  readonly root: string;
  readonly lake: string;
  /** Journals of every instance. */
  readonly journals: string;
  /** The journal of one instance. */
  journal(instance: string): string;
  /** Numbers of epochs that were taken. */
  readonly epochs: string;
  /** Locked by an import: no server may start meanwhile. */
  readonly importing: string;
  /** The key that pseudonyms of exports are made with. */
  readonly pseudonymKey: string;
  /** Training sets that are named and not given a place. */
  readonly exports: string;
  /** The embedded store's snapshot of one instance, for a version of a feature set: several lie beside each other. */
  snapshot(instance: string, setVersion: string): string;
}

/** The folders under a data folder. */
export function dataFolders(dataDir: string): DataFolders {
  const root = resolve(dataDir);
  const journals = join(root, 'journal');
  return {
    root,
    lake: join(root, 'lake'),
    journals,
    epochs: join(root, 'epochs'),
    importing: join(root, 'importing'),
    pseudonymKey: join(root, 'keys', 'pseudonym.key'),
    exports: join(root, 'exports'),
    journal: (instance) => join(journals, instance),
    snapshot: (instance, setVersion) => join(root, 'state', instance, `${setVersion}.snapshot`),
  };
}
