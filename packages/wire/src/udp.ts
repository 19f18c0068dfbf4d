/** Byte offsets of the UDP header (RFC 768). UDP-Lite (RFC 3828) has a coverage where UDP has its length. */
export const Udp = {
  SOURCE_PORT: 0,
  DESTINATION_PORT: 2,
  DATAGRAM_LENGTH: 4,
  CHECKSUM: 6,
  LENGTH: 8,
} as const;

/** Byte offsets of the SCTP common header (RFC 9260 §3.1). */
export const Sctp = {
  SOURCE_PORT: 0,
  DESTINATION_PORT: 2,
  LENGTH: 12,
} as const;
