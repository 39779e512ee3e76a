import { SPLITS, type SplitName } from './time-split.ts';

/** What an export's files can be: Parquet, an Arrow IPC file or stream, CSV, a Delta table. */
export const FILE_FORMATS = ['parquet', 'arrow', 'arrow-stream', 'csv', 'delta'] as const;
/** One of {@link FILE_FORMATS}. */
export type FileFormat = (typeof FILE_FORMATS)[number];

const ENDINGS: Readonly<Record<FileFormat, string>> = {
  parquet: 'parquet',
  arrow: 'arrow',
  'arrow-stream': 'arrows',
  csv: 'csv',
  delta: 'delta',
};

/** The name of a split's file; of a Delta table, its folder. @param part 1, or the number of the extension that brought it. */
export function fileNameOf(split: SplitName, format: FileFormat, part = 1): string {
  return `${split}.${part === 1 ? '' : `${part}.`}${ENDINGS[format]}`;
}

const FILE_NAME = new RegExp(`^(${SPLITS.join('|')})(\\.\\d+)?\\.(${Object.values(ENDINGS).join('|')})$`);

/** Whether a name is one that an export gives to its files. */
export function isFileName(name: string): boolean {
  return FILE_NAME.test(name);
}
