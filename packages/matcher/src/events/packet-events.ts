/** Events that following a TCP connection can give, under Suricata's names. */

/** Groups of names that begin alike. */
type Names = readonly (readonly [prefix: string, names: string])[];

function numbered(groups: Names): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>();
  for (const [prefix, names] of groups) {
    for (const name of names.split(/\s+/)) numbers.set(prefix + name, numbers.size);
  }
  return numbers;
}

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

const WORDS = Math.ceil(STREAM_EVENTS.size / 32);

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
