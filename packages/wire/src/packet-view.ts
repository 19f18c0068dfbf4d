import { DecodeEvents } from './decode-events/decode-event';
import { DecodeStatus } from './decode-status';
import { Icmp } from './icmp';
import { IpProtocol } from './ip-protocol';
import { Ipv4, MAPPED_WORD } from './ipv4';
import { Ipv6, Ipv6Extension, RoutingType } from './ipv6';
import { Tcp, TcpOption } from './tcp';
import { Sctp, Udp } from './udp';

const NO_BYTES = new Uint8Array(0);

// Bound once: through an imported module object each of them would cost a load per use (a quarter of the time).
const {
  EMPTY,
  IP_VERSION,
  OK,
  IPV4_HEADER_TRUNCATED,
  IPV4_BAD_HEADER_LENGTH,
  IPV4_BAD_TOTAL_LENGTH,
  FRAGMENT_TOO_LONG,
  IPV6_HEADER_TRUNCATED,
  IPV6_MAPPED_ADDRESS,
  IPV6_EXTENSION_TRUNCATED,
  IPV6_EXTENSION_ORDER,
  TCP_BAD_HEADER_LENGTH,
  TCP_HEADER_TRUNCATED,
  UDP_HEADER_TRUNCATED,
  UDP_BAD_LENGTH,
  ICMP_HEADER_TRUNCATED,
  SCTP_HEADER_TRUNCATED,
} = DecodeStatus;
const {
  MIN_LENGTH: IPV4_MIN_LENGTH,
  VERSION_IHL: IPV4_VERSION_IHL,
  PROTOCOL: IPV4_PROTOCOL,
  TOTAL_LENGTH: IPV4_TOTAL_LENGTH,
  FRAGMENT: IPV4_FRAGMENT,
  OFFSET_MASK: IPV4_OFFSET_MASK,
  MAX_LENGTH: IPV4_MAX_LENGTH,
  TOS: IPV4_TOS,
  TTL: IPV4_TTL,
  IDENTIFICATION: IPV4_IDENTIFICATION,
  MORE_FRAGMENTS: IPV4_MORE_FRAGMENTS,
  DONT_FRAGMENT: IPV4_DONT_FRAGMENT,
  SOURCE: IPV4_SOURCE,
  DESTINATION: IPV4_DESTINATION,
} = Ipv4;
const {
  TCP: PROTOCOL_TCP,
  HOP_BY_HOP: PROTOCOL_HOP_BY_HOP,
  FRAGMENT: PROTOCOL_FRAGMENT,
  AH: PROTOCOL_AH,
  ROUTING: PROTOCOL_ROUTING,
  DESTINATION_OPTIONS: PROTOCOL_DESTINATION_OPTIONS,
  MOBILITY: PROTOCOL_MOBILITY,
  HIP: PROTOCOL_HIP,
  SHIM6: PROTOCOL_SHIM6,
  UDP: PROTOCOL_UDP,
  ICMP: PROTOCOL_ICMP,
  ICMPV6: PROTOCOL_ICMPV6,
  UDP_LITE: PROTOCOL_UDP_LITE,
  SCTP: PROTOCOL_SCTP,
} = IpProtocol;
const {
  LENGTH: IPV6_LENGTH,
  NEXT_HEADER: IPV6_NEXT_HEADER,
  PAYLOAD_LENGTH: IPV6_PAYLOAD_LENGTH,
  SOURCE: IPV6_SOURCE,
  DESTINATION: IPV6_DESTINATION,
  HOP_LIMIT: IPV6_HOP_LIMIT,
  MAX_PAYLOAD: IPV6_MAX_PAYLOAD,
} = Ipv6;
const {
  UNIT: EXTENSION_UNIT,
  FRAGMENT_OFFSET: EXTENSION_FRAGMENT_OFFSET,
  FRAGMENT_IDENTIFICATION: EXTENSION_FRAGMENT_IDENTIFICATION,
  FRAGMENT_OFFSET_MASK: EXTENSION_FRAGMENT_OFFSET_MASK,
  FRAGMENT_MORE: EXTENSION_FRAGMENT_MORE,
  LENGTH: EXTENSION_LENGTH,
  NEXT_HEADER: EXTENSION_NEXT_HEADER,
  ROUTING_ADDRESSES: EXTENSION_ROUTING_ADDRESSES,
  SEGMENTS_LEFT: EXTENSION_SEGMENTS_LEFT,
  ROUTING_TYPE: EXTENSION_ROUTING_TYPE,
} = Ipv6Extension;
const {
  MIN_LENGTH: TCP_MIN_LENGTH,
  DATA_OFFSET: TCP_DATA_OFFSET,
  SOURCE_PORT: TCP_SOURCE_PORT,
  DESTINATION_PORT: TCP_DESTINATION_PORT,
  SEQUENCE: TCP_SEQUENCE,
  ACKNOWLEDGMENT: TCP_ACKNOWLEDGMENT,
  FLAGS: TCP_FLAGS,
  WINDOW: TCP_WINDOW,
  URGENT_POINTER: TCP_URGENT_POINTER,
} = Tcp;
const {
  LENGTH: UDP_LENGTH,
  DATAGRAM_LENGTH: UDP_DATAGRAM_LENGTH,
  SOURCE_PORT: UDP_SOURCE_PORT,
  DESTINATION_PORT: UDP_DESTINATION_PORT,
} = Udp;
const { LENGTH: ICMP_LENGTH, TYPE: ICMP_TYPE, CODE: ICMP_CODE } = Icmp;
const { LENGTH: SCTP_LENGTH, SOURCE_PORT: SCTP_SOURCE_PORT, DESTINATION_PORT: SCTP_DESTINATION_PORT } = Sctp;
const MAPPED = MAPPED_WORD;

