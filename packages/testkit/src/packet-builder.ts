import {
  addressBytes,
  Icmp,
  IpProtocol,
  Ipv4,
  Ipv6,
  internetChecksum,
  isIpv4,
  PacketView,
  parseAddress,
  Tcp,
  TcpOption,
  Udp,
  writeChecksums,
} from '@portcullis/wire';

/** Text is taken byte for byte (latin1). */
export type Payload = Uint8Array | string;

export function payloadBytes(payload: Payload | undefined): Uint8Array {
  if (payload === undefined) return new Uint8Array(0);
  return typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload;
}

/** An IPv6 extension header before the upper-layer header. */
export interface ExtensionHeader {
  /** Protocol number of this header, e.g. `IpProtocol.DESTINATION_OPTIONS`. */
  readonly protocol: number;
  /** The header from its third byte on; filled up with zero to a multiple of 8 bytes in all. */
  readonly body: Uint8Array;
}

/** What the packets of every protocol have. Both addresses are IPv4, or both IPv6. */
export interface IpFields {
  readonly source: string;
  readonly destination: string;
  readonly ttl?: number;
  /** Type of service, or traffic class. */
  readonly tos?: number;
  /** IPv4 only. */
  readonly identification?: number;
  /** IPv4 only; default true. */
  readonly dontFragment?: boolean;
  /** IPv4 options, filled up with zero to a multiple of 4 bytes. */
  readonly ipOptions?: Uint8Array;
  readonly extensionHeaders?: readonly ExtensionHeader[];
  /** `wrong`: all checksums of the packet are off. Default `right`. */
  readonly checksums?: 'right' | 'wrong';
}

export interface TcpOptionFields {
  readonly mss?: number;
  readonly windowScale?: number;
  readonly sackPermitted?: boolean;
  readonly timestamp?: { readonly value: number; readonly echo: number };
}

export interface TcpFields extends IpFields {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence?: number;
  readonly acknowledgment?: number;
  /** Bits of `TcpFlag`. */
  readonly flags: number;
  readonly window?: number;
  readonly urgentPointer?: number;
  /** Bytes as they are, or the common options; filled up with zero to a multiple of 4 bytes. */
  readonly options?: Uint8Array | TcpOptionFields;
  readonly payload?: Payload;
}

export interface UdpFields extends IpFields {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly payload?: Payload;
}

export interface IcmpFields extends IpFields {
  readonly type: number;
  readonly code?: number;
  /** The four bytes behind the checksum, e.g. identifier and sequence number of an echo. */
  readonly rest?: number;
  readonly payload?: Payload;
}

export interface IpPacketFields extends IpFields {
  readonly protocol: number;
  readonly payload?: Payload;
}

const DEFAULT_TTL = 64;
const DEFAULT_WINDOW = 65_535;
/** Added to a checksum to make it wrong; no multiple of 65 535, under which it would stay right. */
const CHECKSUM_ERROR = 0x1234;

export function buildTcp(fields: TcpFields): Uint8Array {
  const options = padded(tcpOptionBytes(fields.options), 4);
  const payload = payloadBytes(fields.payload);
  const headerLength = Tcp.MIN_LENGTH + options.length;
  if (headerLength > 60) throw new RangeError(`TCP options of ${options.length} bytes; at most 40`);
  const segment = Buffer.alloc(headerLength + payload.length);
  segment.writeUInt16BE(fields.sourcePort, Tcp.SOURCE_PORT);
  segment.writeUInt16BE(fields.destinationPort, Tcp.DESTINATION_PORT);
  segment.writeUInt32BE((fields.sequence ?? 0) >>> 0, Tcp.SEQUENCE);
  segment.writeUInt32BE((fields.acknowledgment ?? 0) >>> 0, Tcp.ACKNOWLEDGMENT);
  segment[Tcp.DATA_OFFSET] = (headerLength / 4) << 4;
  segment[Tcp.FLAGS] = fields.flags;
  segment.writeUInt16BE(fields.window ?? DEFAULT_WINDOW, Tcp.WINDOW);
  segment.writeUInt16BE(fields.urgentPointer ?? 0, Tcp.URGENT_POINTER);
  segment.set(options, Tcp.MIN_LENGTH);
  segment.set(payload, headerLength);
  return buildIp({ ...fields, protocol: IpProtocol.TCP, payload: segment });
}

