import { DecodeEvent } from './decode-events/decode-event';

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
  PPPOE_DISCOVERY: 0x8863,
  ARP: 0x0806,
  /** Provider backbone bridges (IEEE 802.1ah). */
  BACKBONE: 0x88e7,
  /** Cisco's data centre Ethernet and tags of virtual network cards; IEEE 802.1BR's. */
  DCE: 0x8903,
  VNTAG: 0x8926,
  ETAG: 0x893f,
  /** Network service header (RFC 8300). */
  NSH: 0x894f,
  /** Ethernet within Ethernet ("transparent bridging"). */
  BRIDGED: 0x6558,
} as const;

/** Bytes that stand between these types and the type of what they carry. */
const VNTAG_LENGTH = 6;
const ETAG_LENGTH = 8;
const BACKBONE_LENGTH = 18;
const DCE_LENGTH = 16;

const Nsh = {
  VERSION_LENGTH: 0,
  METADATA: 2,
  NEXT: 3,
  LENGTH: 8,
  /** Of metadata type 1, in bytes. */
  FIXED_LENGTH: 24,
} as const;

const NshNext = { IPV4: 1, IPV6: 2, ETHERNET: 3, MPLS: 5 } as const;

/** Labels of RFC 3032 §2.1 that say what follows, or must not stand at the bottom of a stack. */
const MplsLabel = { IPV4: 0, ROUTER_ALERT: 1, IPV6: 2, IMPLICIT_NULL: 3, LAST_RESERVED: 15 } as const;
/** Control word of an Ethernet pseudowire (RFC 4448 §4.6). */
const CONTROL_WORD = 4;

/** VLAN tags that are followed. */
const MAX_VLANS = 3;

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

/** Protocols (IANA "PPP DLL Protocol Numbers") that are known to be something else than IP. */
const PPP_KNOWN: ReadonlySet<number> = new Set([
  0x0023, 0x0025, 0x0027, 0x0029, 0x002b, 0x002d, 0x002f, 0x0031, 0x0033, 0x0035, 0x004b, 0x0201, 0x0231,
  0x0233, 0x0281, 0x0283, 0x8021, 0x8023, 0x8025, 0x8027, 0x8029, 0x802b, 0x8033, 0x8035, 0x8057, 0x8281,
  0x8283, 0xc021, 0xc023, 0xc025, 0xc223,
]);

const IPV4_LENGTH = 20;
const IPV6_LENGTH = 40;

