import { BufferPool } from '../buffer-pool';
import { Frames } from '../frames/frames';
import type { HeldTransaction } from '../records/held-transaction';
import { type ProtocolDefinition, type Transaction, Transport } from '../transaction';
import { SIP_BUFFERS, SIP_FRAMES, SipBuffer } from './buffers';
import { readStartLine, StartLine } from './message';
import { SipEvent, SipParser } from './parser';

const CR = 0x0d;
const LF = 0x0a;

/** SIP as a protocol definition; its parsers share a pool, so there is one per worker. */
export function createSip(): ProtocolDefinition {
  const pool = new BufferPool();
  const frames = new Frames('sip', SIP_FRAMES);
  return {
    name: 'sip',
    transports: [Transport.TCP, Transport.UDP],
    parserBytes: { tcp: 900, udp: 550 },
    buffers: [...SIP_BUFFERS, ...frames.buffers],
    frames,
    events: Object.values(SipEvent),
    probe(_direction, bytes, start, end, { transport }): number {
      let i = start;
      while (i < end && i < start + 8 && (bytes[i] === CR || bytes[i] === LF)) i++;
      if (i === end) return transport === Transport.UDP ? -1 : 0;
      const kind = readStartLine(bytes, i, end);
      if (kind > 0) return 1;
      return kind === StartLine.OPEN && transport === Transport.TCP ? 0 : -1;
    },
    create: (listener, transport) => new SipParser(pool, frames, listener, transport),
    describe,
  };
}

function describe(tx: Transaction): Record<string, unknown> {
  const { direction } = tx as HeldTransaction;
  const told: Record<string, unknown> = {};
  const tell = (name: string, id: number) => {
    const text = (tx as HeldTransaction).text(direction, id);
    if (text !== undefined) told[name] = text;
  };
  tell('method', SipBuffer.METHOD);
  tell('uri', SipBuffer.URI);
  tell('version', SipBuffer.PROTOCOL);
  tell('request_line', SipBuffer.REQUEST_LINE);
  tell('code', SipBuffer.STAT_CODE);
  tell('reason', SipBuffer.STAT_MSG);
  tell('response_line', SipBuffer.RESPONSE_LINE);
  return told;
}
