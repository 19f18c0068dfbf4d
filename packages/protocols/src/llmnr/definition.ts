import { createDnsLike } from '../dns/definition';
import { type ProtocolDefinition, Transport } from '../transaction';

/** Link-local multicast name resolution (RFC 4795): DNS's messages on port 5355. */
export function createLlmnr(): ProtocolDefinition {
  return createDnsLike('llmnr', [Transport.UDP, Transport.TCP]);
}
