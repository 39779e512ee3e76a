import { closeSync, openSync, readSync } from 'node:fs';

const LETTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/**
 * Fresh bodies of /v1/score for ever: simulated payments with a new id and the present time, put
 * together from pieces that were cut once (1 µs a body).
 */
export function paymentBodies(file, run) {
  const templates = firstLines(file)
    .filter((line) => line.includes('"side":"PAYER"'))
    .map((line) => {
      const match = /^(.*"endToEndId":"E[0-9A-Z]{8})[0-9]{12}[A-Za-z0-9]{11}(".*"acceptedAt":")[^"]+(".*)$/.exec(line);
      return match === null ? undefined : match.slice(1);
    })
    .filter((template) => template !== undefined);
  if (templates.length === 0) throw new Error(`${file} has no payment`);
  let counter = 0;
  return () => {
    const [head, middle, tail] = templates[counter % templates.length];
    counter += 1;
    const now = new Date().toISOString();
    const minute = now.slice(0, 16).replace(/[-T:]/g, '');
    return `${head}${minute}${run}${base62(counter)}${middle}${now}${tail}`;
  };
}

/** Lines of a file's first 20 MB: as many templates as a bench needs. */
function firstLines(file) {
  const bytes = Buffer.alloc(20 * 1024 * 1024);
  const handle = openSync(file, 'r');
  const length = readSync(handle, bytes, 0, bytes.length, 0);
  closeSync(handle);
  return bytes.toString('utf8', 0, length).split('\n').slice(0, -1);
}

function base62(number) {
  let text = '';
  for (let rest = number, digit = 0; digit < 8; digit += 1, rest = Math.floor(rest / 62))
    text = LETTERS[rest % 62] + text;
  return text;
}

/** Three characters that tell this run's ids from every other's. */
export function runMark() {
  return Array.from({ length: 3 }, () => LETTERS[Math.floor(Math.random() * 62)]).join('');
}