function word16(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}

function word32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

/**
 * The headers of one IP packet, decoded into plain fields. One view per worker is reused for every packet:
 * `decode` checks all lengths once and overwrites every field, after that reading a field cannot fail. It keeps
 * no copy: `bytes` is borrowed for as long as the packet source lends it.
 *
 * All positions are indexes into `bytes`. `start ≤ transport ≤ payload ≤ payloadEnd ≤ end` holds after OK.
 */
export class PacketView {
  /**
   * Whether IPv6 packets with IPv4-mapped addresses are read: a kernel drops them before anybody sees them, but in
   * captures they stand. They share their flow with the IPv4 hosts of these addresses.
   */
  acceptsMapped = false;
  bytes: Uint8Array = NO_BYTES;
  start = 0;
  /** Behind the last byte of the IP packet: what was captured, cut to the IP total length (no link padding). */
  end = 0;
  version = 0;
  /** IPv4 header with its options, or IPv6 fixed header with the extension headers, in bytes. */
  headerLength = 0;
  /** IPv6 extension headers in front of the upper-layer header, or of the data of a later fragment. */
  extensionHeaders = 0;
  /** Length by the IP header in bytes, headers included. Above `end - start` when the capture cut the packet. */
  totalLength = 0;
  /** The capture cut the packet: fewer bytes than the IP header says. */
  truncated = false;
  ttl = 0;
  /** Type of service, or traffic class. */
  tos = 0;
  /** 16 bits (IPv4), or 32 bits of the fragment header (IPv6, 0 without one). */
  identification = 0;
  /** In bytes. Above 0 there is no transport header: ports are 0 and the payload is the fragment's data. */
  fragmentOffset = 0;
  moreFragments = false;
  dontFragment = false;
  /** Upper-layer protocol, behind all extension headers. */
  protocol = 0;
  /** Four words, first word most significant; IPv4 as 0, 0, 0xffff, address. */
  readonly source = new Uint32Array(4);
  readonly destination = new Uint32Array(4);
  /** Index of the last address of an IPv6 routing header that is still to be visited; -1 without. */
  finalDestination = -1;
  transport = 0;
  /** 0 where the protocol has none, as `destinationPort`. */
  sourcePort = 0;
  destinationPort = 0;
  /** TCP, unsigned 32 bits; 0 otherwise. */
  sequence = 0;
  acknowledgment = 0;
  /** Bits of `TcpFlag`. */
  tcpFlags = 0;
  /** As in the header, not scaled. */
  window = 0;
  urgentPointer = 0;
  /** With options, in bytes; 0 where no TCP header was decoded. */
  tcpHeaderLength = 0;
  icmpType = 0;
  icmpCode = 0;
  payload = 0;
  payloadEnd = 0;

