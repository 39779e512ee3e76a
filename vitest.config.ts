import { defineConfig } from 'vitest/config';

const project = (name: string, extra: Record<string, unknown> = {}) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout: 60_000, hookTimeout: 120_000, ...extra },
});

/**
 * One project a kind of test. The heavy ones run one file at a time: on two cores, servers and
 * engines that fight for the processor time out and prove nothing.
 */
export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      project('unit'),
      project('tidy'),
      project('simulation', { testTimeout: 180_000 }),
      project('integration', { testTimeout: 180_000, fileParallelism: false }),
      project('conformance', { testTimeout: 180_000, fileParallelism: false }),
      project('e2e', { testTimeout: 300_000, fileParallelism: false }),
    ],
  },
});
