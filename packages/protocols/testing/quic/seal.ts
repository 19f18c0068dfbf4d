/** For tests: initial packets of QUIC, protected as RFC 9001 section 5 says; written apart from what undoes it. */

import { createCipheriv, createHmac, hkdfSync } from 'node:crypto';

const SALTS: Readonly<Record<number, string>> = {
  1: '38762cf7f55934b34d179ae6a4c80cadccbb7f0a',
  1798521807: '0dede3def700a6db819381be6e269dcbf9bd2ed9',
  4278190109: 'afbfec289993d24c9e9786f19c6111e04390a899',
  4278190103: 'c3eef712c72ebb5a11a7d2432bb46365bef9f502',
};

function label(text: string, length: number): Buffer {
  const full = `tls13 ${text}`;
  return Buffer.concat([
    Buffer.from([length >> 8, length & 0xff, full.length]),
    Buffer.from(full, 'latin1'),
    Buffer.from([0]),
  ]);
}

/** HKDF-Expand alone: Node's function does both steps, so its first one is undone by hand. */
function expand(secret: Buffer, text: string, length: number): Buffer {
  let output: Buffer = Buffer.alloc(0);
  let block: Buffer = Buffer.alloc(0);
  for (let i = 1; output.length < length; i++) {
    block = createHmac('sha256', secret)
      .update(block)
      .update(label(text, length))
      .update(Buffer.from([i]))
      .digest();
    output = Buffer.concat([output, block]);
  }
  return output.subarray(0, length);
}

export interface SealFields {
  readonly version?: number;
  /** Identifier that the client chose first: the keys come from it. */
  readonly connection: Buffer;
  /** Identifier in the header; default: the same. */
  readonly destination?: Buffer;
  readonly server?: boolean;
  readonly number?: number;
  readonly numberBytes?: number;
  readonly token?: Buffer;
}

/** Number of variable length, in at least two bytes. */
export function variable(value: number): Buffer {
  if (value < 0x4000) return Buffer.from([0x40 | (value >> 8), value & 0xff]);
  return Buffer.from([0x80 | (value >> 24), (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff]);
}

export function cryptoFrame(offset: number, data: Buffer): Buffer {
  return Buffer.concat([Buffer.from([6]), variable(offset), variable(data.length), data]);
}

/** A protected initial packet with these frames. */
export function seal(fields: SealFields, frames: Buffer): Buffer {
  const version = fields.version ?? 1;
  const salt = Buffer.from(SALTS[version], 'hex');
  const side = fields.server === true ? 'server in' : 'client in';
  const secret = Buffer.from(hkdfSync('sha256', fields.connection, salt, label(side, 32), 32));
  const prefix = version === 0x6b3343cf ? 'quicv2' : 'quic';
  const key = expand(secret, `${prefix} key`, 16);
  const iv = expand(secret, `${prefix} iv`, 12);
  const mask = expand(secret, `${prefix} hp`, 16);
  const number = fields.number ?? 0;
  const size = fields.numberBytes ?? 2;
  const destination = fields.destination ?? fields.connection;
  const token = fields.token ?? Buffer.alloc(0);
  const type = version === 0x6b3343cf ? 1 : 0;
  const versionBytes = Buffer.alloc(4);
  versionBytes.writeUInt32BE(version);
  const numberBytes = Buffer.alloc(4);
  numberBytes.writeUInt32BE(number);
  const head = Buffer.concat([
    Buffer.from([0xc0 | (type << 4) | (size - 1)]),
    versionBytes,
    Buffer.from([destination.length]),
    destination,
    Buffer.from([0]),
    variable(token.length),
    token,
    variable(size + frames.length + 16),
    numberBytes.subarray(4 - size),
  ]);
  const nonce = Buffer.from(iv);
  nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ number) >>> 0, 8);
  const cipher = createCipheriv('aes-128-gcm', key, nonce);
  cipher.setAAD(head);
  const body = Buffer.concat([cipher.update(frames), cipher.final(), cipher.getAuthTag()]);
  const ecb = createCipheriv('aes-128-ecb', mask, null);
  const bits = ecb.update(body.subarray(4 - size, 20 - size));
  head[0] ^= bits[0] & 0x0f;
  for (let i = 0; i < size; i++) head[head.length - size + i] ^= bits[1 + i];
  return Buffer.concat([head, body]);
}
