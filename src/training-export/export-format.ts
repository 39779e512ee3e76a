/** The form of an export: a change that readers must know gives it another number. */
export const EXPORT_FORMAT = 'sentinela-export/1';

/** Where an export keeps what it is. */
export const MANIFEST_FILE = 'manifest.json';
