import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { AppError, systemErrorCode } from '../base/errors.ts';
import { PSEUDONYM_KEY_BYTES, type Pseudonyms, pseudonymsOf } from '../governance/pseudonyms.ts';
import { dataFolders } from './data-folders.ts';

/**
 * Pseudonyms by the key of the setting, or by that of the data folder, which is made at the first
 * call and readable by its owner alone. Who has the key can undo them, so it never goes with an export.
 *
 * @param given the setting; empty where there is none.
 * @throws AppError `invalid_config` for a key that is none.
 */
export function openPseudonyms(dataDir: string, given: string): Pseudonyms {
  return pseudonymsOf(openPseudonymKey(dataDir, given));
}

/** The key of {@link openPseudonyms}: also what the control group is drawn by. @throws AppError `invalid_config`. */
export function openPseudonymKey(dataDir: string, given: string): Uint8Array {
  if (given !== '') return keyOf(given, 'SENTINELA_PSEUDONYM_KEY');
  const path = dataFolders(dataDir).pseudonymKey;
  if (!existsSync(path)) makeKey(path);
  return keyOf(readFileSync(path, 'utf8').trim(), path);
}

function keyOf(text: string, where: string): Uint8Array {
  if (new RegExp(`^[0-9a-f]{${PSEUDONYM_KEY_BYTES * 2}}$`, 'i').test(text)) return Buffer.from(text, 'hex');
  throw new AppError('invalid_config', `${where} holds no key: it is ${PSEUDONYM_KEY_BYTES * 2} hex digits`);
}

/** Of several commands at once one makes the key: a link is made whole, and only where nothing is. */
function makeKey(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const fresh = `${path}.${process.pid}`;
  writeFileSync(fresh, `${randomBytes(PSEUDONYM_KEY_BYTES).toString('hex')}\n`, { mode: 0o600 });
  try {
    linkSync(fresh, path);
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
  } finally {
    rmSync(fresh, { force: true });
  }
}
