/** Where a TCP connection's fields are: `Uint32Array`, 68 bytes a flow, beside two stream offsets (16 bytes). */
export const TcpWord = {
  /** Per direction, at `direction * DIRECTION`. Sequence number of the next byte in order. */
  NEXT: 0,
  /** What the receiver has acknowledged. While the handshake lasts: the server's ISN + 1 of a SYN-ACK before. */
  ACKED: 1,
  /** Right edge of the window the receiver has announced. */
  EDGE: 2,
  /** Last timestamp value that counts for PAWS. */
  TIMESTAMP: 3,
  /** Record in `HeldBytes`; 0 at rest. */
  HELD: 4,
  /** Sequence number of the FIN. */
  FIN: 5,
  /** MSS (16 bits), window shift (4), {@link DirectionFlag}. */
  OPTIONS: 6,
  DIRECTION: 7,

  /** Bits of {@link ConnectionFlag}. */
  STATE: 14,
  /** ISN + 1 of a SYN that may begin another connection on these addresses and ports. */
  CANDIDATE: 15,
  /** As OPTIONS, of that SYN. */
  CANDIDATE_OPTIONS: 16,
  STRIDE: 17,
} as const;

export const MSS_MASK = 0xffff;
export const SHIFT_SHIFT = 16;
export const SHIFT_MASK = 0xf;
/** Window scaling not offered. */
export const SHIFT_NONE = 15;

/** Upper bits of `TcpWord.OPTIONS`. */
export const DirectionFlag = {
  /** NEXT is known. */
  KNOWN: 1 << 20,
  /** The SYN offered timestamps. */
  TIMESTAMPS: 1 << 21,
  FIN_KNOWN: 1 << 22,
  FIN_REACHED: 1 << 23,
  FIN_ACKED: 1 << 24,
  /** Inspected to its depth, or stopped. */
  DONE: 1 << 25,
  /** A valid RST came from this side, and nothing after it. */
  RESET: 1 << 26,
  /** A segment of this side was out of window and nothing has moved since. */
  BEYOND: 1 << 27,
} as const;

/** `TcpWord.STATE`. */
export const ConnectionFlag = {
  STATE: 3,
  SYN_SENT: 1,
  SYN_RECEIVED: 2,
  ESTABLISHED: 3,
  /** The initiator has proved that it receives what is sent to its address. */
  COMPLETE: 1 << 2,
  MIDSTREAM: 1 << 3,
  BLOCKED: 1 << 4,
  /** The sink knows the flow. */
  STARTED: 1 << 5,
  /** Both directions are done, and nothing is held. */
  DONE: 1 << 6,
  CANDIDATE: 1 << 7,
  /** The candidate SYN came from the responder. */
  CANDIDATE_SWAP: 1 << 8,
  /** Both SYNs were seen: windows are known. */
  WINDOWS: 1 << 9,
  /** Both SYNs offered timestamps. */
  PAWS: 1 << 10,
  ONE_SIDED: 1 << 11,
  /** Packets that belong to no connection: they are counted as a flow, but there is no stream. */
  OUTSIDE: 1 << 12,
  /** Window of the first SYN, unscaled, in the upper half until the SYN-ACK comes. */
  WINDOW_SHIFT: 16,
} as const;
