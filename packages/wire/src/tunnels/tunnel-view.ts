import { DecodeEvent } from '../decode-events/decode-event';
import { DecodeStatus } from '../decode-status';
import { IpProtocol } from '../ip-protocol';
import { Ipv6 } from '../ipv6';
import { LinkStatus, LinkType, LinkView } from '../link';
import { PacketView } from '../packet-view';
import { GreProtocol, GreView } from './gre';

const { IPV4, IPV6, GRE, UDP } = IpProtocol;
const LINK_OK = LinkStatus.OK;
const OK = DecodeStatus.OK;

/** UDP ports at either end that say that a datagram is a tunnel's. */
export interface TunnelPorts {
  readonly vxlan: readonly number[];
  readonly geneve: readonly number[];
  readonly teredo: readonly number[];
}

/** As registered with IANA. */
export const STANDARD_TUNNEL_PORTS: TunnelPorts = { vxlan: [4789], geneve: [6081], teredo: [3544] };

const ETHERNET_LENGTH = 14;

/** RFC 7348 §5. */
const Vxlan = { FLAGS: 0, RESERVED: 7, LENGTH: 8, VNI_VALID: 0x08 } as const;

/** RFC 8926 §3.4. */
const Geneve = {
  VERSION_LENGTH: 0,
  FLAGS: 1,
  PROTOCOL: 2,
  RESERVED: 7,
  LENGTH: 8,
  OPTIONS_MASK: 0x3f,
  RESERVED_FLAGS: 0x3f,
  OPTION_LENGTH: 3,
  OPTION_HEADER: 4,
  OPTION_MASK: 0x1f,
} as const;

/** RFC 4380 §5.1.1: an origin indication stands before the packet. */
const ORIGIN_INDICATION_LENGTH = 8;

/** Encapsulated remote mirroring, type II: the version stands in the first four bits. */
const Erspan = { LENGTH: 8, VERSION_II: 1 } as const;

function word16(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}

const PORTS = 65_536;
const TunnelKind = { VXLAN: 1, GENEVE: 2, TEREDO: 4 } as const;

/**
 * Finds the IP packet within an IP packet: IP in IP (RFC 2003, RFC 2473, RFC 4213), GRE with what it may carry, VXLAN,
 * Geneve and Teredo. Reused for every packet; nothing is allocated.
 */
export class TunnelView {
  /** The inner packet begins here, in the bytes of the outer one… */
  start = 0;
  /** … and ends here, at the latest. */
  end = 0;
  /** VLAN ids that stand before the inner packet; 0 without. */
  vlan = 0;
  innerVlan = 0;
  /** What is wrong with the tunnel's header, a `DecodeEvent`; -1 where nothing is. */
  event = -1;

  private readonly gre = new GreView();
  private readonly link = new LinkView();
  private readonly inner = new PacketView();
  /** Bits of `TunnelKind` by port. */
  private readonly kinds = new Uint8Array(PORTS);

  constructor(ports: TunnelPorts = STANDARD_TUNNEL_PORTS) {
    for (const port of ports.vxlan) this.kinds[port] |= TunnelKind.VXLAN;
    for (const port of ports.geneve) this.kinds[port] |= TunnelKind.GENEVE;
    for (const port of ports.teredo) this.kinds[port] |= TunnelKind.TEREDO;
  }

  /**
   * @param view decoded, not a fragment
   * @returns whether there is an inner IP packet; `event` may say why there is none
   */
  decode(view: PacketView): boolean {
    this.event = -1;
    switch (view.protocol) {
      case UDP: {
        const kinds = this.kinds[view.sourcePort] | this.kinds[view.destinationPort];
        return kinds !== 0 && this.datagram(view.bytes, view.payload, view.payloadEnd, kinds);
      }
      case IPV4:
      case IPV6:
        return this.bare(view.bytes, view.transport, view.end, view.protocol === IPV4 ? 4 : 6);
      case GRE:
        return this.generic(view.bytes, view.transport, view.end);
      default:
        return false;
    }
  }

  /** @param version that the inner header has to have */
  private bare(bytes: Uint8Array, start: number, end: number, version: number): boolean {
    return end > start && bytes[start] >> 4 === version && this.found(start, end);
  }

  private found(start: number, end: number): boolean {
    this.start = start;
    this.end = end;
    this.vlan = 0;
    this.innerVlan = 0;
    return true;
  }

  /** A frame, or what follows an Ethernet type. @param type -1: a frame of link type `linkType` */
  private framed(bytes: Uint8Array, start: number, end: number, linkType: number, type: number): boolean {
    const { link } = this;
    const status =
      type < 0 ? link.decode(linkType, bytes, start, end) : link.decodeType(type, bytes, start, end);
    if (status !== LINK_OK) {
      this.event = link.event;
      return false;
    }
    this.start = link.network;
    this.end = end;
    this.vlan = link.vlan;
    this.innerVlan = link.innerVlan;
    return true;
  }

