/** The buffers that WebSocket (RFC 6455) has for rules. A frame is a transaction of its own, in the direction it travels. */

import { FIRST_BUFFER } from '../buffer-ranges';
import { type BufferDefinition, Direction } from '../transaction';

const FIRST = FIRST_BUFFER.websocket;

export const WebsocketBuffer = {
  PAYLOAD: FIRST,
  OPCODE: FIRST + 1,
  FLAGS: FIRST + 2,
  MASK: FIRST + 3,
} as const;

/** The only step of a direction: the frame is there. */
export const WEBSOCKET_FRAME = 1;

export const Opcode = { CONTINUATION: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 } as const;

const OPCODES: ReadonlyMap<string, number> = new Map([
  ['continuation', Opcode.CONTINUATION],
  ['text', Opcode.TEXT],
  ['binary', Opcode.BINARY],
  ['connection_close', Opcode.CLOSE],
  ['ping', Opcode.PING],
  ['pong', Opcode.PONG],
]);

/** Bits of a frame's first byte: the last fragment, and a compressed message (RFC 7692). */
export const Flag = { FIN: 0x80, COMPRESSED: 0x40 } as const;

const FLAGS: ReadonlyMap<string, number> = new Map([
  ['fin', Flag.FIN],
  ['comp', Flag.COMPRESSED],
]);

function row(id: number, name: string): BufferDefinition {
  const directions = [Direction.TO_SERVER, Direction.TO_CLIENT];
  return {
    name,
    id,
    protocol: 'websocket',
    directions,
    progress: WEBSOCKET_FRAME,
    streaming: false,
    multiple: false,
  };
}

const B = WebsocketBuffer;

export const WEBSOCKET_BUFFERS: readonly BufferDefinition[] = [
  row(B.PAYLOAD, 'websocket.payload'),
  { ...row(B.OPCODE, 'websocket.opcode'), integer: { bytes: 1, names: OPCODES } },
  { ...row(B.FLAGS, 'websocket.flags'), integer: { bytes: 1, names: FLAGS, flags: true } },
  { ...row(B.MASK, 'websocket.mask'), integer: { bytes: 4 } },
];

/** The header of a frame, and all of it, masked as it travelled. */
export const WebsocketFrame = { HEADER: 0, PDU: 1 } as const;
export const WEBSOCKET_FRAMES = ['header', 'pdu'] as const;
