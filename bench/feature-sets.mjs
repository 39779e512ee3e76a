// Feature sets that benches of the online stores and of replay share.
const { compileFeatureSet } = await import('../dist/features/feature-set.js');

/** So many windows over some entities. */
function windowSet(name, aggregates, spans, entities) {
  const features = entities.flatMap((entity) =>
    spans.flatMap((window) =>
      aggregates.map((aggregate) => ({
        kind: 'window',
        name: `${entity}_${aggregate}_${window}`,
        description: '-',
        entity,
        aggregate,
        window,
        ...(aggregate === 'count' ? {} : { column: 'amount_centavos' }),
      })),
    ),
  );
  return compileFeatureSet({ name, description: '-', bound: 256, allowedLateness: '7d', features });
}

/** 40 windows over four entities: half are counts, half sums of amounts. */
export function fortyWindows() {
  const entities = ['payer', 'payee', 'pair', 'payer_document'];
  return windowSet('forty', ['count', 'sum'], ['10m', '1h', '24h', '7d', '30d'], entities);
}

/** 12 values: count and sum over three windows of the payer and of the payee. */
export function twelveValues() {
  return windowSet('twelve', ['count', 'sum'], ['1h', '7d', '30d'], ['payer', 'payee']);
}
