/** Link types whose frames {@link LinkView} can enter (www.tcpdump.org/linktypes.html). */
export const LinkType = {
  NULL: 0,
  ETHERNET: 1,
  PPP: 9,
  /** Raw IP, under the numbers some systems wrote instead of RAW. */
  DLT_RAW: 12,
  DLT_RAW_OPENBSD: 14,
  PPP_HDLC: 50,
  PPP_ETHER: 51,
  RAW: 101,
  C_HDLC: 104,
  LOOP: 108,
  LINUX_SLL: 113,
  IPV4: 228,
  IPV6: 229,
  LINUX_SLL2: 276,
} as const;

/** What `LinkView.decode` found. */
export const LinkStatus = {
  OK: 0,
  /** A whole frame of something else: ARP, spanning tree, … */
  NOT_IP: 1,
  /** The frame ends within its link header. */
  TRUNCATED: 2,
  /** More tags or labels than any network stacks: {@link MAX_TAGS}. */
  TOO_MANY_TAGS: 3,
  UNSUPPORTED_LINK_TYPE: 4,
} as const;

export const LinkStatusNames: readonly string[] = [
  'ok',
  'not-ip',
  'link-header-truncated',
  'too-many-tags',
  'unsupported-link-type',
];

const MAX_TAGS = 16;

const Ethernet = {
  DESTINATION: 0,
  SOURCE: 6,
  TYPE: 12,
  LENGTH: 14,
  ADDRESS_LENGTH: 6,
  /** Smaller values at TYPE are an IEEE 802.3 length. */
  MIN_TYPE: 0x600,
} as const;

const EtherType = {
  IPV4: 0x0800,
  VLAN: 0x8100,
  IPV6: 0x86dd,
  MPLS: 0x8847,
  MPLS_MULTICAST: 0x8848,
  PPPOE_SESSION: 0x8864,
  QINQ: 0x88a8,
  QINQ_OLD: 0x9100,
} as const;

const LinuxSll = {
  ADDRESS_LENGTH: 4,
  ADDRESS: 6,
  PROTOCOL: 14,
  LENGTH: 16,
} as const;

const LinuxSll2 = {
  PROTOCOL: 0,
  ADDRESS_LENGTH: 11,
  ADDRESS: 12,
  LENGTH: 20,
} as const;

const SLL_MAX_ADDRESS = 8;

const PppProtocol = {
  IPV4: 0x0021,
  IPV6: 0x0057,
} as const;

// The BSDs disagree about AF_INET6 (www.tcpdump.org/linktypes/LINKTYPE_NULL.html); Linux has 10.
const FAMILY_IPV4 = 2;
const FAMILIES_IPV6: readonly number[] = [10, 24, 28, 30];

function word16(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}

/** Finds the IP header in a frame. Reused for every frame, as `PacketView`; nothing is allocated. */
export class LinkView {
  /** Index of the first byte of the IP header. */
  network = 0;
  /** Tags of IEEE 802.1Q and 802.1ad. */
  vlanCount = 0;
  /** VLAN id of the outermost and of the second tag; 0 without. */
  vlan = 0;
  innerVlan = 0;
  /** Index of the sender's hardware address; -1 where the frame has none. */
  hardware = -1;
  /** In bytes, at most 8; 0 without. */
  hardwareLength = 0;

  /** @returns `LinkStatus.OK`, or the reason why the frame in `bytes[start, end)` leads to no IP header. */
  decode(linkType: number, bytes: Uint8Array, start: number, end: number): number {
    this.network = start;
    this.vlanCount = 0;
    this.vlan = 0;
    this.innerVlan = 0;
    this.hardware = -1;
    this.hardwareLength = 0;
    switch (linkType) {
      case LinkType.ETHERNET:
        return this.ethernet(bytes, start, end);
      case LinkType.RAW:
      case LinkType.DLT_RAW:
      case LinkType.DLT_RAW_OPENBSD:
      case LinkType.IPV4:
      case LinkType.IPV6:
        return this.ip(start, end);
      case LinkType.NULL:
      case LinkType.LOOP:
        return this.loopback(bytes, start, end);
      case LinkType.LINUX_SLL:
        return this.linuxSll(bytes, start, end);
      case LinkType.LINUX_SLL2:
        return this.linuxSll2(bytes, start, end);
      case LinkType.PPP:
      case LinkType.PPP_HDLC:
        return this.ppp(bytes, start, end);
      case LinkType.PPP_ETHER:
        return this.pppoe(bytes, start, end);
      case LinkType.C_HDLC:
        if (end - start < 4) return LinkStatus.TRUNCATED;
        return this.etherType(bytes, start + 4, end, word16(bytes, start + 2));
      default:
        return LinkStatus.UNSUPPORTED_LINK_TYPE;
    }
  }

  private ethernet(bytes: Uint8Array, start: number, end: number): number {
    if (end - start < Ethernet.LENGTH) return LinkStatus.TRUNCATED;
    this.hardware = start + Ethernet.SOURCE;
    this.hardwareLength = Ethernet.ADDRESS_LENGTH;
    return this.etherType(bytes, start + Ethernet.LENGTH, end, word16(bytes, start + Ethernet.TYPE));
  }

