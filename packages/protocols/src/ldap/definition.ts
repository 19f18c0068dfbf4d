import { Frames } from '../frames/frames';
import { Direction, type ProtocolDefinition, Transport } from '../transaction';
import { LDAP_BUFFERS, type LdapTransaction } from './ldap-transaction';
import { LdapMessage } from './message';
import { operationName, resultName } from './names';
import { LDAP_FRAMES, LdapEvent, LdapParser, probeLdap } from './parser';

const MOST_TOLD = 16;
const MOST_TEXT = 256;

/** LDAP (RFC 4511) over TCP and UDP. */
export function createLdap(): ProtocolDefinition {
  const message = new LdapMessage();
  const frames = new Frames('ldap', LDAP_FRAMES);
  return {
    name: 'ldap',
    transports: [Transport.TCP, Transport.UDP],
    parserBytes: { tcp: 1200, udp: 150 },
    buffers: [...LDAP_BUFFERS, ...frames.buffers],
    frames,
    events: Object.values(LdapEvent),
    probe(direction, bytes, start, end, flow) {
      const answer = probeLdap(bytes, start, end, direction === Direction.TO_SERVER);
      return answer === 0 && flow.transport === Transport.UDP ? -1 : answer;
    },
    create: (listener, transport) => new LdapParser(message, frames, listener, transport),
    describe: (tx) => describe(tx as LdapTransaction),
  };
}

/** EVE's `ldap` object. */
function describe(tx: LdapTransaction): Record<string, unknown> {
  const responses = tx.operations.slice(0, MOST_TOLD).map((operation, i) => {
    const { dn, message } = tx.toldResponse(i);
    return {
      operation: operationName(operation),
      ...(dn && { dn: dn.slice(0, MOST_TEXT) }),
      ...(message && { message: message.slice(0, MOST_TEXT) }),
    };
  });
  const last = tx.results.at(-1);
  return {
    ...(tx.requestOperation >= 0 && {
      request: { operation: operationName(tx.requestOperation), message_id: tx.messageId },
    }),
    ...(responses.length > 0 && { responses }),
    ...(last !== undefined && { result_code: resultName(last) }),
  };
}
