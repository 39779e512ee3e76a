/** What can be wrong with a table. */
export type FsckKind =
  /** A data file that the log names is not there. */
  | 'missing_file'
  /** A data file has another size than the log says. */
  | 'wrong_size'
  /** One data file is live twice. */
  | 'shared_file'
  /** The file of a deletion vector is not there, or lies outside the store. */
  | 'missing_vector'
  /** A deletion vector's checksum, size or cardinality is wrong. */
  | 'broken_vector'
  /** A deletion vector takes rows out that its file does not have, or the log does not say how many it has. */
  | 'rows_beyond_file'
  /** A commit between others is not there. */
  | 'missing_commit'
  /** A commit cannot be read. */
  | 'broken_commit'
  /** A version is not what its checksum says. */
  | 'wrong_checksum'
  /** A checkpoint cannot be read. */
  | 'broken_checkpoint'
  /** A checkpoint is not what the commits up to it say. */
  | 'differing_checkpoint';

/** Something that is wrong. */
export interface FsckFinding {
  readonly kind: FsckKind;
  /** The object. */
  readonly key: string;
  /** With the values, for a person. */
  readonly detail: string;
}
