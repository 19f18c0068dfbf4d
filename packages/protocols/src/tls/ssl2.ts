/** Records of SSL 2 (the Netscape specification), of which only a hello is read further than its type. */

import { u16 } from './hello';

export const Ssl2Message = {
  ERROR: 0,
  CLIENT_HELLO: 1,
  CLIENT_MASTER_KEY: 2,
  CLIENT_FINISHED: 3,
  SERVER_HELLO: 4,
  SERVER_VERIFY: 5,
  SERVER_FINISHED: 6,
  REQUEST_CERTIFICATE: 7,
  CLIENT_CERTIFICATE: 8,
} as const;

/** Version, length of the ciphers and of the session id, behind the type of a hello. */
const HELLO_BYTES = 6;

/** A header of two bytes, or of three where the record is padded; and the type of the message. */
export class Ssl2Record {
  type = 0;
  /** Bytes of the record behind those that were read. */
  rest = 0;
  /** Of a client's hello: the version it asks for; -1: the record is too short. */
  version = -1;
  sessionLength = 0;

  /** Bytes that `read` wants, as far as the first `length` of them tell. */
  wanted(bytes: Uint8Array, length: number): number {
    if (length < 2) return 2;
    const head = headOf(bytes);
    if (length <= head) return head + 1;
    const hello = bytes[head] === Ssl2Message.CLIENT_HELLO && sizeOf(bytes) > HELLO_BYTES;
    return hello ? head + 1 + HELLO_BYTES : head + 1;
  }

  /** @returns false where it has no contents */
  read(bytes: Uint8Array, length: number): boolean {
    const head = headOf(bytes);
    const size = sizeOf(bytes);
    if (size === 0) return false;
    this.type = bytes[head];
    this.rest = Math.max(0, size - (length - head));
    this.version = -1;
    if (length >= head + 1 + HELLO_BYTES) {
      this.version = u16(bytes, head + 1);
      this.sessionLength = u16(bytes, head + 5);
    }
    return true;
  }
}

function headOf(bytes: Uint8Array): number {
  return (bytes[0] & 0x80) !== 0 ? 2 : 3;
}

function sizeOf(bytes: Uint8Array): number {
  return u16(bytes, 0) & ((bytes[0] & 0x80) !== 0 ? 0x7fff : 0x3fff);
}