const Event = DecodeEvent;

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
  /** What is wrong with the frame, a `DecodeEvent`; -1 where nothing is. */
  event = -1;
  /** The Ethernet type at which decoding stopped; 0 where there was none. */
  type = 0;
  /** Layers entered so far: each costs a header, but a chain of them need not be followed for ever. */
  private layers = 0;

  /** @returns `LinkStatus.OK`, or the reason why the frame in `bytes[start, end)` leads to no IP header. */
  decode(linkType: number, bytes: Uint8Array, start: number, end: number): number {
    this.begin(start);
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
        if (end - start < 4) return this.truncated(Event['chdlc.pkt_too_small']);
        return this.etherType(bytes, start + 4, end, word16(bytes, start + 2));
      default:
        return LinkStatus.UNSUPPORTED_LINK_TYPE;
    }
  }

  /** As `decode`, of what follows the Ethernet type `type`. */
  decodeType(type: number, bytes: Uint8Array, start: number, end: number): number {
    this.begin(start);
    return this.etherType(bytes, start, end, type);
  }

  private begin(start: number): void {
    this.network = start;
    this.vlanCount = 0;
    this.vlan = 0;
    this.innerVlan = 0;
    this.hardware = -1;
    this.hardwareLength = 0;
    this.event = -1;
    this.type = 0;
    this.layers = 0;
  }

  private truncated(event: number): number {
    this.event = event;
    return LinkStatus.TRUNCATED;
  }

  private notIp(event: number): number {
    this.event = event;
    return LinkStatus.NOT_IP;
  }

  private ethernet(bytes: Uint8Array, start: number, end: number): number {
    if (end - start < Ethernet.LENGTH) return this.truncated(Event['ethernet.pkt_too_small']);
    this.hardware = start + Ethernet.SOURCE;
    this.hardwareLength = Ethernet.ADDRESS_LENGTH;
    return this.etherType(bytes, start + Ethernet.LENGTH, end, word16(bytes, start + Ethernet.TYPE));
  }

  /** `first` is where the payload of a frame of type `firstType` begins. */
  private etherType(bytes: Uint8Array, first: number, end: number, firstType: number): number {
    let at = first;
    let type = firstType;
    while (this.layers++ <= MAX_TAGS) {
      this.type = type;
      let header: number;
      switch (type) {
        case EtherType.IPV4:
        case EtherType.IPV6:
          return this.ip(at, end);
        case EtherType.VLAN:
        case EtherType.QINQ:
        case EtherType.QINQ_OLD:
          if (end - at < 4) return this.truncated(Event['vlan.header_too_small']);
          this.tag(word16(bytes, at) & 0x0fff);
          header = 4;
          break;
        case EtherType.PPPOE_SESSION:
          return this.pppoe(bytes, at, end);
        case EtherType.MPLS:
        case EtherType.MPLS_MULTICAST:
          return this.mpls(bytes, at, end);
        case EtherType.NSH:
          return this.serviceHeader(bytes, at, end);
        case EtherType.VNTAG:
          header = VNTAG_LENGTH;
          if (end - at < header) return this.truncated(Event['vntag.header_too_small']);
          break;
        case EtherType.ETAG:
          header = ETAG_LENGTH;
          if (end - at < header) return this.truncated(Event['etag.header_too_small']);
          break;
        case EtherType.BACKBONE:
          header = BACKBONE_LENGTH;
          if (end - at < header) return this.truncated(Event['ieee8021ah.header_too_small']);
          break;
        case EtherType.DCE:
          header = DCE_LENGTH;
          if (end - at < header) return this.truncated(Event['dce.pkt_too_small']);
          break;
        case EtherType.BRIDGED:
          return this.ethernet(bytes, at, end);
        case EtherType.ARP:
        case EtherType.PPPOE_DISCOVERY:
          this.network = at;
          return LinkStatus.NOT_IP;
        default:
          if (type < Ethernet.MIN_TYPE && this.snap(bytes, at, end)) return LinkStatus.OK;
          return this.notIp(Event[this.vlanCount > 0 ? 'vlan.unknown_type' : 'ethernet.unknown_ethertype']);
      }
      type = word16(bytes, at + header - 2);
      at += header;
    }
    this.event = Event.too_many_layers;
    return LinkStatus.TOO_MANY_TAGS;
  }

  private tag(id: number): void {
    if (this.vlanCount === 0) this.vlan = id;
    else if (this.vlanCount === 1) this.innerVlan = id;
    this.vlanCount++;
    if (this.vlanCount > MAX_VLANS) this.event = Event['vlan.too_many_layers'];
  }

  /**
   * IEEE 802.2 with the SNAP header of RFC 1042, the other way to carry IP in an IEEE 802.3 frame.
   * @returns whether there is an IP header
   */
  private snap(bytes: Uint8Array, at: number, end: number): boolean {
    if (end - at <= 8) return false;
    const isSnap = bytes[at] === 0xaa && bytes[at + 1] === 0xaa && bytes[at + 2] === 3;
    const isRfc1042 = bytes[at + 3] === 0 && bytes[at + 4] === 0 && bytes[at + 5] === 0;
    const type = word16(bytes, at + 6);
    this.network = at + 8;
    return isSnap && isRfc1042 && (type === EtherType.IPV4 || type === EtherType.IPV6);
  }

  /** Labels (RFC 3032) down to the bottom of the stack; what follows says only by its first bits what it is. */
  private mpls(bytes: Uint8Array, first: number, end: number): number {
    for (let labels = 0; labels < MAX_TAGS; labels++) {
      const at = first + 4 * labels;
      if (end - at < 4) return this.truncated(Event['mpls.header_too_small']);
      if ((bytes[at + 2] & 1) === 0) continue;
      return this.behindLabels(bytes, at + 4, end, (word16(bytes, at) << 4) | (bytes[at + 2] >> 4));
    }
    this.event = Event.too_many_layers;
    return LinkStatus.TOO_MANY_TAGS;
  }

  /** @param label the last one */
  private behindLabels(bytes: Uint8Array, at: number, end: number, label: number): number {
    if (label === MplsLabel.IPV4 || label === MplsLabel.IPV6) return this.ip(at, end);
    if (label === MplsLabel.ROUTER_ALERT) return this.notIp(Event['mpls.bad_label_router_alert']);
    if (label === MplsLabel.IMPLICIT_NULL) return this.notIp(Event['mpls.bad_label_implicit_null']);
    if (label < MplsLabel.LAST_RESERVED) return this.notIp(Event['mpls.bad_label_reserved']);
    if (end - at < CONTROL_WORD) return this.truncated(Event['mpls.pkt_too_small']);
    const version = bytes[at] >> 4;
    if (version === 4 || version === 6) return this.ip(at, end);
    if (version !== 0) return this.notIp(Event['mpls.unknown_payload_type']);
    return this.ethernet(bytes, at + CONTROL_WORD, end);
  }

  private serviceHeader(bytes: Uint8Array, at: number, end: number): number {
    if (end - at < Nsh.LENGTH) return this.truncated(Event['nsh.header_too_small']);
    const first = word16(bytes, at + Nsh.VERSION_LENGTH);
    if (first >> 14 !== 0) return this.notIp(Event['nsh.unsupported_version']);
    const length = (first & 0x3f) << 2;
    if (length < Nsh.LENGTH || length >= end - at) return this.notIp(Event['nsh.bad_header_length']);
    const metadata = bytes[at + Nsh.METADATA];
    if (metadata === 0 || metadata === 0xf) return this.notIp(Event['nsh.reserved_type']);
    if (metadata > 2) return this.notIp(Event['nsh.unsupported_type']);
    if (metadata === 1 && length !== Nsh.FIXED_LENGTH) return this.notIp(Event['nsh.bad_header_length']);
    switch (bytes[at + Nsh.NEXT]) {
      case NshNext.IPV4:
      case NshNext.IPV6:
        return this.ip(at + length, end);
      case NshNext.ETHERNET:
        return this.ethernet(bytes, at + length, end);
      case NshNext.MPLS:
        return this.mpls(bytes, at + length, end);
      default:
        return this.notIp(Event['nsh.unknown_payload']);
    }
  }

  /** RFC 2516 §4: version and type, code 0 (session), session id, length, then PPP without its framing. */
  private pppoe(bytes: Uint8Array, at: number, end: number): number {
    if (end - at < 6) return this.truncated(Event['pppoe.pkt_too_small']);
    if (bytes[at] !== 0x11 || bytes[at + 1] !== 0) return this.notIp(Event['pppoe.wrong_code']);
    return this.ppp(bytes, at + 6, end);
  }

  private ppp(bytes: Uint8Array, first: number, end: number): number {
    let at = first;
    // Address and control (RFC 1662 §3.1) may be left out.
    if (end - at >= 2 && bytes[at] === 0xff && bytes[at + 1] === 3) at += 2;
    if (end - at < 2) return this.truncated(Event['ppp.pkt_too_small']);
    // An odd first byte is a protocol field compressed to one byte (RFC 1661 §6.5).
    const compressed = (bytes[at] & 1) === 1;
    const protocol = compressed ? bytes[at] : word16(bytes, at);
    at += compressed ? 1 : 2;
    if (protocol === PppProtocol.IPV4) {
      if (end - at < IPV4_LENGTH) this.event = Event['ppp.ip4_pkt_too_small'];
      return this.ip(at, end);
    }
    if (protocol === PppProtocol.IPV6) {
      if (end - at < IPV6_LENGTH) this.event = Event['ppp.ip6_pkt_too_small'];
      return this.ip(at, end);
    }
    return this.notIp(Event[PPP_KNOWN.has(protocol) ? 'ppp.unsup_proto' : 'ppp.wrong_type']);
  }

  private loopback(bytes: Uint8Array, at: number, end: number): number {
    if (end - at < 4) return this.truncated(Event['ltnull.pkt_too_small']);
    // In the byte order of the machine that captured: the family is the one byte that is not zero.
    const family = bytes[at] | bytes[at + 3];
    const isFamily = bytes[at + 1] === 0 && bytes[at + 2] === 0;
    if (!isFamily || (family !== FAMILY_IPV4 && !FAMILIES_IPV6.includes(family)))
      return this.notIp(Event['ltnull.unsupported_type']);
    return this.ip(at + 4, end);
  }

  private linuxSll(bytes: Uint8Array, at: number, end: number): number {
    if (end - at < LinuxSll.LENGTH) return this.truncated(Event['sll.pkt_too_small']);
    this.hardware = at + LinuxSll.ADDRESS;
    this.hardwareLength = Math.min(word16(bytes, at + LinuxSll.ADDRESS_LENGTH), SLL_MAX_ADDRESS);
    return this.etherType(bytes, at + LinuxSll.LENGTH, end, word16(bytes, at + LinuxSll.PROTOCOL));
  }

  private linuxSll2(bytes: Uint8Array, at: number, end: number): number {
    if (end - at < LinuxSll2.LENGTH) return this.truncated(Event['sll2.pkt_too_small']);
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
