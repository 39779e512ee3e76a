/** The greatest divisor that two whole numbers have in common; 0 has all. */
export function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}
