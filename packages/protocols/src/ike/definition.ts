import {
  Direction,
  type ProtocolDefinition,
  type Transaction,
  type TransactionListener,
  Transport,
} from '../transaction';
import { IKE_BUFFERS, IkeBuffer, IkeEvent } from './buffers';
import { IkeTransaction } from './ike-transaction';
import { HEADER_BYTES, IkeParser } from './parser';
import { u32 } from './payloads';

const PORT = 500;
const SPI = 8;
const NEXT_PAYLOAD_AT = 16;
const VERSION_AT = 17;
const EXCHANGE_AT = 18;
const LENGTH_AT = 24;
const LAST_PAYLOAD_1 = 22;
const EXCHANGES_1: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 6, 32, 33]);

/** IKE (ISAKMP) as a protocol definition; its parsers share a transaction, so there is one per worker. */
export function createIke(): ProtocolDefinition {
  const tx = new IkeTransaction();
  return {
    name: 'ike',
    transports: [Transport.UDP],
    parserBytes: { udp: 600 },
    buffers: IKE_BUFFERS,
    events: Object.values(IkeEvent),
    probe(_direction, bytes, start, end, flow): number {
      if (end - start < HEADER_BYTES) return -1;
      const expected = flow.serverPort === PORT || flow.clientPort === PORT;
      const version = bytes[start + VERSION_AT];
      const exchange = bytes[start + EXCHANGE_AT];
      const whole = u32(bytes, start + LENGTH_AT) === end - start;
      // IKE_SA_INIT, IKE_AUTH, CREATE_CHILD_SA, INFORMATIONAL
      if (version === 0x20) return exchange >= 34 && exchange <= 37 && whole ? 1 : -1;
      if (version >> 4 !== 1) return -1;
      if (expected) return 1;
      const known = EXCHANGES_1.has(exchange) && bytes[start + NEXT_PAYLOAD_AT] <= LAST_PAYLOAD_1;
      return known && whole && hasInitiator(bytes, start) ? 1 : -1;
    },
    create: (listener: TransactionListener) => new IkeParser(tx, listener),
    describe: (one: Transaction) => describe(one as IkeTransaction),
  };
}

function hasInitiator(bytes: Uint8Array, start: number): boolean {
  for (let i = start; i < start + SPI; i++) if (bytes[i] !== 0) return true;
  return false;
}

function describe(tx: IkeTransaction): Record<string, unknown> {
  const { bytes, start } = tx;
  const spi = (at: number) => Buffer.from(bytes.subarray(at, at + SPI)).toString('hex');
  const vendors: string[] = [];
  const view = { bytes, start: 0, end: 0, streamOffset: 0, fresh: 0, complete: true };
  for (let i = 0; i < 16 && tx.buffer(IkeBuffer.VENDOR, i, view); i++) {
    vendors.push(Buffer.from(view.bytes.subarray(view.start, view.end)).toString('latin1', 0, 256));
  }
  return {
    version_major: tx.version,
    exchange_type: tx.exchange,
    init_spi: spi(start),
    resp_spi: spi(start + SPI),
    message_id: u32(bytes, start + 20),
    ...(vendors.length > 0 && {
      [tx.direction === Direction.TO_SERVER ? 'client' : 'server']: { vendor_ids: vendors },
    }),
  };
}
