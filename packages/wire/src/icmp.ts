/** Byte offsets of the ICMP (RFC 792) and ICMPv6 (RFC 4443 §2.1) header, with its four type-specific bytes. */
export const Icmp = {
  TYPE: 0,
  CODE: 1,
  CHECKSUM: 2,
  REST: 4,
  LENGTH: 8,
} as const;
