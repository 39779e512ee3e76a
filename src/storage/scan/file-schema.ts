import { AppError } from '../../base/errors.ts';
import { isJsonObject, type JsonObject, parseExactJson } from '../../base/exact-json.ts';
import type { DuckDb } from '../parquet/duckdb.ts';
import { sqlPath } from '../types/sql-types.ts';
import type { FileColumn } from './file-shape.ts';
import { variantMarks, withMarks } from './file-variants.ts';

/*
 * What a Parquet file says of its columns, as DuckDB reads it: what a file holds decides how its
 * columns become those of the table (other names, narrower types, fields that are missing).
 */

/** Columns of a file, with a text that is equal for files of equal columns. */
export interface FileSchema {
  readonly signature: string;
  readonly columns: readonly FileColumn[];
}

/** File schemas that are remembered: files never change, and a footer costs 0.2 ms. */
const MOST_KNOWN = 100_000;
const knownSignatures = new Map<string, string>();
const knownSchemas = new Map<string, FileSchema>();

/**
 * The schemas of local Parquet files, which never change.
 *
 * @throws AppError table_corrupt where one is no Parquet.
 */
export async function fileSchemas(db: DuckDb, paths: readonly string[]): Promise<Map<string, FileSchema>> {
  // Before it is asked what is missing: what this call needs must not be let go.
  if (knownSignatures.size + paths.length > MOST_KNOWN) knownSignatures.clear();
  const missing = paths.filter((path) => !knownSignatures.has(path));
  for (const [path, signature] of await readSignatures(db, missing)) knownSignatures.set(path, signature);
  return schemasOf(paths, knownSignatures);
}

/** The schemas of files of the user's own, which may be others when they are read again. */
export async function foreignSchemas(db: DuckDb, paths: readonly string[]): Promise<Map<string, FileSchema>> {
  return schemasOf(paths, await readSignatures(db, paths));
}

function schemasOf(paths: readonly string[], signatures: ReadonlyMap<string, string>): Map<string, FileSchema> {
  if (knownSchemas.size > MOST_KNOWN / 100) knownSchemas.clear();
  return new Map(paths.map((path) => [path, schemaOf(path, signatures.get(path))]));
}

async function readSignatures(db: DuckDb, paths: readonly string[]): Promise<Map<string, string>> {
  const signatures = new Map<string, string>();
  if (paths.length === 0) return signatures;
  const rows = await db.rows(
    `SELECT file_name, string_agg(to_json({n: name, d: duckdb_type, f: field_id, c: num_children, p: type, k: converted_type,
       l: logical_type, r: repetition_type})::VARCHAR, chr(10) ORDER BY column_id) AS signature
     FROM parquet_schema([${paths.map(sqlPath).join(', ')}]) GROUP BY file_name`,
  );
  for (const { file_name: path, signature } of rows) {
    if (typeof path !== 'string' || typeof signature !== 'string') continue;
    const marks = await variantMarks(db, path, schemaOf(path, signature).columns);
    signatures.set(path, marks === '' ? signature : `${signature}\n${JSON.stringify({ marks })}`);
  }
  return signatures;
}

function schemaOf(path: string, signature: string | undefined): FileSchema {
  if (signature === undefined) throw new AppError('table_corrupt', `The file ${path} has no Parquet schema`);
  const known = knownSchemas.get(signature);
  if (known !== undefined) return known;
  const nodes = signature
    .split('\n')
    .map((line) => parseExactJson(line))
    .filter(isJsonObject);
  const { marks } = nodes.at(-1) ?? {};
  const columns = new NodeReader(nodes).root();
  const schema = { signature, columns: typeof marks === 'string' ? withMarks(columns, marks) : columns };
  knownSchemas.set(signature, schema);
  return schema;
}

/** Reads the nodes of a Parquet schema, which come depth first. */
class NodeReader {
  #at = 0;
  readonly #nodes: readonly JsonObject[];

  constructor(nodes: readonly JsonObject[]) {
    this.#nodes = nodes;
  }

  root(): FileColumn[] {
    const root = this.#next();
    return Array.from({ length: childrenOf(root) }, () => this.#column());
  }

  #next(): JsonObject {
    const node = this.#nodes[this.#at];
    if (node === undefined) throw new AppError('table_corrupt', 'The schema of a Parquet file ends too early');
    this.#at += 1;
    return node;
  }

  #column(): FileColumn {
    const node = this.#next();
    const count = childrenOf(node);
    const children = Array.from({ length: count }, () => this.#column());
    return this.#shape(node, children);
  }

  #shape(node: JsonObject, children: readonly FileColumn[]): FileColumn {
    const leafType = typeof node.d === 'string' ? node.d : '';
    const annotation = annotationOf(node);
    if (children.length === 0) return { ...base(node), kind: 'leaf', leafType, children, isInt96: node.p === 'INT96' };
    const [only] = children;
    if (annotation === 'list' && only !== undefined) {
      return { ...base(node), kind: 'list', leafType: '', children: [elementOf(node, only)] };
    }
    if (annotation === 'map' && only?.children.length === 2) {
      return { ...base(node), kind: 'map', leafType: '', children: only.children };
    }
    return { ...base(node), kind: 'struct', leafType: '', children };
  }
}

/** The element of a list: behind a repeated group of one field, unless that is named as old writers name elements. */
function elementOf(list: JsonObject, repeated: FileColumn): FileColumn {
  const [inner] = repeated.children;
  const isElement =
    repeated.kind !== 'struct' ||
    repeated.children.length !== 1 ||
    repeated.name === 'array' ||
    repeated.name === `${String(list.n)}_tuple`;
  return isElement || inner === undefined ? repeated : inner;
}

function annotationOf({ k, l }: JsonObject): 'list' | 'map' | undefined {
  const converted = String(k ?? '');
  const logical = String(l ?? '');
  if (converted === 'LIST' || logical.startsWith('List')) return 'list';
  if (converted.startsWith('MAP') || logical.startsWith('Map')) return 'map';
  return undefined;
}

function base({ n, f }: JsonObject): { readonly name: string; readonly fieldId: number | undefined } {
  return { name: String(n), fieldId: typeof f === 'number' ? f : undefined };
}

function childrenOf({ c }: JsonObject): number {
  return typeof c === 'number' ? c : 0;
}
