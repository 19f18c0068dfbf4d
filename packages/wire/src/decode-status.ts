/** What `PacketView.decode` found; everything above OK is a reason why the packet cannot be inspected. */
export const DecodeStatus = {
  OK: 0,
  /** Not one byte. */
  EMPTY: 1,
  /** Neither IPv4 nor IPv6. */
  IP_VERSION: 2,
  IPV4_HEADER_TRUNCATED: 3,
  /** Header length below 20 bytes or beyond the packet. */
  IPV4_BAD_HEADER_LENGTH: 4,
  /** Total length below the header length. */
  IPV4_BAD_TOTAL_LENGTH: 5,
  IPV6_HEADER_TRUNCATED: 6,
  /** The chain of extension headers runs beyond the packet. */
  IPV6_EXTENSION_TRUNCATED: 7,
  /** A second fragment header in one packet. */
  IPV6_EXTENSION_ORDER: 8,
  /** An IPv4-mapped address in an IPv6 header: the kernel drops it, and it would be taken for the IPv4 host. */
  IPV6_MAPPED_ADDRESS: 9,
  /** A fragment that ends beyond the largest datagram. */
  FRAGMENT_TOO_LONG: 10,
  TCP_HEADER_TRUNCATED: 11,
  /** Data offset below 20 bytes or beyond the packet. */
  TCP_BAD_HEADER_LENGTH: 12,
  UDP_HEADER_TRUNCATED: 13,
  /** UDP length below 8 bytes or beyond the packet. */
  UDP_BAD_LENGTH: 14,
  ICMP_HEADER_TRUNCATED: 15,
  SCTP_HEADER_TRUNCATED: 16,
} as const;

/** Names by status, for counters and events: `DecodeStatusNames[status]`. */
export const DecodeStatusNames: readonly string[] = [
  'ok',
  'empty',
  'ip-version',
  'ipv4-header-truncated',
  'ipv4-bad-header-length',
  'ipv4-bad-total-length',
  'ipv6-header-truncated',
  'ipv6-extension-truncated',
  'ipv6-extension-order',
  'ipv6-mapped-address',
  'fragment-too-long',
  'tcp-header-truncated',
  'tcp-bad-header-length',
  'udp-header-truncated',
  'udp-bad-length',
  'icmp-header-truncated',
  'sctp-header-truncated',
];
