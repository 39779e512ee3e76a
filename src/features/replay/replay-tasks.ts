import type { KindReads, KindRecords } from './replay-items.ts';

/** Records and reads of a task: at 1 to 10 µs each some milliseconds, so that threads end together. */
export const TASK_WEIGHT = 4096;

/** Cuts the entities of a kind into tasks: three numbers each, as a piece has them. @param kindPlace in ENTITY_KINDS. */
export function tasksOfKind(kindPlace: number, reads: KindReads, records: KindRecords): number[] {
  const tasks: number[] = [];
  let from = 0;
  let weight = 0;
  for (const [at, entity] of reads.entities.entries()) {
    weight += (reads.start[at + 1] as number) - (reads.start[at] as number);
    weight += (records.start[entity + 1] as number) - (records.start[entity] as number);
    if (weight < TASK_WEIGHT && at + 1 < reads.entities.length) continue;
    tasks.push(kindPlace, from, at + 1);
    from = at + 1;
    weight = 0;
  }
  return tasks;
}
