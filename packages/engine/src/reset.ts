import {
  addressBytes,
  IpProtocol,
  Ipv4,
  Ipv6,
  type PacketView,
  Tcp,
  TcpFlag,
  PacketView as View,
  writeChecksums,
} from '@portcullis/wire';

/** Where finished packets go: the raw socket of the queue binding, or a list in tests. */
export interface PacketSender {
  send(bytes: Uint8Array, offset: number, length: number): void;
}

const HOP_LIMIT = 64;

/**
 * Builds the two resets that end a connection of which one packet has just been dropped (RFC 9293 §3.5.3).
 *
 * The sequence numbers are exact, because a receiver answers anything else in its window with a challenge
 * (RFC 5961 §3.2): towards the packet's destination it is the dropped packet's own sequence number, which the
 * destination still waits for; towards its source it is what that packet acknowledged.
 */
export class ResetBuilder {
  private readonly bytes = new Uint8Array(Ipv6.LENGTH + Tcp.MIN_LENGTH);
  private readonly view = new View();

  /** Sends both resets. @returns whether the packet had what it takes (a TCP segment with ACK set) */
  send(packet: PacketView, sender: PacketSender): boolean {
    if (packet.protocol !== IpProtocol.TCP || packet.tcpHeaderLength === 0) return false;
    if ((packet.tcpFlags & TcpFlag.RST) !== 0) return false;
    const forward = this.build(
      packet,
      packet.source,
      packet.destination,
      packet.sourcePort,
      packet.destinationPort,
    );
    this.segment(forward, packet.sequence, packet.acknowledgment, packet.tcpFlags & TcpFlag.ACK);
    sender.send(this.bytes, 0, this.finish(forward));
    if ((packet.tcpFlags & TcpFlag.ACK) === 0) return false;
    const payload = packet.payloadEnd - packet.payload;
    const backward = this.build(
      packet,
      packet.destination,
      packet.source,
      packet.destinationPort,
      packet.sourcePort,
    );
    this.segment(backward, packet.acknowledgment, (packet.sequence + payload) >>> 0, TcpFlag.ACK);
    sender.send(this.bytes, 0, this.finish(backward));
    return true;
  }

  /** Writes the IP header and the ports. @returns where the TCP header begins */
  private build(
    packet: PacketView,
    source: Uint32Array,
    destination: Uint32Array,
    from: number,
    to: number,
  ): number {
    const { bytes } = this;
    bytes.fill(0);
    const transport = packet.version === 4 ? Ipv4.MIN_LENGTH : Ipv6.LENGTH;
    if (packet.version === 4) {
      bytes[Ipv4.VERSION_IHL] = 0x45;
      put16(bytes, Ipv4.TOTAL_LENGTH, Ipv4.MIN_LENGTH + Tcp.MIN_LENGTH);
      put16(bytes, Ipv4.FRAGMENT, Ipv4.DONT_FRAGMENT);
      bytes[Ipv4.TTL] = HOP_LIMIT;
      bytes[9] = IpProtocol.TCP;
      bytes.set(addressBytes(source), Ipv4.SOURCE);
      bytes.set(addressBytes(destination), Ipv4.DESTINATION);
    } else {
      bytes[Ipv6.VERSION_CLASS] = 0x60;
      put16(bytes, Ipv6.PAYLOAD_LENGTH, Tcp.MIN_LENGTH);
      bytes[Ipv6.NEXT_HEADER] = IpProtocol.TCP;
      bytes[Ipv6.HOP_LIMIT] = HOP_LIMIT;
      bytes.set(addressBytes(source), Ipv6.SOURCE);
      bytes.set(addressBytes(destination), Ipv6.DESTINATION);
    }
    put16(bytes, transport + Tcp.SOURCE_PORT, from);
    put16(bytes, transport + Tcp.DESTINATION_PORT, to);
    return transport;
  }

  private segment(transport: number, sequence: number, acknowledgment: number, ack: number): void {
    const { bytes } = this;
    put32(bytes, transport + Tcp.SEQUENCE, sequence);
    put32(bytes, transport + Tcp.ACKNOWLEDGMENT, ack ? acknowledgment : 0);
    bytes[transport + Tcp.DATA_OFFSET] = (Tcp.MIN_LENGTH >> 2) << 4;
    bytes[transport + Tcp.FLAGS] = TcpFlag.RST | ack;
  }

  private finish(transport: number): number {
    const length = transport + Tcp.MIN_LENGTH;
    this.view.decode(this.bytes, 0, length);
    writeChecksums(this.view);
    return length;
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
