import {
  type Direction,
  Direction as Directions,
  type ProbedFlow,
  type ProtocolDefinition,
  type Transaction,
  Transport,
} from '../transaction';
import { MODBUS_BUFFERS } from './buffers';
import { ModbusCategory } from './functions';
import { HEADER_BYTES, ModbusMessage } from './message';
import { looksLikeModbus, ModbusEvent, ModbusParser, ModbusScratch, type ModbusTransaction } from './parser';

const PORT = 502;
const probed = new ModbusMessage();

/** Modbus over TCP. Where the port is not Modbus's own, only what is assigned by the protocol is taken for it. */
function probe(
  direction: Direction,
  bytes: Uint8Array,
  start: number,
  end: number,
  flow: ProbedFlow,
): number {
  const fromClient = direction === Directions.TO_SERVER;
  const answer = looksLikeModbus(bytes, start, end, fromClient);
  if (answer <= 0 || flow.serverPort === PORT || flow.clientPort === PORT) return answer;
  const stop = start + HEADER_BYTES + bytes[start + 5];
  probed.read(bytes, start, stop, fromClient);
  // Another message, or nothing, must follow: six zero-rich bytes begin many things.
  const follows = stop === end || looksLikeModbus(bytes, stop, end) >= 0;
  return follows && probed.category === ModbusCategory.ASSIGNED && probed.access !== 0 ? 1 : -1;
}

export function createModbus(): ProtocolDefinition {
  const scratch = new ModbusScratch();
  return {
    name: 'modbus',
    transports: [Transport.TCP],
    parserBytes: { tcp: 1300 },
    buffers: MODBUS_BUFFERS,
    events: Object.values(ModbusEvent),
    probe,
    create: (listener) => new ModbusParser(scratch, listener),
    describe: (tx) => describe(tx as ModbusTransaction),
  };
}

/** EVE's `modbus` object, as far as numbers tell it. */
function describe(tx: ModbusTransaction & Transaction): Record<string, unknown> {
  return {
    id: tx.id,
    request: {
      transaction_id: tx.transaction,
      unit_id: tx.unit,
      function_raw: tx.function,
      ...(tx.quantity > 0 && { address: tx.address, quantity: tx.quantity }),
    },
    ...(tx.exception > 0 && { response: { exception: { raw: tx.exception } } }),
  };
}
