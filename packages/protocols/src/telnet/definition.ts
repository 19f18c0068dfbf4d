import { BufferPool } from '../buffer-pool';
import { type Direction, type ProtocolDefinition, Transport } from '../transaction';
import { createTelnetFrames, DONT, IAC, TelnetParser, WILL } from './parser';

/** Largest number of an option that is negotiated first. */
const LARGEST_OPTION = 49;

/** A negotiation is what both sides begin with. */
function looksLikeTelnet(_direction: Direction, bytes: Uint8Array, start: number, end: number): number {
  if (start >= end) return 0;
  if (bytes[start] !== IAC) return -1;
  if (end - start < 3) return end - start === 1 || isNegotiation(bytes[start + 1]) ? 0 : -1;
  return isNegotiation(bytes[start + 1]) && bytes[start + 2] <= LARGEST_OPTION ? 1 : -1;
}

function isNegotiation(c: number): boolean {
  return c >= WILL && c <= DONT;
}

/** Telnet as a protocol definition; its parsers share a pool, so there is one per worker. */
export function createTelnet(): ProtocolDefinition {
  const pool = new BufferPool();
  const frames = createTelnetFrames();
  return {
    name: 'telnet',
    transports: [Transport.TCP],
    parserBytes: { tcp: 520 },
    buffers: frames.buffers,
    frames,
    events: [],
    probe: looksLikeTelnet,
    create: (listener) => new TelnetParser(pool, frames, listener),
  };
}
