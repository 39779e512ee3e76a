import { arrowSplitFile } from './arrow-split-file.ts';
import { csvSplitFile } from './csv-split-file.ts';
import { deltaSplitFile } from './delta-split-file.ts';
import type { FileFormat } from './file-format.ts';
import { parquetSplitFile } from './parquet-split-file.ts';
import type { SplitFile, SplitFileOptions } from './split-file.ts';

/** Starts the file of a split in a format. */
export function openSplitFile(format: FileFormat, options: SplitFileOptions): SplitFile {
  switch (format) {
    case 'parquet':
      return parquetSplitFile(options);
    case 'arrow':
      return arrowSplitFile('file', options);
    case 'arrow-stream':
      return arrowSplitFile('stream', options);
    case 'csv':
      return csvSplitFile(options);
    case 'delta':
      return deltaSplitFile(options);
  }
}
