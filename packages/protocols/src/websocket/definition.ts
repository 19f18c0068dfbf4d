import { BufferPool } from '../buffer-pool';
import { Frames } from '../frames/frames';
import type { HeldTransaction } from '../records/held-transaction';
import { type ProtocolDefinition, type Transaction, Transport } from '../transaction';
import { Flag, Opcode, WEBSOCKET_BUFFERS, WEBSOCKET_FRAMES, WebsocketBuffer } from './buffers';
import { WebsocketEvent, WebsocketParser } from './parser';

const OPCODE_NAMES = new Map<number, string>(
  Object.entries(Opcode).map(([name, value]) => [
    value,
    name === 'CLOSE' ? 'connection_close' : name.toLowerCase(),
  ]),
);

/** WebSocket as a protocol definition; its parsers share a pool, so there is one per worker. */
export function createWebsocket(): ProtocolDefinition {
  const pool = new BufferPool();
  const frames = new Frames('websocket', WEBSOCKET_FRAMES);
  return {
    name: 'websocket',
    transports: [Transport.TCP],
    parserBytes: { tcp: 1000 },
    buffers: [...WEBSOCKET_BUFFERS, ...frames.buffers],
    frames,
    events: Object.values(WebsocketEvent),
    // Only an upgrade leads here: frames have nothing by which they could be known.
    probe: () => -1,
    create: (listener) => new WebsocketParser(pool, frames, listener),
    describe,
  };
}

function describe(transaction: Transaction): Record<string, unknown> {
  const tx = transaction as HeldTransaction;
  const { direction } = tx;
  const opcode = tx.number(direction, WebsocketBuffer.OPCODE) ?? 0;
  const told: Record<string, unknown> = {
    fin: ((tx.number(direction, WebsocketBuffer.FLAGS) ?? 0) & Flag.FIN) !== 0,
    opcode: OPCODE_NAMES.get(opcode) ?? opcode,
  };
  const mask = tx.number(direction, WebsocketBuffer.MASK);
  if (mask !== undefined) told.mask = mask;
  return told;
}
