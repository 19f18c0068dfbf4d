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
import type { TlsTransaction } from './tls-transaction';

/** TLS and SSL as a protocol definition. */
export function createTls(): ProtocolDefinition {
  return {
    name: 'tls',
    transports: [Transport.TCP],
    buffers: TLS_BUFFERS,
    events: TLS_EVENTS,
    probe: probeTls,
    create: (listener: TransactionListener) => new TlsParser(listener),
    describe: (tx: Transaction) => describeTls(tx as TlsTransaction),
  };
}
