import type { Cell } from './cell.ts';

/** Whether two cells are one value: nulls are equal, NaN equals NaN, 1 equals 1n. */
export function isEqualCell(left: Cell, right: Cell): boolean {
  if (left === right) return true;
  if (left === null || right === null) return false;
  if (isNumeric(left) && isNumeric(right)) return isEqualNumber(left, right);
  if (left instanceof Uint8Array || right instanceof Uint8Array) {
    return left instanceof Uint8Array && right instanceof Uint8Array && Buffer.compare(left, right) === 0;
  }
  if (typeof left !== 'object' || typeof right !== 'object') return false;
  if (Array.isArray(left) || Array.isArray(right)) {
    if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false;
    return left.every((item: Cell, at) => isEqualCell(item, right[at] as Cell));
  }
  const [one, other] = [left as Readonly<Record<string, Cell>>, right as Readonly<Record<string, Cell>>];
  return Object.keys({ ...one, ...other }).every((name) => isEqualCell(one[name] ?? null, other[name] ?? null));
}

function isEqualNumber(left: number | bigint, right: number | bigint): boolean {
  if (typeof left === typeof right) return left === right || (Number.isNaN(left) && Number.isNaN(right));
  const [one, other] = [Number(left), Number(right)];
  return one === other && Number.isInteger(one) && BigInt(left) === BigInt(right);
}

function isNumeric(cell: Cell): cell is number | bigint {
  return typeof cell === 'number' || typeof cell === 'bigint';
}
