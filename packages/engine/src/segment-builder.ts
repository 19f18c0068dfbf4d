import {
  addressBytes,
  IpProtocol,
  Ipv4,
  Ipv6,
  type PacketView,
  Tcp,
  TcpOption,
  PacketView as View,
  writeChecksums,
} from '@portcullis/wire';

/** Where finished packets go: the raw socket of the queue binding, or a list in tests. */
export interface PacketSender {
  send(bytes: Uint8Array, offset: number, length: number): void;
}

/** What a segment of ours says. */
export interface SegmentFields {
  readonly sequence: number;
  readonly acknowledgment: number;
  readonly flags: number;
  readonly payload?: Uint8Array;
}

/** Most bytes that one of our segments carries: it fits every IPv6 path (RFC 8200 §5: 1280 bytes). */
export const MAX_PAYLOAD = 1280 - Ipv6.LENGTH - Tcp.MIN_LENGTH - 12;
const HOP_LIMIT = 64;
/** A window for whoever has something to say yet: a FIN is held back where there is none. */
const WINDOW = 0xffff;

/** Builds TCP segments in the name of one end of a connection of which a packet is at hand. */
export class SegmentBuilder {
  private readonly bytes = new Uint8Array(1280);
  private readonly view = new View();

  /** Sends a segment onward to where `packet` goes, as if from where it comes from. */
  sendOnward(packet: PacketView, fields: SegmentFields, sender: PacketSender): void {
    const { source, destination, sourcePort, destinationPort } = packet;
    this.send(packet, source, destination, sourcePort, destinationPort, fields, sender);
  }

  /** Sends a segment back to where `packet` comes from, as if from where it goes. */
  sendBack(packet: PacketView, fields: SegmentFields, sender: PacketSender): void {
    const { source, destination, sourcePort, destinationPort } = packet;
    this.send(packet, destination, source, destinationPort, sourcePort, fields, sender);
  }

  private send(
    packet: PacketView,
    source: Uint32Array,
    destination: Uint32Array,
    from: number,
    to: number,
    { sequence, acknowledgment, flags, payload }: SegmentFields,
    sender: PacketSender,
  ): void {
    const { bytes } = this;
    // Who gets data without the option that was agreed on may throw it away (RFC 7323 §3.2).
    const stamped = payload !== undefined && this.hasTimestamp(packet);
    const header = Tcp.MIN_LENGTH + (stamped ? TcpOption.TIMESTAMP_LENGTH + 2 : 0);
    const length = header + (payload?.length ?? 0);
    bytes.fill(0);
    const transport = packet.version === 4 ? Ipv4.MIN_LENGTH : Ipv6.LENGTH;
    if (packet.version === 4) {
      bytes[Ipv4.VERSION_IHL] = 0x45;
      put16(bytes, Ipv4.TOTAL_LENGTH, Ipv4.MIN_LENGTH + length);
      put16(bytes, Ipv4.FRAGMENT, Ipv4.DONT_FRAGMENT);
      bytes[Ipv4.TTL] = HOP_LIMIT;
      bytes[9] = IpProtocol.TCP;
      bytes.set(addressBytes(source), Ipv4.SOURCE);
      bytes.set(addressBytes(destination), Ipv4.DESTINATION);
    } else {
      bytes[Ipv6.VERSION_CLASS] = 0x60;
      put16(bytes, Ipv6.PAYLOAD_LENGTH, length);
      bytes[Ipv6.NEXT_HEADER] = IpProtocol.TCP;
      bytes[Ipv6.HOP_LIMIT] = HOP_LIMIT;
      bytes.set(addressBytes(source), Ipv6.SOURCE);
      bytes.set(addressBytes(destination), Ipv6.DESTINATION);
    }
    put16(bytes, transport + Tcp.SOURCE_PORT, from);
    put16(bytes, transport + Tcp.DESTINATION_PORT, to);
    put32(bytes, transport + Tcp.SEQUENCE, sequence);
    put32(bytes, transport + Tcp.ACKNOWLEDGMENT, acknowledgment);
    bytes[transport + Tcp.DATA_OFFSET] = (header >> 2) << 4;
    bytes[transport + Tcp.FLAGS] = flags;
    if (payload !== undefined) {
      put16(bytes, transport + Tcp.WINDOW, WINDOW);
      if (stamped) this.writeTimestamp(packet, transport + Tcp.MIN_LENGTH);
      bytes.set(payload, transport + header);
    }
    this.view.decode(bytes, 0, transport + length);
    writeChecksums(this.view);
    sender.send(bytes, 0, transport + length);
  }

  private hasTimestamp(packet: PacketView): boolean {
    packet.decodeTcpOptions();
    return packet.hasTimestamp;
  }

  /** The other end's clock as the packet echoes it, which is never older than what was seen of it. */
  private writeTimestamp(packet: PacketView, at: number): void {
    const { bytes } = this;
    bytes[at] = TcpOption.NOP;
    bytes[at + 1] = TcpOption.NOP;
    bytes[at + 2] = TcpOption.TIMESTAMP;
    bytes[at + 3] = TcpOption.TIMESTAMP_LENGTH;
    put32(bytes, at + 4, packet.timestampEcho);
    put32(bytes, at + 8, packet.timestampValue);
  }
}

function put16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value & 0xff;
}

function put32(bytes: Uint8Array, at: number, value: number): void {
  put16(bytes, at, value >>> 16);
  put16(bytes, at + 2, value & 0xffff);
}