  /** Index of the IPv6 fragment header, and of the byte before it that says so; -1 without. */
  fragmentHeader = -1;
  fragmentNextHeader = -1;
  /** The datagram was put together of fragments here: set by whoever does so, after `decode`. */
  reassembled = false;
  /** What is wrong with the headers: filled by those who want to know (`findDecodeEvents`), never by `decode`. */
  readonly events = new DecodeEvents();

  /** Filled by `decodeTcpOptions`. 0 without. */
  mss = 0;
  /** -1 without. */
  windowScale = -1;
  hasTimestamp = false;
  timestampValue = 0;
  timestampEcho = 0;
  sackPermitted = false;
  hasFastOpen = false;

  /**
   * Decodes the IP packet in `bytes[start, end)`; bytes behind the packet's own length are left aside.
   *
   * A packet cut by its capture is decoded as far as it goes (`truncated`). Total length 0 of a TCP packet means
   * a super-segment above 64 KiB (Linux BIG TCP, segmentation offload): its length is then that of the capture.
   * A first fragment too short for its transport header is OK and has no ports (`tcpHeaderLength` 0).
   *
   * @returns `DecodeStatus.OK`, or the reason why not; then only `bytes`, `start` and `version` mean anything.
   */
  decode(bytes: Uint8Array, start: number, end: number): number {
    // Most packets stand in the same array: storing what is there already costs the collector's barrier.
    if (this.bytes !== bytes) this.bytes = bytes;
    this.start = start;
    this.finalDestination = -1;
    this.extensionHeaders = 0;
    this.fragmentHeader = -1;
    this.reassembled = false;

    if (end > bytes.length) end = bytes.length;
    if (end <= start || start < 0) {
      this.version = 0;
      return EMPTY;
    }
    const version = bytes[start] >> 4;
    this.version = version;
    let status: number;
    if (version === 4) status = this.decodeIpv4(bytes, start, end);
    else if (version === 6) status = this.decodeIpv6(bytes, start, end);
    else status = IP_VERSION;
    if (status === OK) return this.decodeTransport(bytes, this.transport, this.end);
    // Nobody is to take the ports of the packet before for this one's.
    this.payloadEnd = end;
    this.forgetTransport();
    return status;
  }

  private decodeIpv4(bytes: Uint8Array, start: number, end: number): number {
    const captured = end - start;
    if (captured < IPV4_MIN_LENGTH) return IPV4_HEADER_TRUNCATED;
    const headerLength = (bytes[start + IPV4_VERSION_IHL] & 0x0f) << 2;
    if (headerLength < IPV4_MIN_LENGTH || headerLength > captured) return IPV4_BAD_HEADER_LENGTH;
    const protocol = bytes[start + IPV4_PROTOCOL];
    let totalLength = word16(bytes, start + IPV4_TOTAL_LENGTH);
    if (totalLength < headerLength) {
      if (totalLength !== 0 || protocol !== PROTOCOL_TCP) return IPV4_BAD_TOTAL_LENGTH;
      totalLength = captured;
    }
    const fragment = word16(bytes, start + IPV4_FRAGMENT);
    const fragmentOffset = (fragment & IPV4_OFFSET_MASK) << 3;

    this.headerLength = headerLength;
    this.totalLength = totalLength;
    this.truncated = totalLength > captured;
    this.end = totalLength > captured ? end : start + totalLength;
    this.tos = bytes[start + IPV4_TOS];
    this.ttl = bytes[start + IPV4_TTL];
    this.identification = word16(bytes, start + IPV4_IDENTIFICATION);
    this.fragmentOffset = fragmentOffset;
    this.moreFragments = (fragment & IPV4_MORE_FRAGMENTS) !== 0;
    this.dontFragment = (fragment & IPV4_DONT_FRAGMENT) !== 0;
    this.protocol = protocol;
    const source = this.source;
    const destination = this.destination;
    source[0] = 0;
    source[1] = 0;
    source[2] = MAPPED;
    source[3] = word32(bytes, start + IPV4_SOURCE);
    destination[0] = 0;
    destination[1] = 0;
    destination[2] = MAPPED;
    destination[3] = word32(bytes, start + IPV4_DESTINATION);
    this.transport = start + headerLength;
    return fragmentOffset !== 0 && fragmentOffset + totalLength > IPV4_MAX_LENGTH ? FRAGMENT_TOO_LONG : OK;
  }

