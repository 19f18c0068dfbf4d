/** Fingerprints of hellos: JA3 and JA3S (Salesforce), JA4 (FoxIO). */

import { createHash } from 'node:crypto';
import { Extension, type Hello, isGrease, u16 } from './hello';
import { HelloNumbers, TextMemo } from './hello-numbers';
import { TlsVersion } from './versions';

/** What was made of the last hellos that differed. */
const numbers = new HelloNumbers();
const texts = new TextMemo();
const hashes = new Map<string, string>();
const MOST_HASHES = 128;
const LONGEST_HASHED = 4096;

/** Adds the numbers of `bytes[start, end)`, `width` bytes each, without those that mean nothing. */
function addNumbers(bytes: Uint8Array, start: number, end: number, width: number, to: number[]): void {
  for (let i = start; i + width <= end; i += width) {
    const value = width === 1 ? bytes[i] : u16(bytes, i);
    if (width === 1 || !isGrease(value)) to.push(value);
  }
}

/**
 * `version,ciphers,extensions,groups,point formats` of a ClientHello, `version,cipher,extensions` of a ServerHello; the
 * numbers of a list are joined by `-`.
 */
export function ja3Text(hello: Hello): string {
  numbers.read(hello);
  const sum = numbers.sum();
  const known = texts.find(numbers, sum);
  if (known !== null) return known;
  const text = writeJa3(hello);
  texts.keep(numbers, sum, text);
  return text;
}

/** The same, whether it was made before or not. */
export function writeJa3(hello: Hello): string {
  const { bytes } = hello;
  const ciphers: number[] = [];
  const extensions: number[] = [];
  const groups: number[] = [];
  const formats: number[] = [];
  addNumbers(bytes, hello.cipherStart, hello.cipherEnd, 2, ciphers);
  hello.eachExtension((type, start, end) => {
    if (!isGrease(type)) extensions.push(type);
    if (end === start) return;
    if (type === Extension.SUPPORTED_GROUPS)
      addNumbers(bytes, start + 2, start + 2 + u16(bytes, start), 2, groups);
    else if (type === Extension.POINT_FORMATS)
      addNumbers(bytes, start + 1, start + 1 + bytes[start], 1, formats);
  });
  const head = `${hello.legacyVersion},${ciphers.join('-')},${extensions.join('-')}`;
  return hello.client ? `${head},${groups.join('-')},${formats.join('-')}` : head;
}

/** MD5 of a JA3 text, in hexadecimal digits. */
export function ja3Hash(text: string): string {
  const known = hashes.get(text);
  if (known !== undefined) return known;
  const hash = createHash('md5').update(text).digest('hex');
  if (hashes.size >= MOST_HASHES) hashes.clear();
  if (text.length <= LONGEST_HASHED) hashes.set(text, hash);
  return hash;
}

const JA4_VERSIONS: ReadonlyMap<number, string> = new Map<number, string>([
  [TlsVersion.TLS_1_3, '13'],
  [TlsVersion.TLS_1_2, '12'],
  [TlsVersion.TLS_1_1, '11'],
  [TlsVersion.TLS_1_0, '10'],
  [TlsVersion.SSL_3, 's3'],
]);

function hexList(values: readonly number[]): string {
  return values.map((value) => value.toString(16).padStart(4, '0')).join(',');
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

function twoDigits(count: number): string {
  return String(Math.min(99, count)).padStart(2, '0');
}

/** First and last character of the first application protocol; `00` where it has fewer than two. */
function ja4Protocol(hello: Hello): string {
  const place = hello.applicationProtocol(0);
  if (place < 0) return '00';
  const start = Math.floor(place / 256);
  const length = place % 256;
  if (length < 2) return '00';
  const first = hello.bytes[start];
  const last = hello.bytes[start + length - 1];
  if (length === 2 && isGrease((first << 8) | last)) return '00';
  return String.fromCharCode(first, last);
}

/** JA4 of a ClientHello. @param quic it came over QUIC */
export function ja4(hello: Hello, quic: boolean): string {
  const { bytes } = hello;
  const ciphers: number[] = [];
  const extensions: number[] = [];
  const algorithms: number[] = [];
  let named = false;
  let count = 0;
  addNumbers(bytes, hello.cipherStart, hello.cipherEnd, 2, ciphers);
  hello.eachExtension((type, start, end) => {
    if (isGrease(type)) return;
    count++;
    if (type === Extension.SERVER_NAME) named = true;
    else if (type !== Extension.ALPN) extensions.push(type);
    if (type === Extension.SIGNATURE_ALGORITHMS && end > start) {
      addNumbers(bytes, start + 2, start + 2 + u16(bytes, start), 2, algorithms);
    }
  });
  const ascending = (a: number, b: number) => a - b;
  const head = [
    quic ? 'q' : 't',
    JA4_VERSIONS.get(hello.highestVersion) ?? '00',
    named ? 'd' : 'i',
    twoDigits(ciphers.length),
    twoDigits(count),
    ja4Protocol(hello),
  ].join('');
  const cipherHash = shortHash(hexList(ciphers.sort(ascending)));
  const extensionHash = shortHash(`${hexList(extensions.sort(ascending))}_${hexList(algorithms)}`);
  return `${head}_${cipherHash}_${extensionHash}`;
}
