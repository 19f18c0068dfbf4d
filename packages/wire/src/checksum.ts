import { Icmp } from './icmp';
import { IpProtocol } from './ip-protocol';
import { Ipv4 } from './ipv4';
import type { PacketView } from './packet-view';
import { Tcp } from './tcp';
import { Udp } from './udp';

/** Sum of the big-endian 16-bit words of `bytes[start, end)`, an odd last byte filled with zero; not folded. */
function sumWords(bytes: Uint8Array, start: number, end: number): number {
  // High and low bytes apart: both sums stay small integers for any packet.
  let high = 0;
  let low = 0;
  const even = start + ((end - start) & ~1);
  for (let at = start; at < even; at += 2) {
    high += bytes[at];
    low += bytes[at + 1];
  }
  if (even < end) high += bytes[even];
  return high * 256 + low;
}

function fold(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded % 65536) + Math.floor(folded / 65536);
  return folded;
}

/**
 * The internet checksum (RFC 1071) of `bytes[start, end)`.
 * @param initial a sum of 16-bit words to begin with, as `pseudoHeaderSum` gives.
 * @returns 16 bits, ready to be written; over bytes that hold a right checksum it is 0.
 */
export function internetChecksum(bytes: Uint8Array, start: number, end: number, initial = 0): number {
  return ~fold(sumWords(bytes, start, end) + initial) & 0xffff;
}

function sumAddress(words: Uint32Array): number {
  let sum = 0;
  for (let word = 0; word < 4; word++) sum += (words[word] >>> 16) + (words[word] & 0xffff);
  return sum;
}

/**
 * Sum over the pseudo-header of the packet in `view` (RFC 9293 §3.1, RFC 8200 §8.1), not folded.
 * @param length of transport header and payload in bytes.
 */
export function pseudoHeaderSum(view: PacketView, length: number): number {
  const lengthSum = (length >>> 16) + (length & 0xffff);
  if (view.version === 4) {
    const { source, destination } = view;
    const addresses =
      (source[3] >>> 16) + (source[3] & 0xffff) + (destination[3] >>> 16) + (destination[3] & 0xffff);
    return addresses + view.protocol + lengthSum;
  }
  const destination =
    view.finalDestination < 0
      ? sumAddress(view.destination)
      : sumWords(view.bytes, view.finalDestination, view.finalDestination + 16);
  return sumAddress(view.source) + destination + view.protocol + lengthSum;
}

/** Where the transport checksum stands, from the transport header; -1 for protocols without one known here. */
function checksumOffset(view: PacketView): number {
  switch (view.protocol) {
    case IpProtocol.TCP:
      return Tcp.CHECKSUM;
    case IpProtocol.UDP:
      return Udp.CHECKSUM;
    case IpProtocol.ICMP:
      return Icmp.CHECKSUM;
    case IpProtocol.ICMPV6:
      return Icmp.CHECKSUM;
    default:
      return -1;
  }
}

/** End of what the transport checksum covers: a UDP datagram may end before the IP packet does. */
function checksumEnd(view: PacketView): number {
  return view.protocol === IpProtocol.UDP ? view.payloadEnd : view.end;
}

function transportChecksum(view: PacketView): number {
  const end = checksumEnd(view);
  const initial = view.protocol === IpProtocol.ICMP ? 0 : pseudoHeaderSum(view, end - view.transport);
  return internetChecksum(view.bytes, view.transport, end, initial);
}

function isUncheckable(view: PacketView): boolean {
  return view.truncated || view.moreFragments || view.fragmentOffset !== 0;
}

/** Whether the IPv4 header checksum is right; always true for IPv6, which has none. */
export function verifyHeaderChecksum(view: PacketView): boolean {
  return view.version !== 4 || internetChecksum(view.bytes, view.start, view.start + view.headerLength) === 0;
}

/**
 * Whether the TCP, UDP, ICMP or ICMPv6 checksum of a decoded packet is right. True where nothing can be said:
 * fragments, packets cut by the capture, other protocols, and UDP over IPv4 without a checksum. UDP over IPv6
 * must have one (RFC 8200 §8.1).
 */
export function verifyTransportChecksum(view: PacketView): boolean {
  const offset = checksumOffset(view);
  if (offset < 0 || isUncheckable(view)) return true;
  if (view.protocol === IpProtocol.UDP) {
    const at = view.transport + offset;
    if (view.bytes[at] === 0 && view.bytes[at + 1] === 0) return view.version === 4;
  }
  return transportChecksum(view) === 0;
}

/**
 * Writes the IPv4 header checksum and the transport checksum of a decoded packet in place. The transport
 * checksum of fragments and of packets cut by the capture is left as it is.
 */
export function writeChecksums(view: PacketView): void {
  const { bytes, start } = view;
  if (view.version === 4) {
    const at = start + Ipv4.CHECKSUM;
    bytes[at] = 0;
    bytes[at + 1] = 0;
    const checksum = internetChecksum(bytes, start, start + view.headerLength);
    bytes[at] = checksum >> 8;
    bytes[at + 1] = checksum & 0xff;
  }
  const offset = checksumOffset(view);
  if (offset < 0 || isUncheckable(view)) return;
  const at = view.transport + offset;
  bytes[at] = 0;
  bytes[at + 1] = 0;
  let checksum = transportChecksum(view);
  // RFC 768: zero says "no checksum", so a sum of zero is sent as its other form.
  if (checksum === 0 && view.protocol === IpProtocol.UDP) checksum = 0xffff;
  bytes[at] = checksum >> 8;
  bytes[at + 1] = checksum & 0xff;
}
