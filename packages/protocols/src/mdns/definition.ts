import { createDnsLike } from '../dns/definition';
import { type ProtocolDefinition, Transport } from '../transaction';

/** Multicast DNS (RFC 6762): DNS's messages on UDP port 5353; everybody asks and answers there. */
export function createMdns(): ProtocolDefinition {
  return createDnsLike('mdns', [Transport.UDP]);
}