  private generic(bytes: Uint8Array, start: number, end: number): boolean {
    const { gre } = this;
    this.event = gre.decode(bytes, start, end);
    if (this.event >= 0) return false;
    const { payload } = gre;
    switch (gre.protocol) {
      case GreProtocol.IPV4:
        return this.bare(bytes, payload, end, 4);
      case GreProtocol.IPV6:
        return this.bare(bytes, payload, end, 6);
      case GreProtocol.PPP:
        return gre.payloadLength !== 0 && this.framed(bytes, payload, end, LinkType.PPP, -1);
      case GreProtocol.VLAN:
        return this.framed(bytes, payload, end, 0, GreProtocol.VLAN);
      case GreProtocol.ETHERNET:
        return this.framed(bytes, payload, end, LinkType.ETHERNET, -1);
      case GreProtocol.ERSPAN:
        // Type I has no header of its own, and no sequence number in that of GRE.
        return gre.hasSequence
          ? this.mirrored(bytes, payload, end)
          : this.framed(bytes, payload, end, LinkType.ETHERNET, -1);
      default:
        return false;
    }
  }

  private mirrored(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start < Erspan.LENGTH) {
      this.event = DecodeEvent['erspan.header_too_small'];
      return false;
    }
    if (bytes[start] >> 4 !== Erspan.VERSION_II) {
      this.event = DecodeEvent['erspan.unsupported_version'];
      return false;
    }
    return this.framed(bytes, start + Erspan.LENGTH, end, LinkType.ETHERNET, -1);
  }

  private datagram(bytes: Uint8Array, start: number, end: number, kinds: number): boolean {
    if ((kinds & TunnelKind.TEREDO) !== 0 && this.teredo(bytes, start, end)) return true;
    if ((kinds & TunnelKind.GENEVE) !== 0 && this.geneve(bytes, start, end)) return true;
    return (kinds & TunnelKind.VXLAN) !== 0 && this.vxlan(bytes, start, end);
  }

  private vxlan(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start < Vxlan.LENGTH + ETHERNET_LENGTH) return false;
    if ((bytes[start + Vxlan.FLAGS] & Vxlan.VNI_VALID) === 0 || bytes[start + Vxlan.RESERVED] !== 0)
      return false;
    return this.framed(bytes, start + Vxlan.LENGTH, end, LinkType.ETHERNET, -1);
  }

  private geneve(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start < Geneve.LENGTH) return false;
    const first = bytes[start + Geneve.VERSION_LENGTH];
    const optionsEnd = start + Geneve.LENGTH + ((first & Geneve.OPTIONS_MASK) << 2);
    if (first >> 6 !== 0 || optionsEnd > end) return false;
    if ((bytes[start + Geneve.FLAGS] & Geneve.RESERVED_FLAGS) !== 0) return false;
    if (bytes[start + Geneve.RESERVED] !== 0) return false;
    let at = start + Geneve.LENGTH;
    while (at < optionsEnd) {
      if (optionsEnd - at < Geneve.OPTION_HEADER) return false;
      at += Geneve.OPTION_HEADER + ((bytes[at + Geneve.OPTION_LENGTH] & Geneve.OPTION_MASK) << 2);
    }
    if (at !== optionsEnd) return false;
    switch (word16(bytes, start + Geneve.PROTOCOL)) {
      case GreProtocol.IPV4:
        return this.bare(bytes, optionsEnd, end, 4);
      case GreProtocol.IPV6:
        return this.bare(bytes, optionsEnd, end, 6);
      case GreProtocol.ETHERNET:
        return this.framed(bytes, optionsEnd, end, LinkType.ETHERNET, -1);
      case GreProtocol.ARP:
        return false;
      default:
        this.event = DecodeEvent['geneve.unknown_payload_type'];
        return false;
    }
  }

  /** Nothing but the inner packet says that this is Teredo: it has to be without fault. */
  private teredo(bytes: Uint8Array, start: number, end: number): boolean {
    let at = start;
    if (end - at >= ORIGIN_INDICATION_LENGTH + Ipv6.LENGTH && bytes[at] === 0) {
      if (bytes[at + 1] !== 0) return false;
      at += ORIGIN_INDICATION_LENGTH;
    }
    if (end - at < Ipv6.LENGTH || bytes[at] >> 4 !== 6) return false;
    if (word16(bytes, at + Ipv6.PAYLOAD_LENGTH) !== end - at - Ipv6.LENGTH) return false;
    return this.inner.decode(bytes, at, end) === OK && this.found(at, end);
  }
}
