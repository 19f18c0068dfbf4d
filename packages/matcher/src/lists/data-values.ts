import { addressBytes, parseAddress } from '@portcullis/wire';
import type { DataType } from './data-set';

const HASH_BYTES = { md5: 16, sha256: 32 } as const;

/** Reads a value as files have it: base64 (strings), hex (hashes) or an address. @returns null where it is none */
export function valueOfText(type: DataType, text: string): string | null {
  switch (type) {
    case 'string':
      return /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? Buffer.from(text, 'base64').toString('latin1') : null;
    case 'md5':
    case 'sha256':
      return hashOf(text, HASH_BYTES[type]);
    case 'ipv4':
    case 'ip': {
      const bytes = bytesOfAddress(text);
      return bytes === null ? null : valueOfAddress(type, bytes);
    }
  }
}

function hashOf(text: string, length: number): string | null {
  if (text.length !== length * 2 || !/^[0-9a-fA-F]+$/.test(text)) return null;
  return Buffer.from(text, 'hex').toString('latin1');
}

function bytesOfAddress(text: string): Uint8Array | null {
  const words = parseAddress(text);
  return words === null ? null : addressBytes(words);
}

/** An address of 4 or 16 bytes as a value of such a set; sets of type `ip` hold IPv4 addresses as IPv4-mapped. */
function valueOfAddress(type: 'ipv4' | 'ip', bytes: Uint8Array): string | null {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  if (type === 'ipv4') return bytes.length === 4 ? text : null;
  if (bytes.length === 16) return text;
  return bytes.length === 4 ? `\0\0\0\0\0\0\0\0\0\0\xff\xff${text}` : null;
}

/**
 * The value that a buffer stands for: its bytes; for hashes they may be in hex too.
 * @returns null where the buffer cannot be a value of that type
 */
export function valueOfBytes(type: DataType, bytes: Uint8Array, start: number, end: number): string | null {
  const length = end - start;
  switch (type) {
    case 'md5':
    case 'sha256': {
      const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString('latin1');
      return length === HASH_BYTES[type] ? text : hashOf(text, HASH_BYTES[type]);
    }
    case 'ipv4':
    case 'ip':
      return length === 4 || length === 16 ? valueOfAddress(type, bytes.subarray(start, end)) : null;
    case 'string':
      return Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString('latin1');
  }
}
