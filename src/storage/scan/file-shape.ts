/** A column of a file, or a part of one. */
export interface FileColumn {
  readonly name: string;
  /** Its name in a relation where that is another. */
  readonly readAs?: string;
  /** `field_id` of the Parquet schema; undefined where the file has none. */
  readonly fieldId: number | undefined;
  readonly kind: 'leaf' | 'struct' | 'list' | 'map';
  /** DuckDB's type of a leaf. */
  readonly leafType: string;
  /** Fields of a struct, the element of a list, key and value of a map. */
  readonly children: readonly FileColumn[];
  /** Whether it is an instant in the old form of 12 bytes. */
  readonly isInt96?: boolean;
  /** Whether DuckDB reads the group as VARIANT. */
  readonly isVariant?: boolean;
}
