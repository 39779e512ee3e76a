/**
 * Fine bins of float32 values, for counting in one pass without knowing the values before: by the
 * sign, the exponent and four bits of the mantissa, so that a bin is at most 1/16 wide of its values,
 * and whole numbers up to 32 have one each. Bins are in the order of the values.
 */
export const FINE_BINS = 8192;

const SHIFT = 19;
const SIGN = 0x80000000;
const LARGEST = 3.4028234663852886e38;
const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The bin of a value, as the float32 that a model is given; what is beyond the largest float is in its bin. */
export function fineBin(value: number): number {
  float[0] = countedFloat(value);
  const raw = bits[0] as number;
  return ((raw & SIGN) === 0 ? (raw | SIGN) >>> 0 : ~raw >>> 0) >>> SHIFT;
}

/** The least value of a bin. */
export function fineEdge(bin: number): number {
  const ordered = (bin << SHIFT) >>> 0;
  bits[0] = (ordered & SIGN) === 0 ? ~ordered >>> 0 : (ordered ^ SIGN) >>> 0;
  return float[0] as number;
}

/** The bin of a value between edges: that of the first edge that it lies below; the last one where there is none. */
export function edgeBin(edges: readonly number[], value: number): number {
  const counted = countedFloat(value);
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (counted < (edges[middle] as number)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** What of a value is counted: its float32, where −0 is 0. */
function countedFloat(value: number): number {
  return Math.fround(Math.min(LARGEST, Math.max(-LARGEST, value))) + 0;
}
