import type { BufferView } from '@portcullis/protocols';
import type { InspectionContext } from '../context';
import type { Keyword } from '../keyword';
import { withoutValue } from '../option-value';
import type { PacketBuffer } from '../packet-buffer';

const TCP = 6;
const UDP = 17;
const ICMP = 1;
const ICMPV6 = 58;
const IGMP = 2;

const UDP_HEADER = 8;
const ICMP_HEADER = 8;

const address = new Uint8Array(16);

function fillAddress({ version }: { version: number }, words: Uint32Array, out: BufferView): boolean {
  const first = version === 4 ? 3 : 0;
  for (let word = first; word < 4; word++) {
    const at = (word - first) * 4;
    address[at] = words[word] >>> 24;
    address[at + 1] = words[word] >>> 16;
    address[at + 2] = words[word] >>> 8;
    address[at + 3] = words[word];
  }
  return fill(out, address, 0, version === 4 ? 4 : 16);
}

function fill(out: BufferView, bytes: Uint8Array, start: number, end: number): boolean {
  if (end <= start) return false;
  out.bytes = bytes;
  out.start = start;
  out.end = end;
  out.fresh = start;
  return true;
}

/** The first `length` bytes of the transport header, as far as they are there. */
function transport(
  { packet }: InspectionContext,
  protocol: number,
  length: number,
  out: BufferView,
): boolean {
  if (packet.protocol !== protocol || packet.fragmentOffset !== 0) return false;
  return fill(out, packet.bytes, packet.transport, Math.min(packet.end, packet.transport + length));
}

/** Length of an ICMPv4 header with the fixed fields of its message (RFC 792, RFC 950, RFC 1256). */
function icmpHeaderLength(type: number): number {
  if (type === 13 || type === 14) return 20;
  if (type === 17 || type === 18) return 12;
  return ICMP_HEADER;
}

const BUFFERS: readonly PacketBuffer[] = [
  { name: 'ip.src', fill: ({ packet }, out) => fillAddress(packet, packet.source, out) },
  { name: 'ip.dst', fill: ({ packet }, out) => fillAddress(packet, packet.destination, out) },
  {
    name: 'ipv4.hdr',
    fill: ({ packet }, out) =>
      packet.version === 4 && fill(out, packet.bytes, packet.start, packet.start + packet.headerLength),
  },
  {
    name: 'ipv6.hdr',
    fill: ({ packet }, out) =>
      packet.version === 6 && fill(out, packet.bytes, packet.start, packet.start + packet.headerLength),
  },
  { name: 'tcp.hdr', fill: (context, out) => transport(context, TCP, context.packet.tcpHeaderLength, out) },
  { name: 'udp.hdr', fill: (context, out) => transport(context, UDP, UDP_HEADER, out) },
  {
    name: 'icmpv4.hdr',
    fill: (context, out) => transport(context, ICMP, icmpHeaderLength(context.packet.icmpType), out),
  },
  { name: 'icmpv6.hdr', fill: (context, out) => transport(context, ICMPV6, ICMP_HEADER, out) },
  {
    name: 'igmp.hdr',
    fill: (context, out) => transport(context, IGMP, context.packet.end - context.packet.transport, out),
  },
  {
    name: 'ether.hdr',
    fill: ({ linkBytes, linkStart, linkEnd }, out) => fill(out, linkBytes, linkStart, linkEnd),
  },
];

/** Sticky buffers that are a part of the packet's headers. */
export const headerBuffers: readonly Keyword[] = BUFFERS.map((buffer) => ({
  names: [buffer.name],
  parse(option, rule) {
    withoutValue(option);
    rule.openPacketBuffer(buffer);
  },
}));
