import { DEFAULT_FRAGMENT_OPTIONS, type FragmentOptions, FragmentReassembler } from '@portcullis/reassembly';
import { type TunnelPorts, TunnelView } from '@portcullis/wire';

export interface PacketLayerOptions {
  /** Put fragmented datagrams together; null: whoever gives the packets has done so (a kernel's queue). */
  readonly fragments: Partial<FragmentOptions> | null;
  /** Look into tunnels at these UDP ports, and into those that IP names by number; null: into none. */
  readonly tunnels: TunnelPorts | null;
  /** Packets that their capture has cut are not inspected: what their rest is nobody knows. */
  readonly refuseTruncated: boolean;
  /** Read IPv6 packets with IPv4-mapped addresses, which no kernel lets through. */
  readonly acceptMapped: boolean;
}

/** Packets within packets, at most. */
export const MAX_LAYERS = 8;

/** What more than one packet may be made of one: the packets in tunnels, and the datagrams of fragments. */
export class PacketLayers {
  readonly fragments: FragmentReassembler | null;
  readonly tunnels: TunnelView | null;
  readonly refuseTruncated: boolean;
  readonly acceptMapped: boolean;

  constructor(options: PacketLayerOptions) {
    this.fragments =
      options.fragments === null
        ? null
        : new FragmentReassembler({ ...DEFAULT_FRAGMENT_OPTIONS, ...options.fragments });
    this.tunnels = options.tunnels === null ? null : new TunnelView(options.tunnels);
    this.refuseTruncated = options.refuseTruncated;
    this.acceptMapped = options.acceptMapped;
  }

  /** Forgets everything between two captures. */
  restart(): void {
    this.fragments?.clear();
  }
}
