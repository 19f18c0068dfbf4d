/** For tests: the messages of TLS handshakes, built byte by byte. */

import { bytesOf } from '../recorder';

/** A certificate that OpenSSL has made: names of all kinds, a multi-valued one, a serial number with a leading zero. */
export const CERTIFICATE = Buffer.from(
  [
    'MIICszCCAlmgAwIBAgIJAJfmRwmO6sm0MAoGCCqGSM49BAMCMIGQMQswCQYDVQQGEwJGUjEMMAoGA1UECAwDSURGMRUwEwYDVQQK',
    'DAxTb21lIENvbXBhbnkxGDAKBgNVBAsMA09uZTAKBgNVBAsMA1R3bzEYMBYGA1UEAwwPd3d3LmV4YW1wbGUub3JnMRwwGgYJKoZI',
    'hvcNAQkBFg1hQGV4YW1wbGUub3JnMQowCAYDVQQFEwE3MB4XDTI2MTEyMjAyNTM0OFoXDTM2MTExOTAyNTM0OFowgZAxCzAJBgNV',
    'BAYTAkZSMQwwCgYDVQQIDANJREYxFTATBgNVBAoMDFNvbWUgQ29tcGFueTEYMAoGA1UECwwDT25lMAoGA1UECwwDVHdvMRgwFgYD',
    'VQQDDA93d3cuZXhhbXBsZS5vcmcxHDAaBgkqhkiG9w0BCQEWDWFAZXhhbXBsZS5vcmcxCjAIBgNVBAUTATcwWTATBgcqhkjOPQIB',
    'BggqhkjOPQMBBwNCAATgka2uhEjUfgaey/482Q+wrj2HmgNKNZdZJueif68pdd4mSJBbkmhmvhbVRpTuRTcINbdUf8iJsv6kdvmE',
    '35eko4GZMIGWMHUGA1UdEQRuMGyCD3d3dy5leGFtcGxlLm9yZ4INKi5leGFtcGxlLm5ldIcEwAACAYENYkBleGFtcGxlLm9yZ4YU',
    'aHR0cHM6Ly9leGFtcGxlLm9yZy+kHzAdMQswCQYDVQQGEwJERTEOMAwGA1UEAwwFb3RoZXIwHQYDVR0OBBYEFAm+WXoSNIVAUFTI',
    'd3CHkwlWkdpvMAoGCCqGSM49BAMCA0gAMEUCIQD2rSyhjtZBxUxBBLtw9oCwxs/S2Yx/sF9j/21tqBWItwIgeTtFSXIgAZ1FF6zr',
    'kwf+/4K54b+EucqHaiAex1seaso=',
  ].join(''),
  'base64',
);

export function u8(value: number): Buffer {
  return Buffer.from([value]);
}

export function u16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}

export function u24(value: number): Buffer {
  return Buffer.from([value >> 16, (value >> 8) & 0xff, value & 0xff]);
}

/** Parts one after the other, with their length before them in `width` bytes. */
export function counted(width: 1 | 2 | 3, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length = width === 1 ? u8(body.length) : width === 2 ? u16(body.length) : u24(body.length);
  return Buffer.concat([length, body]);
}

export function u16s(values: readonly number[]): Buffer {
  return Buffer.concat(values.map(u16));
}

export function record(type: number, body: Buffer, version = 0x0303): Buffer {
  return Buffer.concat([u8(type), u16(version), counted(2, body)]);
}

export function message(type: number, body: Buffer): Buffer {
  return Buffer.concat([u8(type), counted(3, body)]);
}

export type ExtensionBytes = readonly [type: number, body: Buffer];

export const serverName = (name: string, type = 0): ExtensionBytes => [
  0,
  counted(2, u8(type), counted(2, bytesOf(name))),
];
export const groups = (values: readonly number[]): ExtensionBytes => [10, counted(2, u16s(values))];
export const pointFormats = (values: readonly number[]): ExtensionBytes => [
  11,
  counted(1, Buffer.from(values)),
];
export const signatureAlgorithms = (values: readonly number[]): ExtensionBytes => [
  13,
  counted(2, u16s(values)),
];
export const protocols = (names: readonly string[]): ExtensionBytes => [
  16,
  counted(2, ...names.map((name) => counted(1, bytesOf(name)))),
];
export const supportedVersions = (values: readonly number[]): ExtensionBytes => [
  43,
  counted(1, u16s(values)),
];
export const selectedVersion = (value: number): ExtensionBytes => [43, u16(value)];

