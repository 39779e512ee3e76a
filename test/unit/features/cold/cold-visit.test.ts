import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ColdEvents } from '../../../../src/features/cold/cold-events.ts';
import { coldLayout } from '../../../../src/features/cold/cold-layout.ts';
import { LeftPages } from '../../../../src/features/cold/left-pages.ts';
import { LocalPages } from '../../../../src/features/cold/local-pages.ts';

/** Index pages of 32 summaries, over small pages of events: four levels are reached with few of them. */
const LAYOUT = coldLayout({ hot: 1, chunk: 2, fanout: 32 }, 1, [], -1);
const EVENTS = 2 * 32 * 32 * 32 + 2 * 32 * 32 + 2 * 32 + 1;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sentinela-cold-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('shows every event once and in order, though the pages of an index are more than those in memory', () => {
  // 16 pages are in memory: fewer than one index page names.
  const pages = {
    events: new LocalPages(join(folder, 'events.pages'), LAYOUT.shape.chunk, 0),
    index: new LocalPages(join(folder, 'index.pages'), LAYOUT.shape.fanout * LAYOUT.summaryStride, 0),
  };
  const cold = new ColdEvents(LAYOUT, new LeftPages(pages));
  for (let event = 0; event < EVENTS; event += 1) cold.push(Float64Array.of(event), 0);
  const dropped = 2 * 32 * 3 + 1;
  for (let event = 0; event < dropped; event += 1) cold.dropHead(false, null);

  const kept = Array.from({ length: EVENTS - dropped }, (_, at) => dropped + at);
  for (const isBackward of [false, true]) {
    const seen: number[] = [];
    cold.visit({ enters: () => true, event: (numbers, at) => seen.push(numbers[at] as number) }, isBackward);
    expect(seen).toEqual(isBackward ? kept.toReversed() : kept);
  }
  pages.events.close();
  pages.index.close();
});