export function buildUdp(fields: UdpFields): Uint8Array {
  const payload = payloadBytes(fields.payload);
  const datagram = Buffer.alloc(Udp.LENGTH + payload.length);
  datagram.writeUInt16BE(fields.sourcePort, Udp.SOURCE_PORT);
  datagram.writeUInt16BE(fields.destinationPort, Udp.DESTINATION_PORT);
  datagram.writeUInt16BE(datagram.length, Udp.DATAGRAM_LENGTH);
  datagram.set(payload, Udp.LENGTH);
  return buildIp({ ...fields, protocol: IpProtocol.UDP, payload: datagram });
}

/** ICMP between IPv4 addresses, ICMPv6 between IPv6 addresses. */
export function buildIcmp(fields: IcmpFields): Uint8Array {
  const payload = payloadBytes(fields.payload);
  const message = Buffer.alloc(Icmp.LENGTH + payload.length);
  message[Icmp.TYPE] = fields.type;
  message[Icmp.CODE] = fields.code ?? 0;
  message.writeUInt32BE((fields.rest ?? 0) >>> 0, Icmp.REST);
  message.set(payload, Icmp.LENGTH);
  const protocol = isIpv4(addressOf(fields.source)) ? IpProtocol.ICMP : IpProtocol.ICMPV6;
  return buildIp({ ...fields, protocol, payload: message });
}

/** An IP packet around `payload`; the checksum of a known transport header in it is filled in. */
export function buildIp(fields: IpPacketFields): Uint8Array {
  const source = addressOf(fields.source);
  const destination = addressOf(fields.destination);
  if (isIpv4(source) !== isIpv4(destination))
    throw new TypeError(`${fields.source} and ${fields.destination} are of two families`);
  const packet = isIpv4(source)
    ? ipv4Packet(fields, source, destination)
    : ipv6Packet(fields, source, destination);
  const view = new PacketView();
  // A payload that cannot be decoded is left as it is: it was asked for.
  if (view.decode(packet, 0, packet.length) === 0) writeChecksums(view);
  else if (isIpv4(source)) writeHeaderChecksum(packet);
  if (fields.checksums === 'wrong') spoilChecksums(packet, view);
  return packet;
}

function addressOf(text: string): Uint32Array {
  const address = parseAddress(text);
  if (address === null) throw new TypeError(`${text} is not an IP address`);
  return address;
}

function padded(bytes: Uint8Array, unit: number): Uint8Array {
  const result = new Uint8Array(Math.ceil(bytes.length / unit) * unit);
  result.set(bytes);
  return result;
}

function ipv4Packet(fields: IpPacketFields, source: Uint32Array, destination: Uint32Array): Uint8Array {
  const options = padded(fields.ipOptions ?? new Uint8Array(0), 4);
  const payload = payloadBytes(fields.payload);
  const headerLength = Ipv4.MIN_LENGTH + options.length;
  if (headerLength > 60) throw new RangeError(`IPv4 options of ${options.length} bytes; at most 40`);
  const packet = Buffer.alloc(headerLength + payload.length);
  if (packet.length > Ipv4.MAX_LENGTH) throw new RangeError(`a packet of ${packet.length} bytes`);
  packet[Ipv4.VERSION_IHL] = 0x40 | (headerLength / 4);
  packet[Ipv4.TOS] = fields.tos ?? 0;
  packet.writeUInt16BE(packet.length, Ipv4.TOTAL_LENGTH);
  packet.writeUInt16BE(fields.identification ?? 0, Ipv4.IDENTIFICATION);
  packet.writeUInt16BE((fields.dontFragment ?? true) ? Ipv4.DONT_FRAGMENT : 0, Ipv4.FRAGMENT);
  packet[Ipv4.TTL] = fields.ttl ?? DEFAULT_TTL;
  packet[Ipv4.PROTOCOL] = fields.protocol;
  packet.set(addressBytes(source), Ipv4.SOURCE);
  packet.set(addressBytes(destination), Ipv4.DESTINATION);
  packet.set(options, Ipv4.MIN_LENGTH);
  packet.set(payload, headerLength);
  return packet;
}

