import { optional, required, type TableContract } from './table-contract.ts';

/** Feature sets that were applied, a row a version; rows are only ever added. */
export const REGISTRY_FEATURE_SETS: TableContract = {
  path: 'registry/feature_sets',
  description: 'Feature sets that were applied, a row each time; the newest of a name is its current version',
  columns: [
    required('name', 'string', 'Name of the set'),
    required('number', 'long', 'Which of the name’s versions it is, from 1'),
    required('version', 'string', 'First 12 digits of the hash'),
    required('hash', 'string', 'SHA-256 of the canonical form of the definition, hex'),
    required('definition', 'string', 'The definition, JSON'),
    required('applied_at', 'timestamp', 'Known time of the application, by our clock'),
    required('applied_by', 'string', 'Who applied it'),
    optional('reason', 'string', 'Why, in the words of who applied it'),
  ],
  partitionColumns: [],
  expectations: [],
  configuration: { 'delta.appendOnly': 'true' },
};