  private decodeIpv6(bytes: Uint8Array, start: number, end: number): number {
    const captured = end - start;
    if (captured < IPV6_LENGTH) return IPV6_HEADER_TRUNCATED;
    const nextHeader = bytes[start + IPV6_NEXT_HEADER];
    let totalLength = IPV6_LENGTH + word16(bytes, start + IPV6_PAYLOAD_LENGTH);
    // Jumbograms (RFC 2675) and BIG TCP carry payload length 0; the length is then that of the capture.
    if (totalLength === IPV6_LENGTH && (nextHeader === PROTOCOL_HOP_BY_HOP || nextHeader === PROTOCOL_TCP))
      totalLength = captured;

    const source = this.source;
    const destination = this.destination;
    for (let word = 0; word < 4; word++) {
      source[word] = word32(bytes, start + IPV6_SOURCE + (word << 2));
      destination[word] = word32(bytes, start + IPV6_DESTINATION + (word << 2));
    }
    this.protocol = nextHeader;
    if (!this.acceptsMapped && (isMapped(source) || isMapped(destination))) return IPV6_MAPPED_ADDRESS;

    this.totalLength = totalLength;
    this.truncated = totalLength > captured;
    const packetEnd = totalLength > captured ? end : start + totalLength;
    this.end = packetEnd;
    this.tos = ((bytes[start] & 0x0f) << 4) | (bytes[start + 1] >> 4);
    this.ttl = bytes[start + IPV6_HOP_LIMIT];
    this.identification = 0;
    this.fragmentOffset = 0;
    this.moreFragments = false;
    this.dontFragment = true;
    return this.skipExtensions(bytes, start + IPV6_LENGTH, packetEnd, nextHeader);
  }

  /**
   * Walks the extension headers up to the upper-layer header, or to the data of a later fragment. Each one is at
   * least 8 bytes, so the packet's length bounds the walk; a lower limit would be a way around the inspection,
   * as hosts have none. The chain may go on in the next fragment: then it ends where this one does.
   */
  private skipExtensions(bytes: Uint8Array, first: number, end: number, nextHeader: number): number {
    let at = first;
    let protocol = nextHeader;
    let fragmented = false;
    /** Where the number of the header at `at` stands. */
    let named = this.start + IPV6_NEXT_HEADER;
    walk: for (;;) {
      let length: number;
      switch (protocol) {
        case PROTOCOL_FRAGMENT: {
          if (end - at < EXTENSION_UNIT) return IPV6_EXTENSION_TRUNCATED;
          if (fragmented) return IPV6_EXTENSION_ORDER;
          fragmented = true;
          this.fragmentHeader = at;
          this.fragmentNextHeader = named;
          const fragment = word16(bytes, at + EXTENSION_FRAGMENT_OFFSET);
          this.identification = word32(bytes, at + EXTENSION_FRAGMENT_IDENTIFICATION);
          this.fragmentOffset = fragment & EXTENSION_FRAGMENT_OFFSET_MASK;
          this.moreFragments = (fragment & EXTENSION_FRAGMENT_MORE) !== 0;
          this.dontFragment = false;
          length = EXTENSION_UNIT;
          break;
        }
        case PROTOCOL_AH:
          // Counted in 4-byte units less two (RFC 4302 §2.2).
          if (end - at < EXTENSION_UNIT) {
            if (this.moreFragments) break walk;
            return IPV6_EXTENSION_TRUNCATED;
          }
          length = (bytes[at + EXTENSION_LENGTH] + 2) << 2;
          break;
        case PROTOCOL_ROUTING:
        case PROTOCOL_HOP_BY_HOP:
        case PROTOCOL_DESTINATION_OPTIONS:
        case PROTOCOL_MOBILITY:
        case PROTOCOL_HIP:
        case PROTOCOL_SHIM6:
          if (end - at < EXTENSION_UNIT) {
            if (this.moreFragments) break walk;
            return IPV6_EXTENSION_TRUNCATED;
          }
          length = (bytes[at + EXTENSION_LENGTH] + 1) << 3;
          break;
        default:
          break walk;
      }
      if (length < EXTENSION_UNIT || length > end - at) {
        if (this.moreFragments) break;
        return IPV6_EXTENSION_TRUNCATED;
      }
      this.extensionHeaders++;
      if (protocol === PROTOCOL_ROUTING) this.noteRouting(bytes, at, length);
      named = at + EXTENSION_NEXT_HEADER;
      protocol = bytes[named];
      at += length;
      if (this.fragmentOffset !== 0) {
        if (this.fragmentOffset + end - at > IPV6_MAX_PAYLOAD) return FRAGMENT_TOO_LONG;
        break;
      }
    }
    this.protocol = protocol;
    this.headerLength = at - this.start;
    this.transport = at;
    return OK;
  }

