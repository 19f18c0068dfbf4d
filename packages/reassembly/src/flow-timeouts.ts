/** What a flow's time-out depends on. */
export const TimeoutClass = {
  /** TCP handshake not complete. */
  HALF_OPEN: 0,
  ESTABLISHED: 1,
  /** One side has sent FIN. */
  HALF_CLOSED: 2,
  /** Both have, or a reset was seen. */
  CLOSED: 3,
  /** The inspection dropped the flow: long enough for the last retransmission of a sender to be dropped too. */
  BLOCKED: 4,
  /** UDP and others, nothing answered yet. */
  DATAGRAM_NEW: 5,
  DATAGRAM: 6,
  ICMP: 7,
} as const;

/** Seconds without a packet after which a flow is forgotten. */
export interface FlowTimeouts {
  halfOpen: number;
  established: number;
  halfClosed: number;
  closed: number;
  blocked: number;
  datagramNew: number;
  datagram: number;
  icmp: number;
}

/**
 * `blocked` is above the longest pause between two retransmissions (120 s in Linux, TCP_RTO_MAX): a dropped
 * request must not come back as the first packet of an unknown flow.
 */
export const defaultTimeouts: FlowTimeouts = {
  halfOpen: 30,
  established: 3600,
  halfClosed: 600,
  closed: 10,
  blocked: 300,
  datagramNew: 30,
  datagram: 180,
  icmp: 30,
};

/** In force while the table is more than nine tenths full. */
export const emergencyTimeouts: FlowTimeouts = {
  halfOpen: 3,
  established: 300,
  halfClosed: 30,
  closed: 1,
  blocked: 150,
  datagramNew: 3,
  datagram: 30,
  icmp: 3,
};

/** Microseconds, indexed by {@link TimeoutClass}. */
export function timeoutTable(timeouts: FlowTimeouts): Float64Array {
  const seconds = [
    timeouts.halfOpen,
    timeouts.established,
    timeouts.halfClosed,
    timeouts.closed,
    timeouts.blocked,
    timeouts.datagramNew,
    timeouts.datagram,
    timeouts.icmp,
  ];
  for (const value of seconds) {
    if (!(value > 0) || !Number.isFinite(value))
      throw new RangeError(`A flow time-out has to be a number of seconds above 0, not ${value}.`);
  }
  return Float64Array.from(seconds, (value) => value * 1e6);
}
