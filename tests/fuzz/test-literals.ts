/**
 * Messages that the unit tests of a protocol have as literals: real ones, of the repository itself, for every protocol that has
 * tests.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeRecords } from './records';

const PROTOCOLS = join(__dirname, '../../packages/protocols/src');
const LITERAL = /'((?:[^'\\\n]|\\.){4,4000})'|`([^`$]{4,4000})`/g;
const HEX = /^(?:[0-9a-f]{2}\s*){4,}$/i;
const MOST_MESSAGES = 60;

/** Folder of a protocol whose name in rules is another. */
const FOLDERS: Readonly<Record<string, string>> = {
  http: 'http1',
  doh2: 'http2',
  mdns: 'dns',
  llmnr: 'dns',
};

function textOf(literal: string): string {
  return literal
    .replace(/\\x([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
    .replace(
      /\\([rnt0\\'])/g,
      (_, letter: string) => ({ r: '\r', n: '\n', t: '\t', 0: '\0' })[letter] ?? letter,
    );
}

function messages(folder: string): Buffer[] {
  const found = new Map<string, Buffer>();
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.test.ts')) continue;
    for (const [, quoted, template] of readFileSync(join(folder, name), 'utf8').matchAll(LITERAL)) {
      const literal = quoted ?? (template as string);
      if (HEX.test(literal)) found.set(literal, Buffer.from(literal.replace(/\s/g, ''), 'hex'));
      else if (/\\[rnx0]/.test(literal)) found.set(literal, Buffer.from(textOf(literal), 'latin1'));
    }
  }
  return [...found.values()].slice(0, MOST_MESSAGES);
}

/** @param protocol as the rules call it */
export function testLiterals(protocol: string): Uint8Array[] {
  const folder = join(PROTOCOLS, FOLDERS[protocol] ?? protocol);
  if (!existsSync(folder)) return [];
  const all = messages(folder);
  const single = all.flatMap((bytes) => [0, 1].map((kind) => encodeRecords([{ kind, bytes }])));
  return all.length > 1
    ? [encodeRecords(all.slice(0, 8).map((bytes, index) => ({ kind: index & 1, bytes }))), ...single]
    : single;
}
