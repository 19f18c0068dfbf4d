/** Events that decoding a packet and following its TCP connection can give, under Suricata's names. */

/** Groups of names that begin alike. */
type Names = readonly (readonly [prefix: string, names: string])[];

function numbered(groups: Names): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>();
  for (const [prefix, names] of groups) {
    for (const name of names.split(/\s+/)) numbers.set(prefix + name, numbers.size);
  }
  return numbers;
}

/** Name behind `decode-event:`, and its number in `InspectionContext.decodeEvents`. */
export const DECODE_EVENTS = numbered([
  [
    'ipv4.',
    `pkt_too_small hlen_too_small iplen_smaller_than_hlen trunc_pkt opt_invalid opt_invalid_len opt_malformed
opt_pad_required opt_eol_required opt_duplicate opt_unknown wrong_ip_version icmpv6 frag_pkt_too_large frag_overlap
frag_ignored`,
  ],
  [
    'ipv6.',
    `pkt_too_small trunc_pkt trunc_exthdr exthdr_dupl_fh exthdr_useless_fh exthdr_dupl_rh exthdr_dupl_hh exthdr_dupl_dh
exthdr_dupl_ah exthdr_dupl_eh exthdr_invalid_optlen wrong_ip_version exthdr_ah_res_not_null hopopts_unknown_opt
hopopts_only_padding dstopts_unknown_opt dstopts_only_padding rh_type_0 zero_len_padn fh_non_zero_reserved_field
data_after_none_header unknown_next_header icmpv4 frag_pkt_too_large frag_overlap frag_ignored frag_invalid_length
ipv4_in_ipv6_too_small ipv4_in_ipv6_wrong_version ipv6_in_ipv6_too_small ipv6_in_ipv6_wrong_version`,
  ],
  ['icmpv4.', 'pkt_too_small unknown_type unknown_code ipv4_trunc_pkt ipv4_unknown_ver'],
  [
    'icmpv6.',
    `unknown_type unknown_code pkt_too_small ipv6_unknown_version ipv6_trunc_pkt mld_message_with_invalid_hl
unassigned_type experimentation_type`,
  ],
  ['igmp.', 'pkt_too_small malformed v3_pkt_too_small'],
  ['tcp.', 'pkt_too_small hlen_too_small invalid_optlen opt_invalid_len opt_duplicate'],
  ['udp.', 'pkt_too_small hlen_too_small hlen_invalid len_invalid'],
  ['sctp.', 'pkt_too_small'],
  ['esp.', 'pkt_too_small'],
  ['ethernet.', 'pkt_too_small unknown_ethertype'],
  ['sll.', 'pkt_too_small'],
  ['sll2.', 'pkt_too_small'],
  ['ppp.', 'pkt_too_small vju_pkt_too_small ip4_pkt_too_small ip6_pkt_too_small wrong_type unsup_proto'],
  ['pppoe.', 'pkt_too_small wrong_code malformed_tags'],
  [
    'gre.',
    `pkt_too_small wrong_version version0_recur version0_flags version0_hdr_too_big version0_malformed_sre_hdr
version1_chksum version1_route version1_ssr version1_recur version1_flags version1_no_key version1_wrong_protocol
version1_malformed_sre_hdr version1_hdr_too_big`,
  ],
  ['vlan.', 'header_too_small unknown_type too_many_layers'],
  ['vntag.', 'header_too_small unknown_type'],
  ['ieee8021ah.', 'header_too_small'],
  ['etag.', 'header_too_small unknown_type'],
  ['ipraw.', 'invalid_ip_version'],
  ['ltnull.', 'pkt_too_small unsupported_type'],
  [
    'mpls.',
    `header_too_small pkt_too_small bad_label_router_alert bad_label_implicit_null bad_label_reserved
unknown_payload_type`,
  ],
  ['vxlan.', 'unknown_payload_type'],
  ['geneve.', 'unknown_payload_type'],
  ['erspan.', 'header_too_small unsupported_version too_many_vlan_layers'],
  ['dce.', 'pkt_too_small'],
  ['chdlc.', 'pkt_too_small'],
  [
    'nsh.',
    'header_too_small unsupported_version bad_header_length reserved_type unsupported_type unknown_payload',
  ],
  [
    'arp.',
    `pkt_too_small unsupported_hardware unsupported_protocol invalid_pkt invalid_hardware_size invalid_protocol_size
unsupported_opcode`,
  ],
  ['', 'too_many_layers afp_trunc_pkt'],
]);

/** Name behind `stream-event:`, and its number in `InspectionContext.streamEvents`. */
export const STREAM_EVENTS = numbered([
  [
    '3whs_',
    `ack_in_wrong_dir async_wrong_seq right_seq_wrong_ack_evasion synack_in_wrong_direction
synack_resend_with_different_ack synack_resend_with_diff_seq synack_toserver_on_syn_recv synack_with_wrong_ack
synack_flood synack_tfo_data_ignored syn_flood syn_resend_diff_seq_on_syn_recv syn_toclient_on_syn_recv
wrong_seq_wrong_ack ack_data_inject`,
  ],
  ['4whs_', 'synack_with_wrong_ack synack_with_wrong_syn wrong_seq invalid_ack'],
  ['closewait_', 'ack_out_of_window fin_out_of_window pkt_before_last_ack invalid_ack'],
  ['closing_', 'ack_wrong_seq invalid_ack'],
  [
    'est_',
    `packet_out_of_window pkt_before_last_ack synack_resend synack_resend_with_different_ack
synack_resend_with_diff_seq synack_toserver syn_resend syn_resend_diff_seq syn_toclient invalid_ack`,
  ],
  [
    'fin',
    `_invalid_ack 1_ack_wrong_seq 1_fin_wrong_seq 1_invalid_ack 2_ack_wrong_seq 2_fin_wrong_seq 2_invalid_ack
_but_no_session _out_of_window _syn`,
  ],
  ['lastack_', 'ack_wrong_seq invalid_ack'],
  ['rst_', 'but_no_session invalid_ack'],
  ['timewait_', 'ack_wrong_seq invalid_ack'],
  ['shutdown_', 'syn_resend'],
  [
    'pkt_',
    `invalid_timestamp invalid_ack broken_ack retransmission spurious_retransmission bad_window_update
no_tcp_flags`,
  ],
  ['suspected_', 'rst_inject'],
  ['wrong_', 'thread'],
  [
    'reassembly_',
    `segment_before_base_seq no_segment seq_gap overlap_different_data depth_reached insert_memcap insert_limit
insert_invalid urgent_oob_limit_reached`,
  ],
]);

/** Another way to write the same event. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['3whs_synack_resend_with_diff_ack', '3whs_synack_resend_with_different_ack'],
  ['est_synack_resend_with_diff_ack', 'est_synack_resend_with_different_ack'],
]);

/** @returns undefined where there is no such event */
export function streamEventNumber(name: string): number | undefined {
  return STREAM_EVENTS.get(ALIASES.get(name) ?? name);
}

const WORDS = Math.ceil(Math.max(DECODE_EVENTS.size, STREAM_EVENTS.size) / 32);

/** Events of one packet. */
export class PacketEventSet {
  /** There is at least one. */
  any = false;
  private readonly words = new Uint32Array(WORDS);

  add(event: number): void {
    this.any = true;
    this.words[event >> 5] |= 1 << (event & 31);
  }

  has(event: number): boolean {
    return this.any && (this.words[event >> 5] & (1 << (event & 31))) !== 0;
  }

  clear(): void {
    if (!this.any) return;
    this.any = false;
    this.words.fill(0);
  }
}