  /** Checksums cover the final destination, which a source route holds while segments are left. */
  private noteRouting(bytes: Uint8Array, at: number, length: number): void {
    const addresses = (length - EXTENSION_ROUTING_ADDRESSES) >> 4;
    if (bytes[at + EXTENSION_SEGMENTS_LEFT] === 0 || addresses < 1) return;
    const type = bytes[at + EXTENSION_ROUTING_TYPE];
    const first = at + EXTENSION_ROUTING_ADDRESSES;
    if (type === RoutingType.SOURCE_ROUTE || type === RoutingType.MOBILE)
      this.finalDestination = first + ((addresses - 1) << 4);
    else if (type === RoutingType.SEGMENT) this.finalDestination = first;
  }

  private decodeTransport(bytes: Uint8Array, transport: number, end: number): number {
    this.payloadEnd = end;
    const available = end - transport;
    let status: number = OK;
    if (this.protocol === PROTOCOL_TCP && this.fragmentOffset === 0) {
      // The most frequent case writes each field once.
      if (available >= TCP_MIN_LENGTH) {
        const headerLength = (bytes[transport + TCP_DATA_OFFSET] >> 4) << 2;
        if (headerLength >= TCP_MIN_LENGTH && headerLength <= available) {
          this.sourcePort = word16(bytes, transport + TCP_SOURCE_PORT);
          this.destinationPort = word16(bytes, transport + TCP_DESTINATION_PORT);
          this.sequence = word32(bytes, transport + TCP_SEQUENCE);
          this.acknowledgment = word32(bytes, transport + TCP_ACKNOWLEDGMENT);
          this.tcpFlags = bytes[transport + TCP_FLAGS];
          this.window = word16(bytes, transport + TCP_WINDOW);
          this.urgentPointer = word16(bytes, transport + TCP_URGENT_POINTER);
          this.tcpHeaderLength = headerLength;
          this.icmpType = 0;
          this.icmpCode = 0;
          this.payload = transport + headerLength;
          return OK;
        }
        status = TCP_BAD_HEADER_LENGTH;
      } else {
        status = TCP_HEADER_TRUNCATED;
      }
    }
    this.payload = transport;
    this.sourcePort = 0;
    this.destinationPort = 0;
    this.sequence = 0;
    this.acknowledgment = 0;
    this.tcpFlags = 0;
    this.window = 0;
    this.urgentPointer = 0;
    this.tcpHeaderLength = 0;
    this.icmpType = 0;
    this.icmpCode = 0;
    if (this.fragmentOffset !== 0) return OK;
    switch (this.protocol) {
      case PROTOCOL_TCP:
        break;
      case PROTOCOL_UDP: {
        if (available < UDP_LENGTH) {
          status = UDP_HEADER_TRUNCATED;
          break;
        }
        let length = word16(bytes, transport + UDP_DATAGRAM_LENGTH);
        // RFC 2675 §4: a UDP jumbogram has length 0.
        if (length === 0 && this.version === 6) length = available;
        if (length < UDP_LENGTH || (length > available && !this.truncated && !this.moreFragments)) {
          status = UDP_BAD_LENGTH;
          break;
        }
        this.sourcePort = word16(bytes, transport + UDP_SOURCE_PORT);
        this.destinationPort = word16(bytes, transport + UDP_DESTINATION_PORT);
        this.payload = transport + UDP_LENGTH;
        if (length < available) this.payloadEnd = transport + length;
        return OK;
      }
      case PROTOCOL_ICMP:
      case PROTOCOL_ICMPV6: {
        if (available < ICMP_LENGTH) {
          status = ICMP_HEADER_TRUNCATED;
          break;
        }
        this.icmpType = bytes[transport + ICMP_TYPE];
        this.icmpCode = bytes[transport + ICMP_CODE];
        this.payload = transport + ICMP_LENGTH;
        return OK;
      }
      case PROTOCOL_UDP_LITE:
        if (available < UDP_LENGTH) {
          status = UDP_HEADER_TRUNCATED;
          break;
        }
        this.sourcePort = word16(bytes, transport + UDP_SOURCE_PORT);
        this.destinationPort = word16(bytes, transport + UDP_DESTINATION_PORT);
        this.payload = transport + UDP_LENGTH;
        return OK;
      case PROTOCOL_SCTP:
        if (available < SCTP_LENGTH) {
          status = SCTP_HEADER_TRUNCATED;
          break;
        }
        this.sourcePort = word16(bytes, transport + SCTP_SOURCE_PORT);
        this.destinationPort = word16(bytes, transport + SCTP_DESTINATION_PORT);
        this.payload = transport + SCTP_LENGTH;
        return OK;
      default:
        return OK;
    }
    // The rest of the header may come with the next fragment: whoever reassembles fragments needs this one.
    return this.moreFragments ? OK : status;
  }

