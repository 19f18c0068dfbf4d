import { Frames } from '../frames/frames';
import type { HeldTransaction } from '../records/held-transaction';
import {
  Direction,
  type ProtocolDefinition,
  type Transaction,
  type TransactionListener,
  Transport,
} from '../transaction';
import { RfbBuffer as B, RFB_BUFFERS, RfbEvent, SECURITY_RESULTS } from './buffers';
import { RFB_FRAMES, RfbParser } from './parser';

const OPENING = Uint8Array.from('RFB 00', (c) => c.charCodeAt(0));
const DESCRIBED = 256;

/** RFB (VNC) as a protocol definition. */
export function createRfb(): ProtocolDefinition {
  const frames = new Frames('rfb', RFB_FRAMES);
  return {
    name: 'rfb',
    transports: [Transport.TCP],
    parserBytes: { tcp: 1300 },
    buffers: [...RFB_BUFFERS, ...frames.buffers],
    frames,
    events: Object.values(RfbEvent),
    probe(_direction, bytes, start, end): number {
      for (let i = 0; i < OPENING.length; i++) {
        if (start + i >= end) return 0;
        if (bytes[start + i] !== OPENING[i]) return -1;
      }
      return 1;
    },
    create: (listener: TransactionListener) => new RfbParser(frames, listener),
    describe,
  };
}

function describe(tx: Transaction): Record<string, unknown> {
  const held = tx as HeldTransaction;
  const out: Record<string, unknown> = {};
  const type = held.number(Direction.TO_SERVER, B.SECTYPE);
  const result = held.number(Direction.TO_CLIENT, B.SECRESULT);
  const name = held.text(Direction.TO_CLIENT, B.NAME, 0, DESCRIBED);
  if (type !== undefined) {
    const authentication: Record<string, unknown> = { security_type: type };
    if (result !== undefined) {
      const named = [...SECURITY_RESULTS].find(([, number]) => number === result);
      authentication.security_result = (named?.[0] ?? 'unknown').toUpperCase();
    }
    out.authentication = authentication;
  }
  if (name !== undefined) out.framebuffer = { name };
  return out;
}
