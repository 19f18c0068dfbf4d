import { BufferPool } from '../buffer-pool';
import { type ProtocolDefinition, type TransactionListener, Transport } from '../transaction';
import { POP3_EVENTS } from './events';
import { Pop3Parser } from './parser';
import { looksLikePop3 } from './probe';

/** POP3 as a protocol definition. */
export function createPop3(): ProtocolDefinition {
  const pool = new BufferPool();
  return {
    name: 'pop3',
    transports: [Transport.TCP],
    parserBytes: { tcp: 950 },
    buffers: [],
    events: POP3_EVENTS,
    probe: looksLikePop3,
    create: (listener: TransactionListener) => new Pop3Parser(pool, listener),
  };
}
