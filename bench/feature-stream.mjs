// Payments for benches of features: many people of a few payments, some of many, shops that are paid often.
const { entityKeys, PAYMENT_COLUMNS } = await import('../dist/domain/payment-row.js');
const { seededRandom } = await import('../dist/base/random.js');

const DAY = 86_400_000_000;
const START = 20_500 * DAY;

/** So many payments over 30 days, in the order of their times; the same each time. */
export function streamOf(count) {
  const random = seededRandom(7, 11);
  const empty = Object.fromEntries(PAYMENT_COLUMNS.map(({ name }) => [name, null]));
  const people = Math.ceil(count / 20);
  return Array.from({ length: count }, (_, at) => {
    const payer = Math.floor(people * random.next() ** 2);
    const payee = Math.floor(people * 0.3 * random.next() ** 3);
    const row = {
      ...empty,
      end_to_end_id: `E${String(at).padStart(31, '0')}`,
      side: 'PAYER',
      event_time: START + Math.floor((at * 30 * DAY) / count),
      amount_centavos: 1 + random.below(200_000),
      end_to_end_id_parses: true,
      amount_is_zero: false,
      payer_ispb: '12345678',
      payer_number: String(payer),
      payer_document: String(payer >> 1),
      payee_ispb: '87654321',
      payee_number: String(payee),
      payee_document: `d${payee >> 1}`,
      pix_key: `k${payee}`,
      device_id: `v${payer}`,
    };
    return { row, keys: entityKeys(row) };
  });
}
