/**
 * What may be wrong with a packet's headers, by the names that rules use (`decode-event:ipv4.trunc_pkt`). The numbers
 * are this list's own; names are Suricata's (its decode events, without the prefix `decoder.`).
 */
const NAMES = [
  'afpacket.trunc_pkt',
  'arp.invalid_hardware_size',
  'arp.invalid_pkt',
  'arp.invalid_protocol_size',
  'arp.pkt_too_small',
  'arp.unsupported_hardware',
  'arp.unsupported_opcode',
  'arp.unsupported_protocol',
  'chdlc.pkt_too_small',
  'dce.pkt_too_small',
  'erspan.header_too_small',
  'erspan.too_many_vlan_layers',
  'erspan.unsupported_version',
  'esp.pkt_too_small',
  'etag.header_too_small',
  'etag.unknown_type',
  'ethernet.pkt_too_small',
  'ethernet.unknown_ethertype',
  'geneve.unknown_payload_type',
  'gre.pkt_too_small',
  'gre.version0_flags',
  'gre.version0_hdr_too_big',
  'gre.version0_malformed_sre_hdr',
  'gre.version0_recur',
  'gre.version1_chksum',
  'gre.version1_flags',
  'gre.version1_hdr_too_big',
  'gre.version1_malformed_sre_hdr',
  'gre.version1_no_key',
  'gre.version1_recur',
  'gre.version1_route',
  'gre.version1_ssr',
  'gre.version1_wrong_protocol',
  'gre.wrong_version',
  'icmpv4.ipv4_trunc_pkt',
  'icmpv4.ipv4_unknown_ver',
  'icmpv4.pkt_too_small',
  'icmpv4.unknown_code',
  'icmpv4.unknown_type',
  'icmpv6.experimentation_type',
  'icmpv6.ipv6_trunc_pkt',
  'icmpv6.ipv6_unknown_version',
  'icmpv6.mld_message_with_invalid_hl',
  'icmpv6.pkt_too_small',
  'icmpv6.unassigned_type',
  'icmpv6.unknown_code',
  'icmpv6.unknown_type',
  'ieee8021ah.header_too_small',
  'igmp.malformed',
  'igmp.pkt_too_small',
  'igmp.v3_pkt_too_small',
  'ipraw.invalid_ip_version',
  'ipv4.frag_ignored',
  'ipv4.frag_overlap',
  'ipv4.frag_pkt_too_large',
  'ipv4.hlen_too_small',
  'ipv4.icmpv6',
  'ipv4.iplen_smaller_than_hlen',
  'ipv4.opt_duplicate',
  'ipv4.opt_eol_required',
  'ipv4.opt_invalid',
  'ipv4.opt_invalid_len',
  'ipv4.opt_malformed',
  'ipv4.opt_pad_required',
  'ipv4.opt_unknown',
  'ipv4.pkt_too_small',
  'ipv4.trunc_pkt',
  'ipv4.wrong_ip_version',
  'ipv6.data_after_none_header',
  'ipv6.dstopts_only_padding',
  'ipv6.dstopts_unknown_opt',
  'ipv6.exthdr_ah_res_not_null',
  'ipv6.exthdr_dupl_ah',
  'ipv6.exthdr_dupl_dh',
  'ipv6.exthdr_dupl_eh',
  'ipv6.exthdr_dupl_fh',
  'ipv6.exthdr_dupl_hh',
  'ipv6.exthdr_dupl_rh',
  'ipv6.exthdr_invalid_optlen',
  'ipv6.exthdr_useless_fh',
  'ipv6.fh_non_zero_reserved_field',
  'ipv6.frag_ignored',
  'ipv6.frag_invalid_length',
  'ipv6.frag_overlap',
  'ipv6.frag_pkt_too_large',
  'ipv6.hopopts_only_padding',
  'ipv6.hopopts_unknown_opt',
  'ipv6.icmpv4',
  'ipv6.ipv4_in_ipv6_too_small',
  'ipv6.ipv4_in_ipv6_wrong_version',
  'ipv6.ipv6_in_ipv6_too_small',
  'ipv6.ipv6_in_ipv6_wrong_version',
  'ipv6.pkt_too_small',
  'ipv6.rh_type_0',
  'ipv6.trunc_exthdr',
  'ipv6.trunc_pkt',
  'ipv6.unknown_next_header',
  'ipv6.wrong_ip_version',
  'ipv6.zero_len_padn',
  'ltnull.pkt_too_small',
  'ltnull.unsupported_type',
  'mpls.bad_label_implicit_null',
  'mpls.bad_label_reserved',
  'mpls.bad_label_router_alert',
  'mpls.header_too_small',
  'mpls.pkt_too_small',
  'mpls.unknown_payload_type',
  'nsh.bad_header_length',
  'nsh.header_too_small',
  'nsh.reserved_type',
  'nsh.unknown_payload',
  'nsh.unsupported_type',
  'nsh.unsupported_version',
  'ppp.ip4_pkt_too_small',
  'ppp.ip6_pkt_too_small',
  'ppp.pkt_too_small',
  'ppp.unsup_proto',
  'ppp.vju_pkt_too_small',
  'ppp.wrong_type',
  'pppoe.malformed_tags',
  'pppoe.pkt_too_small',
  'pppoe.wrong_code',
  'sctp.pkt_too_small',
  'sll.pkt_too_small',
  'sll2.pkt_too_small',
  'tcp.hlen_too_small',
  'tcp.invalid_optlen',
  'tcp.opt_duplicate',
  'tcp.opt_invalid_len',
  'tcp.pkt_too_small',
  'too_many_layers',
  'udp.hlen_too_small',
  'udp.len_invalid',
  'udp.pkt_too_small',
  'vlan.header_too_small',
  'vlan.too_many_layers',
  'vlan.unknown_type',
  'vntag.header_too_small',
  'vntag.unknown_type',
  'vxlan.unknown_payload_type',
] as const;

