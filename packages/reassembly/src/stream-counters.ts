import { DropReasonNames } from './segment-result';

/** Indexes into `TcpReassembler.counters`; all only grow. */
export const StreamCounter = {
  PACKETS: 0,
  PAYLOAD_BYTES: 1,
  /** Bytes given to the sink. */
  INSPECTED_BYTES: 2,
  BEYOND_DEPTH_BYTES: 3,
  FLOWS: 4,
  DATAGRAM_FLOWS: 5,
  HANDSHAKES: 6,
  MIDSTREAM_FLOWS: 7,
  /** Packets of unknown connections that passed uninspected. */
  MIDSTREAM_PACKETS: 8,
  /** Flows whose data came without a handshake in both directions. */
  ONE_SIDED_FLOWS: 9,
  OUT_OF_ORDER_SEGMENTS: 10,
  RETRANSMITTED_SEGMENTS: 11,
  GAPS: 12,
  GAP_BYTES: 13,
  /** Bytes of packets' tails that were not captured; part of the gap bytes. */
  TRUNCATED_BYTES: 14,
  /** Acknowledgments of bytes not seen. */
  ACK_UNSEEN: 15,
  /** Later segments that passed without being held (memcap: open). */
  UNHELD_SEGMENTS: 16,
  /** Segments inspected but not kept for comparison (memcap: open). */
  UNKEPT_SEGMENTS: 17,
  /** Retransmissions that passed without comparison (memcap: open). */
  UNCOMPARED_SEGMENTS: 18,
  URGENT_SEGMENTS: 19,
  /** SYN on a live connection: the receiver answers with a challenge (RFC 5961 §4). */
  SYN_CHALLENGED: 20,
  /** RST inside the window but not exact (RFC 5961 §3). */
  RST_CHALLENGED: 21,
  /** RST outside of the window. */
  RST_IGNORED: 22,
  /** Packets whose flow found no room in the table. */
  FLOW_TABLE_FULL: 23,
  FLOWS_EVICTED: 24,
  FLOWS_TIMED_OUT: 25,
  FLOWS_REUSED: 26,
  /** Packets without a transport header (fragments) that passed. */
  NO_HEADER: 27,
  /** Silent flows whose copies were given up for others' (the pool was nearly full). */
  RECLAIMED_FLOWS: 28,
  /** Plus the value of a `DropReason`: packets dropped, or not taken in when not inline. */
  DROP: 29,
} as const;

export const StreamCounterNames: readonly string[] = [
  'packets',
  'payload_bytes',
  'inspected_bytes',
  'beyond_depth_bytes',
  'flows',
  'datagram_flows',
  'handshakes',
  'midstream_flows',
  'midstream_packets',
  'one_sided_flows',
  'out_of_order_segments',
  'retransmitted_segments',
  'gaps',
  'gap_bytes',
  'truncated_bytes',
  'ack_unseen',
  'unheld_segments',
  'unkept_segments',
  'uncompared_segments',
  'urgent_segments',
  'syn_challenged',
  'rst_challenged',
  'rst_ignored',
  'flow_table_full',
  'flows_evicted',
  'flows_timed_out',
  'flows_reused',
  'no_header',
  'reclaimed_flows',
  ...DropReasonNames.map((name) => `drop_${name.replaceAll('-', '_')}`),
];
