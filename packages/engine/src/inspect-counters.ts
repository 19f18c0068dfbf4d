/** Indexes into `Inspector.counters`; all only grow. */
export const InspectCounter = {
  PACKETS: 0,
  BYTES: 1,
  ACCEPTED: 2,
  DROPPED: 3,
  /** Packets dropped because a rule of action drop or reject matched. */
  RULE_DROPS: 4,
  /** Packets dropped by reassembly; `StreamCounter.DROP` has the reasons. */
  STREAM_DROPS: 5,
  /** Headers that make no sense. */
  DECODE_ERRORS: 6,
  DECODE_DROPS: 7,
  BAD_CHECKSUM: 8,
  /** Packets of a source that has just attacked, before the kernel's ban took effect. */
  BLOCKED_SOURCE: 9,
  OFFLOADED: 10,
  /** Rule matches that were only told. */
  ALERTS: 11,
  /** Rule matches for which a packet was dropped. */
  ATTACKS_BLOCKED: 12,
  /** Packets that a pass rule let go. */
  PASSED: 13,
  RESETS_SENT: 14,
  /** Fragments, which carry no transport header to inspect. */
  FRAGMENTS: 15,
  /** Packets of connections from before the inspection, answered with resets. */
  EARLIER_RESET: 16,
  /** Web addresses for which a packet was dropped. */
  ADDRESSES_BLOCKED: 17,
  /** Connections that go on without their parser, for whose memory there was no room. */
  PARSERS_PASSED: 18,
  /** Connections that are dropped for the same reason. */
  PARSERS_DROPPED: 19,
  /** Copies of packets whose connections exclusions leave out. */
  LEFT_OUT: 20,
} as const;

export const InspectCounterNames = [
  'packets',
  'bytes',
  'accepted',
  'dropped',
  'rule_drops',
  'stream_drops',
  'decode_errors',
  'decode_drops',
  'bad_checksum',
  'blocked_source',
  'offloaded',
  'alerts',
  'attacks_blocked',
  'passed',
  'resets_sent',
  'fragments',
  'earlier_reset',
  'addresses_blocked',
  'parsers_passed',
  'parsers_dropped',
  'left_out',
] as const;
