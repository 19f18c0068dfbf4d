import { type Direction, Direction as Directions, type ProtocolDefinition, Transport } from '../transaction';
import { longAt, OPENING_BYTES, PGSQL_BUFFERS, PgsqlOpening, PgsqlParser, PgsqlTransaction } from './parser';

const CANCEL_BYTES = 16;
const MOST_TEXT = 512;

/** What a client begins with: a request whose length fits its code. */
function probe(direction: Direction, bytes: Uint8Array, start: number, end: number): number {
  if (direction !== Directions.TO_SERVER) return -1;
  for (let i = 0; i < 2; i++) if (start + i < end && bytes[start + i] !== 0) return -1;
  if (end - start < OPENING_BYTES) return 0;
  const length = longAt(bytes, start);
  switch (longAt(bytes, start + 4)) {
    case PgsqlOpening.TLS:
    case PgsqlOpening.GSS:
      return length === OPENING_BYTES ? 1 : -1;
    case PgsqlOpening.CANCEL:
      return length === CANCEL_BYTES ? 1 : -1;
    case PgsqlOpening.VERSION_3:
      return length > OPENING_BYTES ? 1 : -1;
    default:
      return -1;
  }
}

/** PostgreSQL's protocol 3: the queries of clients, and whether TLS follows. */
export function createPgsql(): ProtocolDefinition {
  const tx = new PgsqlTransaction();
  return {
    name: 'pgsql',
    transports: [Transport.TCP],
    parserBytes: { tcp: 850 },
    buffers: PGSQL_BUFFERS,
    events: [],
    probe,
    create: (listener) => new PgsqlParser(tx, listener),
    describe(told) {
      const { bytes, start, end, id } = told as PgsqlTransaction;
      const query = Buffer.from(bytes.subarray(start, Math.min(end, start + MOST_TEXT))).toString('latin1');
      return { tx_id: id, request: { simple_query: query } };
    },
  };
}
