/** Messages of tags, as Google's QUIC has them instead of TLS; and CYU, the fingerprint of those of clients. */

import { createHash } from 'node:crypto';
import { TAGS } from './limits';
import { QuicVersion } from './versions';

const NAMES = [
  'AEAD', 'CCRT', 'CCS', 'CETV', 'CFCW', 'CHLO', 'COPT', 'CSCT', 'CTIM', 'ICSL', 'IRTT', 'KEXS', 'MIDS', 'MSPC',
  'NONC', 'NONP', 'PAD', 'PDMD', 'PUBS', 'SCID', 'SCLS', 'SFCW', 'SMHL', 'SNI', 'SNO', 'STK', 'TCID', 'UAID', 'VER',
  'XLCT',
]; // biome-ignore format: a table

const BY_NUMBER: ReadonlyMap<number, string> = new Map(
  NAMES.map((name) => [Buffer.from(name.padEnd(4, '\0'), 'latin1').readUInt32BE(0), name]),
);

/** One message: names of its tags in their order, and places of the values of two of them. */
export interface TagMessage {
  readonly names: readonly string[];
  readonly serverName: readonly [number, number] | null;
  readonly userAgent: readonly [number, number] | null;
}

/** Reads `bytes[start, end)`, which must be one message and nothing else. @returns null where it is none */
export function readTags(bytes: Uint8Array, start: number, end: number): TagMessage | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (end - start < 8 || !BY_NUMBER.has(view.getUint32(start))) return null;
  const count = view.getUint16(start + 4, true);
  const table = start + 8;
  if (count > TAGS || count * 8 > end - table) return null;
  const values = table + count * 8;
  const names: string[] = [];
  let serverName: [number, number] | null = null;
  let userAgent: [number, number] | null = null;
  let before = 0;
  for (let i = 0; i < count; i++) {
    const name = BY_NUMBER.get(view.getUint32(table + i * 8));
    const stop = view.getUint32(table + i * 8 + 4, true);
    if (name === undefined || stop < before || stop > end - values) return null;
    names.push(name);
    if (name === 'SNI') serverName = [values + before, values + stop];
    else if (name === 'UAID') userAgent = [values + before, values + stop];
    before = stop;
  }
  return values + before === end ? { names, serverName, userAgent } : null;
}

const CYU_VERSIONS: ReadonlyMap<number, string> = new Map<number, string>([
  [QuicVersion.Q043, '43'],
  [QuicVersion.Q044, '44'],
  [QuicVersion.Q045, '44'],
  [QuicVersion.Q046, '46'],
]);

/** `46,PAD-SNI-VER-…`; '' where the version has none. */
export function cyuText(version: number, names: readonly string[]): string {
  const prefix = CYU_VERSIONS.get(version);
  return prefix === undefined ? '' : `${prefix},${names.join('-')}`;
}

export function cyuHash(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
