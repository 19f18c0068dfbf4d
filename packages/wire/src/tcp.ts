/** Byte offsets of the TCP header (RFC 9293 §3.1). */
export const Tcp = {
  SOURCE_PORT: 0,
  DESTINATION_PORT: 2,
  SEQUENCE: 4,
  ACKNOWLEDGMENT: 8,
  DATA_OFFSET: 12,
  FLAGS: 13,
  WINDOW: 14,
  CHECKSUM: 16,
  URGENT_POINTER: 18,
  MIN_LENGTH: 20,
} as const;

/** Bits of `PacketView.tcpFlags`. */
export const TcpFlag = {
  FIN: 1,
  SYN: 2,
  RST: 4,
  PSH: 8,
  ACK: 16,
  URG: 32,
  ECE: 64,
  CWR: 128,
} as const;

/** Option kinds (IANA "TCP Option Kind Numbers") and their whole lengths in bytes. */
export const TcpOption = {
  END: 0,
  NOP: 1,
  MSS: 2,
  MSS_LENGTH: 4,
  WINDOW_SCALE: 3,
  WINDOW_SCALE_LENGTH: 3,
  SACK_PERMITTED: 4,
  SACK_PERMITTED_LENGTH: 2,
  TIMESTAMP: 8,
  TIMESTAMP_LENGTH: 10,
  /** RFC 7413 §4.1.1: with or without a cookie. */
  FAST_OPEN: 34,
  /** RFC 6994: the first two bytes say which experiment it is; Fast Open began as one. */
  EXPERIMENT: 254,
  EXPERIMENT_FAST_OPEN: 0xf989,
  /** RFC 7323 §2.3: a larger shift is taken as this. */
  MAX_WINDOW_SCALE: 14,
} as const;
