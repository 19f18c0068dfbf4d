/** Byte offsets, masks and limits of the IPv4 header (RFC 791 §3.1). */
export const Ipv4 = {
  VERSION_IHL: 0,
  TOS: 1,
  TOTAL_LENGTH: 2,
  IDENTIFICATION: 4,
  FRAGMENT: 6,
  TTL: 8,
  PROTOCOL: 9,
  CHECKSUM: 10,
  SOURCE: 12,
  DESTINATION: 16,
  MIN_LENGTH: 20,
  /** In the 16 bits at FRAGMENT. */
  DONT_FRAGMENT: 0x4000,
  MORE_FRAGMENTS: 0x2000,
  OFFSET_MASK: 0x1fff,
  /** Largest datagram, headers included, that fragments may add up to. */
  MAX_LENGTH: 65535,
} as const;

/** Third word of an IPv4 address kept as IPv4-mapped IPv6 (RFC 4291 §2.5.5.2). */
export const MAPPED_WORD = 0xffff;
