import { pino } from 'pino';
import { expect, it } from 'vitest';
import { startLakeWorker } from '../../../src/cli/lake-link.ts';

it('says that the lake cannot be asked once its worker has ended, and stops', async () => {
  // Beside the sources there is no worker that is compiled: the thread ends as one does that fails.
  const link = startLakeWorker({} as Parameters<typeof startLakeWorker>[0], pino({ level: 'silent' }));
  const find = () => link.archive.find('E1234567820261101120012345678901', 'PAYER', null);
  // The first waits when it ends, the second comes after.
  await expect(find()).rejects.toMatchObject({ code: 'storage_failed' });
  await expect(find()).rejects.toMatchObject({ code: 'storage_failed' });
  await link.stop();
});
