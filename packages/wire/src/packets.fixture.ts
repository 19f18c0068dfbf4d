/** Packets for this package's own tests, byte by byte, with no checksums. */

export interface Ipv4Fixture {
  protocol: number;
  payload: ArrayLike<number>;
  options?: number[];
  /** The 16 bits of flags and offset. */
  fragment?: number;
  totalLength?: number;
  source?: number[];
  destination?: number[];
}

export function ipv4(fields: Ipv4Fixture): Uint8Array {
  const options = fields.options ?? [];
  const headerLength = 20 + options.length;
  const total = fields.totalLength ?? headerLength + fields.payload.length;
  const fragment = fields.fragment ?? 0;
  return Uint8Array.from([
    0x40 | (headerLength / 4),
    0x12,
    (total >> 8) & 0xff,
    total & 0xff,
    0xab,
    0xcd,
    fragment >> 8,
    fragment & 0xff,
    63,
    fields.protocol,
    0,
    0,
    ...(fields.source ?? [192, 0, 2, 1]),
    ...(fields.destination ?? [198, 51, 100, 2]),
    ...options,
    ...Array.from(fields.payload),
  ]);
}

export interface Ipv6Fixture {
  next: number;
  payload: ArrayLike<number>;
  payloadLength?: number;
  source?: number[];
  destination?: number[];
}

export function ipv6(fields: Ipv6Fixture): Uint8Array {
  const length = fields.payloadLength ?? fields.payload.length;
  const address = (last: number) => [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last];
  return Uint8Array.from([
    0x61,
    0x20,
    0,
    0,
    length >> 8,
    length & 0xff,
    fields.next,
    62,
    ...(fields.source ?? address(1)),
    ...(fields.destination ?? address(2)),
    ...Array.from(fields.payload),
  ]);
}

export interface TcpFixture {
  payload: ArrayLike<number>;
  options?: number[];
  flags?: number;
  dataOffset?: number;
}

/** From port 0x1234 to 0x0050, sequence 0xdeadbeef, acknowledgment 0x89abcdef, window 0x4321, urgent 0x0102. */
export function tcp(fields: TcpFixture): Uint8Array {
  const options = fields.options ?? [];
  const offset = fields.dataOffset ?? 5 + options.length / 4;
  return Uint8Array.from([
    ...[0x12, 0x34, 0x00, 0x50, 0xde, 0xad, 0xbe, 0xef, 0x89, 0xab, 0xcd, 0xef],
    ...[offset << 4, fields.flags ?? 0x18, 0x43, 0x21, 0, 0, 0x01, 0x02],
    ...options,
    ...Array.from(fields.payload),
  ]);
}

export function udp(fields: { payload: ArrayLike<number>; length?: number }): Uint8Array {
  const length = fields.length ?? 8 + fields.payload.length;
  return Uint8Array.from([
    0x12,
    0x34,
    0,
    53,
    length >> 8,
    length & 0xff,
    0,
    0,
    ...Array.from(fields.payload),
  ]);
}
