import { describe, expect, it } from 'vitest';
import { hostileLog, readHostile, soundTable } from '../../simulation/storage/hostile-log.ts';

const LOGS = 2000;
const GROUP = 250;
const FIRST = Number(process.env.SEED ?? 0);

describe('logs that a stranger wrote', () => {
  const sound = soundTable();

  it('are read without a change', async () => {
    const { codes, faults } = await readHostile(await sound, 0);
    expect(faults).toEqual([]);
    expect(codes.every((code) => code === 'ok')).toBe(true);
  });

  it.each(Array.from({ length: LOGS / GROUP }, (_, group) => FIRST + group * GROUP))(
    'end in a clear error or in rows, never in a crash, a hang or a write outside the table: seeds %i on',
    async (from) => {
      for (let seed = from; seed < from + GROUP; seed += 1) {
        const { files, changes } = hostileLog(await sound, seed);
        const { faults } = await readHostile(files, seed);
        expect(faults, `seed ${seed}: ${changes.join('; ')}`).toEqual([]);
      }
    },
  );
});
