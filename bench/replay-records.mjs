// What a replay is given of payments that a bench made: all recorded in one epoch, every payment a row that sees what lay
// below it. Payments are columns, as what is read from silver is: 300,000 objects with fifty properties in the heap cost
// every round a look through all of it for garbage, 0.1 to 0.5 s that no replay of the program has. Keys are texts still, as
// DuckDB's are: entities are numbered within the time that is measured.
const { sequenceOf } = await import('../dist/features/replay/replay-input.js');
const { paymentRows } = await import('../dist/governance/payment-reader.js');
const { PAYMENT_COLUMNS } = await import('../dist/domain/payment-row.js');
const { CodeBuilder } = await import('../dist/base/coded-texts.js');
const { NarrowNumbers } = await import('../dist/base/narrow-numbers.js');
const { PackedBuilder } = await import('../dist/base/packed-column.js');
const { byKeyedKind, byKind, ENTITY_KINDS } = await import('../dist/domain/entity-keys.js');

function packed(texts) {
  const builder = new PackedBuilder(texts.length);
  for (const text of texts) builder.push(text);
  return builder.take();
}

/** The payments' own columns, made at once: what is made when it is asked for holds the payments. */
function columnsOf(payments) {
  const columns = new Map();
  for (const { name, type } of PAYMENT_COLUMNS) {
    const isText = type === 'string';
    const column = isText ? new CodeBuilder(payments.length) : new NarrowNumbers(payments.length);
    if (isText) for (const { row } of payments) column.push(row[name]);
    else column.push(Float64Array.from(payments, ({ row }) => (row[name] === null ? Number.NaN : Number(row[name]))));
    columns.set(name, isText ? column.take() : column);
  }
  const get = (name) => columns.get(name);
  return { texts: get, numbers: get };
}

/** Records and reads of payments in their order. */
export function replayRecords(payments) {
  const count = payments.length;
  const kept = new Map();
  /** Each text once, as a reader of columns gives them. */
  const same = (text) => {
    if (!kept.has(text)) kept.set(text, text);
    return kept.get(text);
  };
  const numbers = byKind(() => ({ epochs: new Float64Array(count), seqs: new Float64Array(count) }));
  const saw = byKind(() => ({ epochs: new Float64Array(count), seqs: new Float64Array(count) }));
  for (const kind of ENTITY_KINDS) {
    const last = new Map();
    for (let at = 0; at < count; at += 1) {
      const key = payments[at].keys[kind];
      if (key === null) continue;
      const seq = last.get(key) ?? 0;
      last.set(key, seq + 1);
      numbers[kind].epochs[at] = 1;
      numbers[kind].seqs[at] = seq + 1;
      saw[kind].epochs[at] = 1;
      saw[kind].seqs[at] = seq;
    }
  }
  const records = {
    payments: {
      count,
      ids: packed(payments.map(({ row }) => row.end_to_end_id)),
      times: Float64Array.from(payments, ({ row }) => row.event_time),
      keys: byKeyedKind((kind) => payments.map(({ keys }) => same(keys[kind]))),
      row: paymentRows(
        columnsOf(payments),
        PAYMENT_COLUMNS.map(({ name }) => name),
      ),
      isEvent: new Uint8Array(count).fill(1),
      numbers,
      places: {
        journals: payments.map(() => 'j'),
        positions: Float64Array.from(payments, (_, at) => at + 1),
        knownTimes: Float64Array.from(payments, ({ row }) => row.event_time),
      },
    },
    labels: {
      count: 0,
      ids: [],
      states: new Uint8Array(0),
      times: new Float64Array(0),
      payees: [],
      numbers: { epochs: new Float64Array(0), seqs: new Float64Array(0) },
      places: { journals: [], positions: new Float64Array(0), knownTimes: new Float64Array(0) },
    },
    epochs: [{ epoch: 1, offsets: {} }],
  };
  const rows = Int32Array.from({ length: count }, (_, at) => at);
  return { records, reads: sequenceOf({ rows, saw }) };
}
