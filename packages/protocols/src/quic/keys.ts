/** Protection of initial packets (RFC 9001 section 5, RFC 9369 section 3.3): everybody can undo it. */

import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import type { Direction } from '../transaction';
import { Direction as Directions } from '../transaction';
import { QuicVersion, saltOf } from './versions';

const SECRET = 32;
const KEY = 16;
const IV = 12;
const TAG = 16;
/** The sample of the header's mask lies as if the packet number had four bytes. */
const SAMPLE_AT = 4;
const SAMPLE = 16;

function hmac(key: Uint8Array, data: Uint8Array): Buffer {
  return createHmac('sha256', key).update(data).digest();
}

/** HKDF-Expand-Label (RFC 8446 section 7.1) without context, of at most 32 bytes. */
function expand(secret: Uint8Array, label: string, length: number): Buffer {
  const name = `tls13 ${label}`;
  const info = Buffer.alloc(5 + name.length);
  info[1] = length;
  info[2] = name.length;
  info.write(name, 3, 'latin1');
  info[4 + name.length] = 1;
  return hmac(secret, info).subarray(0, length);
}

class DirectionKeys {
  private readonly key: Buffer;
  private readonly iv: Buffer;
  private readonly mask: Buffer;

  constructor(secret: Uint8Array, version: number) {
    const prefix = version === QuicVersion.V2 ? 'quicv2' : 'quic';
    this.key = expand(secret, `${prefix} key`, KEY);
    this.iv = expand(secret, `${prefix} iv`, IV);
    this.mask = expand(secret, `${prefix} hp`, KEY);
  }

  /** @returns the payload, or null where the packet is not what it says */
  open(bytes: Uint8Array, start: number, headerEnd: number, end: number): Buffer | null {
    if (end - headerEnd < SAMPLE_AT + SAMPLE) return null;
    const sample = bytes.subarray(headerEnd + SAMPLE_AT, headerEnd + SAMPLE_AT + SAMPLE);
    const cipher = createCipheriv('aes-128-ecb', this.mask, null);
    const mask = cipher.update(sample);
    const first = bytes[start] ^ (mask[0] & 0x0f);
    const size = 1 + (first & 3);
    if (end - headerEnd - size < TAG) return null;
    const header = Buffer.from(bytes.subarray(start, headerEnd + size));
    header[0] = first;
    const nonce = Buffer.from(this.iv);
    for (let i = 0; i < size; i++) {
      const at = headerEnd - start + i;
      header[at] ^= mask[1 + i];
      nonce[IV - size + i] ^= header[at];
    }
    const opening = createDecipheriv('aes-128-gcm', this.key, nonce);
    opening.setAAD(header);
    opening.setAuthTag(bytes.subarray(end - TAG, end));
    const payload = opening.update(bytes.subarray(headerEnd + size, end - TAG));
    try {
      opening.final();
    } catch {
      return null;
    }
    return payload;
  }
}

/** Keys of the initial packets of a connection. */
export class InitialKeys {
  private readonly sides: [DirectionKeys | null, DirectionKeys | null] = [null, null];
  private readonly secret: Buffer;

  /** @param connection identifier of the connection that the client chose for the server */
  private constructor(
    private readonly version: number,
    salt: string,
    connection: Uint8Array,
  ) {
    this.secret = hmac(Buffer.from(salt, 'hex'), connection);
  }

  /** @returns null where the version has no keys that are known */
  static of(version: number, connection: Uint8Array): InitialKeys | null {
    const salt = saltOf(version);
    return salt === '' ? null : new InitialKeys(version, salt, connection);
  }

  /**
   * Undoes the protection of the packet `bytes[start, end)` whose packet number begins at `headerEnd`.
   * @returns its frames, or null where it was not made with these keys
   */
  open(
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    headerEnd: number,
    end: number,
  ): Buffer | null {
    let keys = this.sides[direction];
    if (keys === null) {
      const label = direction === Directions.TO_SERVER ? 'client in' : 'server in';
      keys = new DirectionKeys(expand(this.secret, label, SECRET), this.version);
      this.sides[direction] = keys;
    }
    return keys.open(bytes, start, headerEnd, end);
  }
}
