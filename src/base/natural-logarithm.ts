/*
 * The natural logarithm with + − × ÷ alone, so that every engine, and every version of one, gives the same bits;
 * built-in logarithms differ in the last bits between V8, glibc and Java.
 *
 * The way is that of Sun's fdlibm (e_log.c): x = 2^k · m with √½ < m < √2, f = m − 1, s = f / (2 + f), and
 * ln m = f − s·(f − R(s²)) with R a minimax polynomial, error below 2^−58.45; around √2, where f is largest, f²/2 is
 * taken out of it. Errors stay below 1 ulp.
 */
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
const R1 = 0.6666666666666735;
const R2 = 0.3999999999940942;
const R3 = 0.2857142874366239;
const R4 = 0.22222198432149784;
const R5 = 0.1818357216161805;
const R6 = 0.15313837699209373;
const R7 = 0.14798198605116586;

const TWO_54 = 2 ** 54;
/** The first 20 bits after the point of √2, and of where f is largest: 1.38 and 1.42. */
const ROOT_OF_2 = 0x6a09c;
const LARGE_FROM = 0x6147a;
const LARGE_TO = 0x6b851;

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
/** The half that holds the exponent: machines are little-endian or big-endian. */
const HIGH = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 1 : 0;

/** ln of a finite number above 0; NaN of any other. */
export function naturalLogarithm(x: number): number {
  if (!(x > 0) || x === Number.POSITIVE_INFINITY) return Number.NaN;
  // Subnormal numbers are scaled up, exactly.
  const isSubnormal = x < 2.2250738585072014e-308;
  double[0] = isSubnormal ? x * TWO_54 : x;
  const high = words[HIGH] as number;
  let k = (high >>> 20) - 1023 - (isSubnormal ? 54 : 0);
  const top = high & 0x000fffff;
  words[HIGH] = top | 0x3ff00000;
  let m = double[0] as number;
  if (top >= ROOT_OF_2) {
    m /= 2;
    k += 1;
  }
  const f = m - 1;
  const s = f / (2 + f);
  const z = s * s;
  const w = z * z;
  const even = w * (R2 + w * (R4 + w * R6));
  const odd = z * (R1 + w * (R3 + w * (R5 + w * R7)));
  const r = even + odd;
  const low = k * LN2_LOW;
  if (top < LARGE_FROM || top > LARGE_TO) return k * LN2_HIGH - (s * (f - r) - low - f);
  const half = 0.5 * f * f;
  return k * LN2_HIGH - (half - (s * (half + r) + low) - f);
}