export interface HelloFields {
  readonly version?: number;
  readonly random?: Buffer;
  readonly session?: Buffer;
  readonly ciphers?: readonly number[];
  readonly extensions?: readonly ExtensionBytes[];
}

export const RANDOM = Buffer.from(Array.from({ length: 32 }, (_, i) => 0xa0 + i));

function extensionBlock(extensions: readonly ExtensionBytes[] | undefined): Buffer {
  if (extensions === undefined) return Buffer.alloc(0);
  return counted(2, ...extensions.map(([type, body]) => Buffer.concat([u16(type), counted(2, body)])));
}

/** Body of a ClientHello, without the header of the message. */
export function clientHello(fields: HelloFields = {}): Buffer {
  return Buffer.concat([
    u16(fields.version ?? 0x0303),
    fields.random ?? RANDOM,
    counted(1, fields.session ?? Buffer.alloc(0)),
    counted(2, u16s(fields.ciphers ?? [0x1301, 0xc02f])),
    counted(1, Buffer.from([0])),
    extensionBlock(fields.extensions),
  ]);
}

/** Body of a ServerHello. */
export function serverHello(fields: HelloFields = {}): Buffer {
  return Buffer.concat([
    u16(fields.version ?? 0x0303),
    fields.random ?? RANDOM,
    counted(1, fields.session ?? Buffer.alloc(0)),
    u16(fields.ciphers?.[0] ?? 0xc02f),
    u8(0),
    extensionBlock(fields.extensions),
  ]);
}

/** Body of a Certificate message of TLS 1.2. */
export function certificates(...chain: readonly Buffer[]): Buffer {
  return counted(3, ...chain.map((one) => counted(3, one)));
}

export const HANDSHAKE = 22;
export const MessageType = {
  CLIENT_HELLO: 1,
  SERVER_HELLO: 2,
  CERTIFICATE: 11,
  SERVER_KEY_EXCHANGE: 12,
  CERTIFICATE_REQUEST: 13,
  SERVER_HELLO_DONE: 14,
  CLIENT_KEY_EXCHANGE: 16,
} as const;

/** A handshake record with one message. */
export function handshake(type: number, body: Buffer, version = 0x0303): Buffer {
  return record(HANDSHAKE, message(type, body), version);
}

/** An element of ASN.1. */
export function element(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length = body.length < 0x80 ? u8(body.length) : Buffer.concat([u8(0x82), u16(body.length)]);
  return Buffer.concat([u8(tag), length, body]);
}

/** A small certificate whose parts can be wrong. */
export function certificateOf(parts: {
  readonly version?: Buffer;
  readonly serial?: Buffer;
  readonly issuer?: Buffer;
  readonly validity?: Buffer;
  readonly subject?: Buffer;
  readonly extensions?: Buffer;
}): Buffer {
  const algorithm = element(0x30, element(0x06, Buffer.from('2a864886f70d01010b', 'hex')), element(0x05));
  const time = element(0x17, bytesOf('150304161500Z'));
  const body = element(
    0x30,
    parts.version ?? element(0xa0, element(0x02, u8(2))),
    parts.serial ?? element(0x02, Buffer.from('0080', 'hex')),
    algorithm,
    parts.issuer ?? name([['55040a', 0x13, 'Issuer']]),
    parts.validity ?? element(0x30, time, element(0x18, bytesOf('20490101000000Z'))),
    parts.subject ?? name([['550403', 0x0c, 'subject']]),
    element(0x30, algorithm, element(0x03, u8(0))),
    parts.extensions ?? Buffer.alloc(0),
  );
  return element(0x30, body, algorithm, element(0x03, u8(0)));
}

/** A distinguished name: object identifiers in hexadecimal digits, string types, texts of one byte a character. */
export function name(attributes: readonly (readonly [string, number, string])[]): Buffer {
  const sets = attributes.map(([identifier, tag, text]) =>
    element(0x31, element(0x30, element(0x06, Buffer.from(identifier, 'hex')), element(tag, bytesOf(text)))),
  );
  return element(0x30, ...sets);
}
