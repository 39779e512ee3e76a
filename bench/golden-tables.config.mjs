import { defineConfig } from 'vitest/config';

// biome-ignore lint/style/noDefaultExport: Vitest takes its configuration so.
export default defineConfig({ test: { include: ['bench/golden-tables.check.ts'] } });
