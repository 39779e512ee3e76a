import type { AddFile } from '../log/actions.ts';
import { hashBytes, KeyIndex } from '../log/key-index.ts';
import type { TableState } from '../log/table-state.ts';

/** The actions of a state's live files, in their order. */
export function* liveAdds(state: TableState): Generator<AddFile> {
  for (const row of liveRows(state)) yield state.files.addOf(row);
}

/** Rows of a state's table of files that are live at its version. */
export function* liveRows({ files, fileRows, version }: TableState): Generator<number> {
  for (let row = 0; row < fileRows; row += 1) if (files.isLive(row, version)) yield row;
}

/** Finds live files by their object, whatever their deletion vector is: 20 bytes a file. */
export interface LiveFileIndex {
  /** The number of the file of a key among the live ones; −1 where there is none. */
  find(key: string): number;
  /** The row, in the state's table of files, of each live file. */
  readonly rows: Float64Array;
  /** Keys that two live files share: the protocol forbids it. */
  readonly shared: readonly string[];
}

const encoder = new TextEncoder();

/** The index of a state's live files. */
export function liveFileIndex(state: TableState): LiveFileIndex {
  const { files } = state;
  const index = new KeyIndex();
  index.reserve(Math.max(1, state.fileCount));
  const rows = new Float64Array(state.fileCount);
  const shared: string[] = [];
  const find = (key: string): number =>
    index.findLast(hashOf(key), (number) => files.keyOfRow(rows[number] as number) === key);
  for (const row of liveRows(state)) {
    const key = files.keyOfRow(row);
    if (find(key) >= 0) shared.push(key);
    rows[index.count] = row;
    index.add(hashOf(key));
  }
  return { find, rows, shared };
}

function hashOf(key: string): number {
  const bytes = encoder.encode(key);
  return hashBytes(bytes, 0, bytes.length);
}
