/**
 * Decimals as integers: a value of decimal(p, s) is `unscaled / 10^s`, and its text has exactly `s`
 * digits after the point. Nothing here rounds.
 */

const TEXT = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/;

/**
 * The unscaled integer of a number's text at a scale.
 *
 * @returns undefined where the text is no number, or has digits beyond the scale.
 */
export function unscaledOf(text: string, scale: number): bigint | undefined {
  const match = TEXT.exec(text.trim());
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  if (whole === '' && fraction === '') return undefined;
  const digits = BigInt(whole + fraction);
  const shift = scale - fraction.length + Number(exponent);
  const magnitude = shift >= 0 ? digits * 10n ** BigInt(shift) : exactQuotient(digits, 10n ** BigInt(-shift));
  if (magnitude === undefined) return undefined;
  return sign === '-' ? -magnitude : magnitude;
}

/** The text of an unscaled integer: `12.30` of 1230 at scale 2. */
export function decimalText(unscaled: bigint, scale: number): string {
  if (scale === 0) return unscaled.toString();
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** Whether an unscaled integer has at most so many digits. */
export function fitsPrecision(unscaled: bigint, precision: number): boolean {
  const limit = 10n ** BigInt(precision);
  return unscaled < limit && unscaled > -limit;
}

function exactQuotient(value: bigint, divisor: bigint): bigint | undefined {
  return value % divisor === 0n ? value / divisor : undefined;
}
