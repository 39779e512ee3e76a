/** A Brazilian tax id as payments carry it: always a string, upper case, no punctuation. */
export type DocumentType = 'CPF' | 'CNPJ';

/** CPF: 11 digits. CNPJ: 12 digits or capitals and two digits (alphanumeric since July 2026). */
export const DOCUMENT_PATTERN = '^([0-9]{11}|[0-9A-Z]{12}[0-9]{2})$';

/** An institution's code: alphanumeric as well. */
export const ISPB_PATTERN = '^[0-9A-Z]{8}$';

/** Which document a text of {@link DOCUMENT_PATTERN}'s form is. */
export function documentTypeOf(document: string): DocumentType {
  return document.length === 11 ? 'CPF' : 'CNPJ';
}

/** Whether the check digits of a text of {@link DOCUMENT_PATTERN}'s form are right. */
export function isValidDocument(document: string): boolean {
  return document.length === 11 ? isValidCpf(document) : isValidCnpj(document);
}

/** Modulus 11 over 9, then 10 digits; the ten CPFs of one repeated digit are not given out. */
export function isValidCpf(cpf: string): boolean {
  if (!/^\d{11}$/.test(cpf) || /^(\d)\1{10}$/.test(cpf)) return false;
  return cpf.endsWith(cpfCheckDigits(cpf.slice(0, 9)));
}

/** The two check digits of a CPF's first nine. */
export function cpfCheckDigits(nine: string): string {
  const first = modulus11(nine, 10);
  return `${first}${modulus11(`${nine}${first}`, 11)}`;
}

function modulus11(digits: string, firstWeight: number): number {
  let sum = 0;
  for (let at = 0; at < digits.length; at += 1) sum += (digits.charCodeAt(at) - 48) * (firstWeight - at);
  const rest = sum % 11;
  return rest < 2 ? 0 : 11 - rest;
}

/** Weights 5…2, 9…2, then 6…2, 9…2 over (ASCII code − 48); all zeros is not given out. */
export function isValidCnpj(cnpj: string): boolean {
  if (!/^[0-9A-Z]{12}\d{2}$/.test(cnpj) || cnpj === '00000000000000') return false;
  return cnpj.endsWith(cnpjCheckDigits(cnpj.slice(0, 12)));
}

/** The two check digits of a CNPJ's first twelve characters. */
export function cnpjCheckDigits(twelve: string): string {
  const first = weighted(twelve, 5);
  return `${first}${weighted(`${twelve}${first}`, 6)}`;
}

function weighted(text: string, firstWeight: number): number {
  let sum = 0;
  let weight = firstWeight;
  for (let at = 0; at < text.length; at += 1) {
    sum += (text.charCodeAt(at) - 48) * weight;
    weight = weight === 2 ? 9 : weight - 1;
  }
  const rest = sum % 11;
  return rest < 2 ? 0 : 11 - rest;
}

/** How a document is shown to people: `***.456.789-**`; of a CNPJ only its root's end. */
export function maskDocument(document: string): string {
  if (document.length === 11) return `***.${document.slice(3, 6)}.${document.slice(6, 9)}-**`;
  return `**.***.${document.slice(5, 8)}/****-**`;
}
