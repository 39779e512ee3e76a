import { MANIFEST_FILE } from './export-format.ts';
import type { FileFormat } from './file-format.ts';
import type { ExportManifest } from './manifest.ts';

const READERS: Readonly<Record<FileFormat, (path: string) => string>> = {
  parquet: (path) => `pd.read_parquet(${path})`,
  arrow: (path) => `pd.read_feather(${path})`,
  'arrow-stream': (path) => `pa.ipc.open_stream(${path}).read_pandas()`,
  csv: (path) => `pd.read_csv(${path})`,
  delta: (path) => `DeltaTable(${path}).to_pandas()`,
};

const IMPORTS: Readonly<Partial<Record<FileFormat, string>>> = {
  'arrow-stream': '; import pyarrow as pa',
  delta: '; from deltalake import DeltaTable',
};

/** The three lines that read an export in pandas. @param folder as a reader's own machine names it. */
export function pandasLines({ files, fileFormat }: ExportManifest, folder: string): readonly string[] {
  const { name, split } = files[0] ?? { name: 'all.parquet', split: 'all' };
  const text = (path: string): string => JSON.stringify(`${folder}/${path}`);
  // `all` is a function of Python.
  const frame = split === 'all' ? 'rows' : split;
  return [
    `import json, pandas as pd${IMPORTS[fileFormat] ?? ''}`,
    `${frame} = ${READERS[fileFormat](text(name))}.dropna(subset=["label"])`,
    `X, y = ${frame}[json.load(open(${text(MANIFEST_FILE)}))["features"]], ${frame}["label"].astype(int)`,
  ];
}