export type DecodeEventName = (typeof NAMES)[number];

/** Names by number. */
export const DecodeEventNames: readonly DecodeEventName[] = NAMES;

/** Numbers by name. */
export const DecodeEvent = Object.fromEntries(NAMES.map((name, number) => [name, number])) as {
  readonly [K in DecodeEventName]: number;
};

const NUMBERS: ReadonlyMap<string, number> = new Map(NAMES.map((name, number) => [name, number]));

/** Other spellings, of older versions. */
const OLD_NAMES: ReadonlyMap<string, DecodeEventName> = new Map([
  ['ipv4.frag.too_large', 'ipv4.frag_pkt_too_large'],
  ['ipv4.frag.overlap', 'ipv4.frag_overlap'],
  ['ipv6.frag.too_large', 'ipv6.frag_pkt_too_large'],
  ['ipv6.frag.overlap', 'ipv6.frag_overlap'],
  ['udp.hlen_invalid', 'udp.len_invalid'],
  ['afp_trunc_pkt', 'afpacket.trunc_pkt'],
]);

/** The number of an event as a rule names it; -1 where there is none of that name. */
export function decodeEventNumber(name: string): number {
  return NUMBERS.get(OLD_NAMES.get(name) ?? name) ?? -1;
}

/** The decode events of one packet: a set of numbers that is reused for every packet. */
export class DecodeEvents {
  private readonly words = new Uint32Array((NAMES.length + 31) >>> 5);
  /** Whether there is any. */
  any = false;

  add(event: number): void {
    this.words[event >>> 5] |= 1 << (event & 31);
    this.any = true;
  }

  has(event: number): boolean {
    return this.any && (this.words[event >>> 5] & (1 << (event & 31))) !== 0;
  }

  clear(): void {
    if (!this.any) return;
    this.words.fill(0);
    this.any = false;
  }

  /** For tests and records. */
  names(): DecodeEventName[] {
    return NAMES.filter((_, number) => this.has(number));
  }
}
