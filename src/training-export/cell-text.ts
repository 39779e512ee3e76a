import type { Cell } from '../storage/types/cell.ts';

/** A cell as a text that is equal where the values are, whatever file it came from; `null` for none. */
export function cellText(cell: Cell | undefined): string {
  if (cell === null || cell === undefined) return 'null';
  if (cell instanceof Uint8Array) return Buffer.from(cell).toString('hex');
  if (typeof cell === 'object') return JSON.stringify(cell);
  return String(cell);
}