  /** `first` is where the payload of a frame of type `firstType` begins. */
  private etherType(bytes: Uint8Array, first: number, end: number, firstType: number): number {
    let at = first;
    let type = firstType;
    for (let tags = 0; tags <= MAX_TAGS; tags++) {
      switch (type) {
        case EtherType.IPV4:
        case EtherType.IPV6:
          return this.ip(at, end);
        case EtherType.VLAN:
        case EtherType.QINQ:
        case EtherType.QINQ_OLD: {
          if (end - at < 4) return LinkStatus.TRUNCATED;
          const id = word16(bytes, at) & 0x0fff;
          if (this.vlanCount === 0) this.vlan = id;
          else if (this.vlanCount === 1) this.innerVlan = id;
          this.vlanCount++;
          type = word16(bytes, at + 2);
          at += 4;
          break;
        }
        case EtherType.PPPOE_SESSION:
          return this.pppoe(bytes, at, end);
        case EtherType.MPLS:
        case EtherType.MPLS_MULTICAST:
          return this.mpls(bytes, at, end);
        default:
          return type < Ethernet.MIN_TYPE ? this.snap(bytes, at, end) : LinkStatus.NOT_IP;
      }
    }
    return LinkStatus.TOO_MANY_TAGS;
  }

  /** IEEE 802.2 with the SNAP header of RFC 1042, the other way to carry IP in an IEEE 802.3 frame. */
  private snap(bytes: Uint8Array, at: number, end: number): number {
    if (end - at < 8) return LinkStatus.NOT_IP;
    const isSnap = bytes[at] === 0xaa && bytes[at + 1] === 0xaa && bytes[at + 2] === 3;
    const isRfc1042 = bytes[at + 3] === 0 && bytes[at + 4] === 0 && bytes[at + 5] === 0;
    const type = word16(bytes, at + 6);
    if (!isSnap || !isRfc1042 || (type !== EtherType.IPV4 && type !== EtherType.IPV6))
      return LinkStatus.NOT_IP;
    return this.ip(at + 8, end);
  }

  /** Labels (RFC 3032) down to the bottom of the stack; what follows says only by its first bits what it is. */
  private mpls(bytes: Uint8Array, first: number, end: number): number {
    for (let labels = 0; labels < MAX_TAGS; labels++) {
      const at = first + 4 * labels;
      if (end - at < 4) return LinkStatus.TRUNCATED;
      if ((bytes[at + 2] & 1) === 0) continue;
      if (end - at < 5) return LinkStatus.TRUNCATED;
      const version = bytes[at + 4] >> 4;
      return version === 4 || version === 6 ? this.ip(at + 4, end) : LinkStatus.NOT_IP;
    }
    return LinkStatus.TOO_MANY_TAGS;
  }

  /** RFC 2516 §4: version and type, code 0 (session), session id, length, then PPP without its framing. */
  private pppoe(bytes: Uint8Array, at: number, end: number): number {
    if (end - at < 6) return LinkStatus.TRUNCATED;
    if (bytes[at] !== 0x11 || bytes[at + 1] !== 0) return LinkStatus.NOT_IP;
    return this.ppp(bytes, at + 6, end);
  }

  private ppp(bytes: Uint8Array, first: number, end: number): number {
    let at = first;
    // Address and control (RFC 1662 §3.1) may be left out.
    if (end - at >= 2 && bytes[at] === 0xff && bytes[at + 1] === 3) at += 2;
    if (end - at < 2) return LinkStatus.TRUNCATED;
    // An odd first byte is a protocol field compressed to one byte (RFC 1661 §6.5).
    const compressed = (bytes[at] & 1) === 1;
    const protocol = compressed ? bytes[at] : word16(bytes, at);
    if (protocol !== PppProtocol.IPV4 && protocol !== PppProtocol.IPV6) return LinkStatus.NOT_IP;
    return this.ip(at + (compressed ? 1 : 2), end);
  }

  private loopback(bytes: Uint8Array, at: number, end: number): number {
    if (end - at < 4) return LinkStatus.TRUNCATED;
    // In the byte order of the machine that captured: the family is the one byte that is not zero.
    const family = bytes[at] | bytes[at + 3];
    if (bytes[at + 1] !== 0 || bytes[at + 2] !== 0) return LinkStatus.NOT_IP;
    if (family !== FAMILY_IPV4 && !FAMILIES_IPV6.includes(family)) return LinkStatus.NOT_IP;
    return this.ip(at + 4, end);
  }

  private linuxSll(bytes: Uint8Array, at: number, end: number): number {
    if (end - at < LinuxSll.LENGTH) return LinkStatus.TRUNCATED;
    this.hardware = at + LinuxSll.ADDRESS;
    this.hardwareLength = Math.min(word16(bytes, at + LinuxSll.ADDRESS_LENGTH), SLL_MAX_ADDRESS);
    return this.etherType(bytes, at + LinuxSll.LENGTH, end, word16(bytes, at + LinuxSll.PROTOCOL));
  }

  private linuxSll2(bytes: Uint8Array, at: number, end: number): number {
    if (end - at < LinuxSll2.LENGTH) return LinkStatus.TRUNCATED;
    this.hardware = at + LinuxSll2.ADDRESS;
    this.hardwareLength = Math.min(bytes[at + LinuxSll2.ADDRESS_LENGTH], SLL_MAX_ADDRESS);
    return this.etherType(bytes, at + LinuxSll2.LENGTH, end, word16(bytes, at + LinuxSll2.PROTOCOL));
  }

  /** The packet itself is left to `PacketView`: here only that there is one. */
  private ip(at: number, end: number): number {
    this.network = at;
    return at < end ? LinkStatus.OK : LinkStatus.TRUNCATED;
  }
}
