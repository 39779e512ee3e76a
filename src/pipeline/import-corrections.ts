import { canonicalJson } from '../base/canonical-json.ts';
import { parseCorrection } from '../domain/parse-correction.ts';
import { fileRecords } from './import-lines.ts';
import { type ImportedCorrection, type ImportStep, lineSteps } from './import-order.ts';
import { jsonText, parseJson } from './import-row.ts';

/**
 * Reads a file of corrections, bodies of `/v1/corrections`; known at the running maximum of when they were made
 * (`correctedAt`), so that the order of the lines is kept.
 *
 * @param startMicros known time of a bad line before the first good one.
 */
export function correctionSteps(path: string, startMicros: number): AsyncGenerator<ImportStep[]> {
  return lineSteps(fileRecords(path, 'ndjson'), startMicros, 'corrections', ({ line, bytes }) => {
    const correction = importedCorrection(line, bytes);
    return { atMicros: correction.correctedAtMicros, step: { kind: 'correction', correction } };
  });
}

/**
 * The ids of the payments that a file corrects, by a pass of its own: of these alone the ledger keeps the entities.
 *
 * @returns the ids, and how many corrections there are.
 */
export async function correctedIn(
  path: string,
): Promise<{ readonly ids: ReadonlySet<string>; readonly count: number }> {
  const ids = new Set<string>();
  let count = 0;
  for await (const steps of correctionSteps(path, 0)) {
    for (const step of steps) {
      if (step.kind !== 'correction') continue;
      ids.add(step.correction.endToEndId);
      count += 1;
    }
  }
  return { ids, count };
}

function importedCorrection(line: number, raw: Buffer): ImportedCorrection {
  const body = parseJson(jsonText(raw));
  const { endToEndId, correctedAtMicros, replacement } = parseCorrection(body);
  const row = replacement?.row ?? null;
  return { line, raw, correction: canonicalJson(body), endToEndId, correctedAtMicros, replacement: row };
}