function ipv6Packet(fields: IpPacketFields, source: Uint32Array, destination: Uint32Array): Uint8Array {
  const payload = payloadBytes(fields.payload);
  const chain = fields.extensionHeaders ?? [];
  const headers = chain.map((header, index) => {
    const bytes = padded(Uint8Array.of(0, 0, ...header.body), 8);
    bytes[0] = chain[index + 1]?.protocol ?? fields.protocol;
    // The fragment header has no length; its second byte is reserved (RFC 8200 §4.5).
    if (header.protocol !== IpProtocol.FRAGMENT) bytes[1] = bytes.length / 8 - 1;
    return bytes;
  });
  const fixed = Buffer.alloc(Ipv6.LENGTH);
  const length = headers.reduce((sum, header) => sum + header.length, payload.length);
  if (length > Ipv6.MAX_PAYLOAD) throw new RangeError(`a packet of ${length + Ipv6.LENGTH} bytes`);
  const trafficClass = fields.tos ?? 0;
  fixed[Ipv6.VERSION_CLASS] = 0x60 | (trafficClass >> 4);
  fixed[Ipv6.VERSION_CLASS + 1] = (trafficClass & 0x0f) << 4;
  fixed.writeUInt16BE(length, Ipv6.PAYLOAD_LENGTH);
  fixed[Ipv6.NEXT_HEADER] = chain[0]?.protocol ?? fields.protocol;
  fixed[Ipv6.HOP_LIMIT] = fields.ttl ?? DEFAULT_TTL;
  fixed.set(addressBytes(source), Ipv6.SOURCE);
  fixed.set(addressBytes(destination), Ipv6.DESTINATION);
  return Buffer.concat([fixed, ...headers, payload]);
}

function tcpOptionBytes(options: Uint8Array | TcpOptionFields | undefined): Uint8Array {
  if (options === undefined) return new Uint8Array(0);
  if (options instanceof Uint8Array) return options;
  const bytes: number[] = [];
  if (options.mss !== undefined)
    bytes.push(TcpOption.MSS, TcpOption.MSS_LENGTH, options.mss >> 8, options.mss & 0xff);
  if (options.sackPermitted) bytes.push(TcpOption.SACK_PERMITTED, TcpOption.SACK_PERMITTED_LENGTH);
  if (options.timestamp !== undefined) {
    const times = Buffer.alloc(8);
    times.writeUInt32BE(options.timestamp.value, 0);
    times.writeUInt32BE(options.timestamp.echo, 4);
    bytes.push(TcpOption.TIMESTAMP, TcpOption.TIMESTAMP_LENGTH, ...times);
  }
  if (options.windowScale !== undefined)
    bytes.push(TcpOption.NOP, TcpOption.WINDOW_SCALE, TcpOption.WINDOW_SCALE_LENGTH, options.windowScale);
  return Uint8Array.from(bytes);
}

function writeHeaderChecksum(packet: Uint8Array): void {
  packet[Ipv4.CHECKSUM] = 0;
  packet[Ipv4.CHECKSUM + 1] = 0;
  const headerLength = (packet[0] & 0x0f) * 4;
  const checksum = internetChecksum(packet, 0, headerLength);
  packet[Ipv4.CHECKSUM] = checksum >> 8;
  packet[Ipv4.CHECKSUM + 1] = checksum & 0xff;
}

const CHECKSUM_AT: ReadonlyMap<number, number> = new Map<number, number>([
  [IpProtocol.TCP, Tcp.CHECKSUM],
  [IpProtocol.UDP, Udp.CHECKSUM],
  [IpProtocol.ICMP, Icmp.CHECKSUM],
  [IpProtocol.ICMPV6, Icmp.CHECKSUM],
]);

function spoilChecksums(packet: Uint8Array, view: PacketView): void {
  const spoil = (at: number) => {
    const bytes = Buffer.from(packet.buffer, packet.byteOffset, packet.length);
    bytes.writeUInt16BE((bytes.readUInt16BE(at) + CHECKSUM_ERROR) & 0xffff, at);
  };
  if (view.version === 4) spoil(Ipv4.CHECKSUM);
  const at = CHECKSUM_AT.get(view.protocol);
  if (at !== undefined && view.transport + at + 2 <= packet.length) spoil(view.transport + at);
}
