// What a replay is given of payments that a bench made: all recorded in one epoch, every payment a row that sees what lay below it.
const { sequenceOf } = await import('../dist/features/replay/replay-input.js');
const { byKind, ENTITY_KINDS } = await import('../dist/domain/entity-keys.js');

/** Records and reads of payments in their order. */
export function replayRecords(payments) {
  const count = payments.length;
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
      ids: payments.map(({ row }) => row.end_to_end_id),
      times: Float64Array.from(payments, ({ row }) => row.event_time),
      keys: byKind((kind) => payments.map(({ keys }) => keys[kind])),
      row: (at) => payments[at].row,
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