  /** A fragment alone has neither ports nor payload: forgets what stands where they would. */
  forgetTransport(): void {
    this.sourcePort = 0;
    this.destinationPort = 0;
    this.sequence = 0;
    this.acknowledgment = 0;
    this.tcpFlags = 0;
    this.window = 0;
    this.urgentPointer = 0;
    this.tcpHeaderLength = 0;
    this.icmpType = 0;
    this.icmpCode = 0;
    this.payload = this.payloadEnd;
  }

  /** After `decode` has failed: forgets the packet before. */
  forget(): void {
    this.version = 0;
    this.protocol = 0;
    this.source.fill(0);
    this.destination.fill(0);
    this.headerLength = 0;
    this.totalLength = 0;
    this.transport = this.start;
    this.end = this.start;
    this.payloadEnd = this.start;
    this.moreFragments = false;
    this.fragmentOffset = 0;
    this.forgetTransport();
  }

  /**
   * Decodes the options of the TCP header into `mss`, `windowScale`, `hasTimestamp`, `timestampValue`,
   * `timestampEcho`, `sackPermitted` and `hasFastOpen`. Apart from `decode`, as only few packets' options are looked at. A
   * malformed option ends the list, as in Linux (tcp_parse_options); the last of equal options counts.
   */
  decodeTcpOptions(): void {
    this.mss = 0;
    this.windowScale = -1;
    this.hasTimestamp = false;
    this.timestampValue = 0;
    this.timestampEcho = 0;
    this.sackPermitted = false;
    this.hasFastOpen = false;
    const bytes = this.bytes;
    const end = this.transport + this.tcpHeaderLength;
    let at = this.transport + TCP_MIN_LENGTH;
    while (at < end) {
      const kind = bytes[at];
      if (kind === TcpOption.END) return;
      if (kind === TcpOption.NOP) {
        at++;
        continue;
      }
      if (end - at < 2) return;
      const length = bytes[at + 1];
      if (length < 2 || length > end - at) return;
      if (kind === TcpOption.MSS && length === TcpOption.MSS_LENGTH) {
        this.mss = word16(bytes, at + 2);
      } else if (kind === TcpOption.WINDOW_SCALE && length === TcpOption.WINDOW_SCALE_LENGTH) {
        this.windowScale = Math.min(bytes[at + 2], TcpOption.MAX_WINDOW_SCALE);
      } else if (kind === TcpOption.SACK_PERMITTED && length === TcpOption.SACK_PERMITTED_LENGTH) {
        this.sackPermitted = true;
      } else if (kind === TcpOption.TIMESTAMP && length === TcpOption.TIMESTAMP_LENGTH) {
        this.hasTimestamp = true;
        this.timestampValue = word32(bytes, at + 2);
        this.timestampEcho = word32(bytes, at + 6);
      } else if (
        kind === TcpOption.FAST_OPEN ||
        (kind === TcpOption.EXPERIMENT &&
          length >= 4 &&
          word16(bytes, at + 2) === TcpOption.EXPERIMENT_FAST_OPEN)
      ) {
        this.hasFastOpen = true;
      }
      at += length;
    }
  }
}

function isMapped(words: Uint32Array): boolean {
  return words[2] === MAPPED && words[1] === 0 && words[0] === 0;
}
