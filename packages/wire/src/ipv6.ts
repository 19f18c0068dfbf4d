/** Byte offsets of the IPv6 fixed header (RFC 8200 §3). */
export const Ipv6 = {
  VERSION_CLASS: 0,
  PAYLOAD_LENGTH: 4,
  NEXT_HEADER: 6,
  HOP_LIMIT: 7,
  SOURCE: 8,
  DESTINATION: 24,
  LENGTH: 40,
  MAX_PAYLOAD: 65535,
} as const;

/** Extension headers that share the shape {next header, length in 8-byte units less one} (RFC 8200 §4). */
export const Ipv6Extension = {
  NEXT_HEADER: 0,
  LENGTH: 1,
  UNIT: 8,
  /** Routing header (RFC 8200 §4.4). */
  ROUTING_TYPE: 2,
  SEGMENTS_LEFT: 3,
  ROUTING_ADDRESSES: 8,
  /** Fragment header (RFC 8200 §4.5): always 8 bytes. */
  FRAGMENT_OFFSET: 2,
  FRAGMENT_IDENTIFICATION: 4,
  FRAGMENT_OFFSET_MASK: 0xfff8,
  FRAGMENT_MORE: 1,
} as const;

/** Routing types whose last hop is not the destination in the fixed header. */
export const RoutingType = {
  /** RFC 2460 §4.4, deprecated by RFC 5095. */
  SOURCE_ROUTE: 0,
  /** Mobile IPv6, RFC 6275 §6.4. */
  MOBILE: 2,
  /** Segment routing, RFC 8754 §2: the last segment stands first. */
  SEGMENT: 4,
} as const;
