import { refuseCell } from './refuse-cell.ts';

/** Bits of a column, 1 = not null; bytes are made when the first null comes. */
export interface Validity {
  readonly nullCount: number;
  add(isValid: boolean, row: number, name: string): void;
  take(rows: number): { readonly nullCount: number; readonly nullBitmap: Uint8Array | null };
}

/** Starts the bits of a column. */
export function validityOf(nullable: boolean): Validity {
  let bits: Uint8Array | undefined;
  let nulls = 0;
  let taken = 0;
  return {
    get nullCount() {
      return nulls;
    },
    add(isValid, row, name) {
      if (isValid) {
        if (bits === undefined) return;
        if (row >> 3 >= bits.length) bits = grown(bits, (row >> 3) + 1);
        bits[row >> 3] = (bits[row >> 3] as number) | (1 << (row & 7));
        return;
      }
      if (!nullable) throw refuseCell(name, 'no nulls');
      nulls += 1;
      if (bits === undefined) {
        bits = new Uint8Array(Math.max(64, ((row >> 3) + 1) * 2));
        bits.fill(255, 0, row >> 3);
        bits[row >> 3] = (1 << (row & 7)) - 1;
      } else if (row >> 3 >= bits.length) bits = grown(bits, (row >> 3) + 1);
    },
    take(rows) {
      const nullCount = nulls - taken;
      taken = nulls;
      const nullBitmap = bits === undefined || nullCount === 0 ? null : bits.slice(0, (rows + 7) >> 3);
      bits = undefined;
      return { nullCount, nullBitmap };
    },
  };
}

/** A copy of bytes with room for more. */
export function grown(bytes: Uint8Array, needed: number): Uint8Array {
  const bigger = new Uint8Array(Math.max(needed, bytes.length * 2));
  bigger.set(bytes);
  return bigger;
}
