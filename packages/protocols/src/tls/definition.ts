import { BufferPool } from '../buffer-pool';
import {
  type ProtocolDefinition,
  type Transaction,
  type TransactionListener,
  Transport,
} from '../transaction';
import { TLS_BUFFERS } from './buffers';
import { describeTls } from './describe';
import { TLS_EVENTS } from './events';
import { TlsParser } from './parser';
import { probeTls } from './probe';
import { createTlsFrames } from './record-frames';
import type { TlsTransaction } from './tls-transaction';

/** TLS and SSL as a protocol definition. */
export function createTls(): ProtocolDefinition {
  const pool = new BufferPool();
  const frames = createTlsFrames();
  return {
    name: 'tls',
    transports: [Transport.TCP],
    parserBytes: { tcp: 1100 },
    buffers: [...TLS_BUFFERS, ...frames.buffers],
    frames,
    events: TLS_EVENTS,
    probe: probeTls,
    create: (listener: TransactionListener) => new TlsParser(pool, frames, listener),
    describe: (tx: Transaction) => describeTls(tx as TlsTransaction),
  };
}
