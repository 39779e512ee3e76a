import { fileURLToPath } from 'node:url';

const NO_SETTINGS = fileURLToPath(new URL('no-settings.yaml', import.meta.url));
/** Names a Python of the tests, and sets nothing of the program. */
const OF_TESTS = 'SENTINELA_TEST_PYTHON';

/**
 * This process's environment for a program that must not touch what the user has set up: with their `SENTINELA_REDIS_URL`,
 * or a `sentinela.yaml` in the working folder, made-up payments would go into the state of real ones.
 *
 * @param more variables that are the caller's own.
 */
export function ownEnvironment(more = {}) {
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith('SENTINELA_') || name === OF_TESTS);
  return { ...Object.fromEntries(others), SENTINELA_CONFIG: NO_SETTINGS, ...more };
}
