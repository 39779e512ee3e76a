/** Something as SQL, or why it is not written as SQL, as a clause. */
export type WrittenSql =
  | { readonly kind: 'sql'; readonly sql: string }
  | { readonly kind: 'unwritten'; readonly why: string };
