import { type Direction, type ProtocolDefinition, type ProtocolParser, Transport } from '../transaction';

/** "Interpret as command" (RFC 854). */
const IAC = 0xff;
const WILL = 0xfb;
const DONT = 0xfe;
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

/** Rules look at nothing in Telnet but its bytes: the parser has nothing to do, and no state. */
const PARSER: ProtocolParser = {
  protocol: 'telnet',
  feed() {},
  gap() {},
  close() {},
  heldBytes: () => 0,
  reset() {},
};

/** Telnet as a protocol definition. */
export function createTelnet(): ProtocolDefinition {
  return {
    name: 'telnet',
    transports: [Transport.TCP],
    buffers: [],
    events: [],
    probe: looksLikeTelnet,
    create: () => PARSER,
  };
}
