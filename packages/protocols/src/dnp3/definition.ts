import { Direction, type ProtocolDefinition, Transport } from '../transaction';
import { DNP3_BUFFERS } from './buffers';
import { Dnp3Event, Dnp3Parser, Dnp3Transaction, probeDnp3 } from './parser';

/** DNP3 (IEEE 1815) over TCP. A frame's checksum tells it from all else. */
export function createDnp3(): ProtocolDefinition {
  const tx = new Dnp3Transaction();
  return {
    name: 'dnp3',
    transports: [Transport.TCP],
    parserBytes: { tcp: 2500 },
    buffers: DNP3_BUFFERS,
    events: Object.values(Dnp3Event),
    probe: (_direction, bytes, start, end) => probeDnp3(bytes, start, end),
    create: (listener) => new Dnp3Parser(tx, listener),
    describe: (told) => describe(told as Dnp3Transaction),
  };
}

/** EVE's `dnp3` object. */
function describe(tx: Dnp3Transaction): Record<string, unknown> {
  const request = tx.direction === Direction.TO_SERVER;
  return {
    type: request ? 'request' : 'response',
    src: tx.source,
    dst: tx.destination,
    application: {
      control: { sequence: tx.bytes[0] & 15 },
      function_code: tx.functionCode,
      objects: Array.from({ length: Math.min(tx.objects.count, 16) }, (_, i) => ({
        group: tx.objects.pairs[2 * i],
        variation: tx.objects.pairs[2 * i + 1],
      })),
    },
  };
}
