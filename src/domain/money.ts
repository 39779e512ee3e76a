/** Amounts on the wire: `\d{1,10}\.\d{2}`, BRL (pacs.008, ActiveCurrencyAndAmount as SPI restricts it). */
export const AMOUNT_PATTERN = '^\\d{1,10}\\.\\d{2}$';

/** The largest amount that the wire form can carry, in centavos. */
export const MAX_AMOUNT_CENTAVOS = 999_999_999_999;

/** Integer centavos of an amount that matches {@link AMOUNT_PATTERN}. */
export function centavosOf(amount: string): number {
  const point = amount.length - 3;
  return Number(amount.slice(0, point)) * 100 + Number(amount.slice(point + 1));
}

/** The wire form of integer centavos: 1234 is `12.34`. */
export function amountOf(centavos: number): string {
  const text = String(centavos).padStart(3, '0');
  return `${text.slice(0, -2)}.${text.slice(-2)}`;
}
