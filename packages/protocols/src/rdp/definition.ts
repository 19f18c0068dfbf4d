import {
  Direction,
  type ProtocolDefinition,
  type Transaction,
  type TransactionListener,
  Transport,
} from '../transaction';
import { RdpMessage, RdpParser, RdpTransaction } from './parser';

const TPKT = 3;
const CONNECTION_REQUEST = 0xe0;
const CONNECTION_CONFIRM = 0xd0;

/** RDP as a protocol definition; rules know it by its name only. Its parsers share a transaction: one per worker. */
export function createRdp(): ProtocolDefinition {
  const tx = new RdpTransaction();
  return {
    name: 'rdp',
    transports: [Transport.TCP],
    parserBytes: { tcp: 900 },
    buffers: [],
    events: [],
    probe(direction, bytes, start, end): number {
      // TPKT (RFC 1006 section 6) with a connection request of X.224 or its answer.
      const wanted = direction === Direction.TO_SERVER ? CONNECTION_REQUEST : CONNECTION_CONFIRM;
      if (start < end && bytes[start] !== TPKT) return -1;
      if (end - start >= 2 && bytes[start + 1] !== 0) return -1;
      if (end - start < 6) return 0;
      const length = (bytes[start + 2] << 8) | bytes[start + 3];
      // The length indicator counts what follows it in the header.
      const fits = bytes[start + 4] >= 6 && bytes[start + 4] + 5 <= length;
      return (bytes[start + 5] & 0xf0) === wanted && fits ? 1 : -1;
    },
    create: (listener: TransactionListener) => new RdpParser(tx, listener),
    describe(one: Transaction): Record<string, unknown> {
      const { id, message, cookie } = one as RdpTransaction;
      const told: Record<string, unknown> = { tx_id: id, event_type: message };
      if (message === RdpMessage.INITIAL_REQUEST && cookie !== '') told.cookie = cookie;
      return told;
    },
  };
}
