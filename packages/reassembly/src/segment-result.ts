/** Bits that `TcpReassembler.process` returns. */
export const SegmentResult = {
  ACCEPT: 0,
  /** The receiver must not get this packet; `dropReason` says why. */
  DROP: 1,
  /** Both directions are inspected to their depth or stopped, and nothing is held: the kernel may take over. */
  OFFLOADABLE: 2,
  /**
   * The bytes were inspected with the urgent byte in place. Pass the packet on only with URG flag and urgent
   * pointer cleared (a receiver would take that byte out of the stream), or drop it.
   */
  CLEAR_URGENT: 4,
} as const;

/**
 * Values of `dropReason`; also set, without the DROP bit, when not inline: the packet was not taken in (of
 * OVERLAP_DIFFERS, only what was new).
 */
export const DropReason = {
  NONE: 0,
  /** The flow was blocked earlier. */
  FLOW_BLOCKED: 1,
  /** The sink asked for it. */
  INSPECTION: 2,
  /** SYN with FIN or RST. */
  BAD_FLAGS: 3,
  /** No ACK, SYN or RST: Linux discards it. */
  NO_ACK: 4,
  /** Does not fit the handshake seen: wrong acknowledgment number, or sequence out of window. */
  HANDSHAKE_MISMATCH: 5,
  /** A SYN with data where data cannot be inspected. */
  SYN_DATA: 6,
  /** A SYN with another initial sequence number after data with the first was inspected. */
  SYN_DIFFERS: 7,
  /** Beyond the window the receiver announced. */
  OUT_OF_WINDOW: 8,
  /** Timestamp older than the last one (RFC 7323 §5). */
  PAWS: 9,
  /** Acknowledges what cannot have been sent. */
  ACK_INVALID: 10,
  /** Acknowledges less than a whole window ago (RFC 5961 §5). */
  ACK_TOO_OLD: 11,
  // Up to here the packet does not belong to the connection; what follows is about its bytes.
  /** Carries other bytes than were inspected at that place. */
  OVERLAP_DIFFERS: 12,
  /** FIN where data was, or at another place than the FIN before. */
  FIN_CONFLICT: 13,
  DATA_AFTER_FIN: 14,
  /** Urgent data, with `urgent: 'drop'`. */
  URGENT: 15,
  /** No memory to hold it (exception policy memcap: closed). */
  MEMCAP: 16,
  /** A retransmission that cannot be compared any more (exception policy memcap: closed). */
  NOT_KEPT: 17,
  /** No room for another flow (exception policy flow-table: closed). */
  FLOW_TABLE: 18,
  /** A packet of an unknown connection (exception policy midstream: closed). */
  MIDSTREAM: 19,
  /** Bytes have gone past uninspected (exception policy gap: closed). */
  GAP: 20,
  /** No TCP header in it: a fragment (exception policy decode: closed). */
  NO_HEADER: 21,
  /** Behind more holes than a direction may have, or more bytes than it may hold behind them: the sender sends it again. */
  SCATTERED: 22,
  /** Of no known connection, with more extension headers than are looked behind where connections are spread. */
  EXTENSION_HEADERS: 23,
} as const;

export const DropReasonNames: readonly string[] = [
  'none',
  'flow-blocked',
  'inspection',
  'bad-flags',
  'no-ack',
  'handshake-mismatch',
  'syn-data',
  'syn-differs',
  'out-of-window',
  'paws',
  'ack-invalid',
  'ack-too-old',
  'overlap-differs',
  'fin-conflict',
  'data-after-fin',
  'urgent',
  'memcap',
  'not-kept',
  'flow-table',
  'midstream',
  'gap',
  'no-header',
  'scattered',
  'extension-headers',
];
