import { BufferPool } from '../buffer-pool';
import { type ProtocolDefinition, type TransactionListener, Transport } from '../transaction';
import { ImapParser } from './parser';
import { looksLikeImap } from './probe';

/** IMAP as a protocol definition. */
export function createImap(): ProtocolDefinition {
  const pool = new BufferPool();
  return {
    name: 'imap',
    transports: [Transport.TCP],
    parserBytes: { tcp: 1100 },
    buffers: [],
    events: [],
    probe: looksLikeImap,
    create: (listener: TransactionListener) => new ImapParser(pool, listener),
  };
}
