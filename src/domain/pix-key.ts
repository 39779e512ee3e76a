import { isValidCnpj, isValidCpf } from './documents.ts';

/** The key types that DICT knows today. A new one may appear: it degrades a score, it never fails. */
export const PIX_KEY_TYPES = ['CPF', 'CNPJ', 'PHONE', 'EMAIL', 'EVP'] as const;

/** A key type that we know. */
export type PixKeyType = (typeof PIX_KEY_TYPES)[number];

const PHONE = /^\+[1-9][0-9]\d{1,14}$/;
const EMAIL =
  /^[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;
/** A lower-case UUID's shape; DICT does not promise version bits. */
const EVP = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether the type is one that we know. */
export function isKnownPixKeyType(type: string): type is PixKeyType {
  return (PIX_KEY_TYPES as readonly string[]).includes(type);
}

/** Whether a key's value has the form of its type; every value of an unknown type has. */
export function isValidPixKey(type: string, value: string): boolean {
  switch (type) {
    case 'CPF':
      return isValidCpf(value);
    case 'CNPJ':
      return isValidCnpj(value);
    case 'PHONE':
      return PHONE.test(value);
    case 'EMAIL':
      return value.length <= 77 && EMAIL.test(value);
    case 'EVP':
      return EVP.test(value);
    default:
      return true;
  }
}

/** Local instruments that need a key (SPI catalogue 5.13). */
const KEY_REQUIRED: ReadonlySet<string> = new Set(['DICT', 'QRDN', 'QRES', 'APDN', 'APES', 'INIC']);

/** Whether a local instrument needs (`required`) or excludes (`forbidden`) a Pix key. */
export function pixKeyRule(localInstrument: string): 'required' | 'forbidden' {
  return KEY_REQUIRED.has(localInstrument) ? 'required' : 'forbidden';
}
