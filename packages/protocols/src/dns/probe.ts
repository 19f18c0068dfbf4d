import { type ProbedFlow, Transport } from '../transaction';
import type { DnsName } from './buffers';
import {
  type DnsMessage,
  FLAG_RESERVED,
  FLAG_RESPONSE,
  HEADER_BYTES,
  plausibleHeader,
  Reading,
} from './message';
import { isKnownType } from './names';

/** The ports that say which of the protocols with this message format is meant, where bytes cannot. */
const PORTS: Readonly<Record<DnsName, number>> = { dns: 53, mdns: 5353, llmnr: 5355 };
/** Ports where the same format is another protocol's; NetBIOS names are asked for with it too (RFC 1002 section 4.2). */
const OTHERS: Readonly<Record<DnsName, readonly number[]>> = {
  dns: [PORTS.mdns, PORTS.llmnr, 137],
  mdns: [PORTS.dns, PORTS.llmnr],
  llmnr: [PORTS.dns, PORTS.mdns],
};
const LENGTH_BYTES = 2;
/** Query, notify, update. */
const OPCODES = (1 << 0) | (1 << 4) | (1 << 5);
/** Classes IN, CH, HS, NONE and ANY. */
const CLASSES: ReadonlySet<number> = new Set([1, 3, 4, 254, 255]);
const LONGEST_NAME = 255;

/**
 * @param anyPort DNS may be on any port, where it is told by a question as clients send it; else only on its own
 * @returns 1 this protocol, 0 cannot tell yet, -1 not this protocol
 */
export function probeDns(
  protocol: DnsName,
  anyPort: boolean,
  message: DnsMessage,
  bytes: Uint8Array,
  start: number,
  end: number,
  flow: ProbedFlow,
): number {
  const tcp = flow.transport === Transport.TCP;
  const begin = tcp ? start + LENGTH_BYTES : start;
  for (const port of OTHERS[protocol]) if (onPort(flow, port)) return -1;
  const expected = onPort(flow, PORTS[protocol]);
  if (!expected && !(anyPort && protocol === 'dns')) return -1;
  if (!tcp) {
    if (end - start < HEADER_BYTES) return -1;
    if (!expected && !beginsLikeQuestion(bytes, start, end, end - start)) return -1;
    if (message.read(bytes, start, end) !== Reading.READ) return -1;
    return expected || (message.flaws === 0 && message.tail === end) ? 1 : -1;
  }
  if (end - start < 1) return 0;
  if (end < begin + HEADER_BYTES) return cannotBegin(bytes, start, end) ? -1 : 0;
  const length = (bytes[start] << 8) | bytes[start + 1];
  if (!plausibleHeader(bytes, begin, end, length)) return -1;
  if (!expected) return questionIn(bytes, begin, end, length);
  if (end - begin < length) return 1;
  return message.read(bytes, begin, begin + length) === Reading.READ ? 1 : -1;
}

function onPort(flow: ProbedFlow, port: number): boolean {
  return flow.serverPort === port || flow.clientPort === port;
}

/** A stream that cannot be DNS, told by less than a header: the length must leave room for one. */
function cannotBegin(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (length >= 2 && ((bytes[start] << 8) | bytes[start + 1]) < HEADER_BYTES) return true;
  if (length < 5) return bytes[start] > 0x20;
  return (OPCODES & (1 << ((bytes[start + 4] >> 3) & 15))) === 0;
}

function beginsLikeQuestion(bytes: Uint8Array, start: number, end: number, length: number): boolean {
  return questionIn(bytes, start, end, length) > 0;
}

/**
 * Whether a message begins with a header and one question as clients send them: known opcode, type and class, and a
 * name of printable letters.
 * @returns 1 it does, 0 cannot tell yet, -1 it does not
 */
function questionIn(bytes: Uint8Array, start: number, end: number, length: number): number {
  const flags = (bytes[start + 2] << 8) | bytes[start + 3];
  if ((OPCODES & (1 << ((flags >> 11) & 15))) === 0 || (flags & FLAG_RESERVED) !== 0) return -1;
  if (bytes[start + 4] !== 0 || bytes[start + 5] !== 1) return -1;
  if ((flags & FLAG_RESPONSE) === 0 && ((flags & 0x040f) !== 0 || bytes[start + 6] + bytes[start + 7] > 0))
    return -1;
  const stop = Math.min(end, start + length);
  let at = start + HEADER_BYTES;
  while (at < stop && bytes[at] !== 0) {
    const label = bytes[at];
    if (label > 63 || at + label - start > HEADER_BYTES + LONGEST_NAME) return -1;
    for (let i = at + 1; i <= at + label && i < stop; i++) {
      if (bytes[i] <= 0x20 || bytes[i] >= 0x7f) return -1;
    }
    at += 1 + label;
  }
  if (at + 5 > stop) return stop < start + length ? 0 : -1;
  const type = (bytes[at + 1] << 8) | bytes[at + 2];
  // The highest bit asks for an answer to the asker alone (RFC 6762 section 5.4).
  const klass = (bytes[at + 3] << 8) | bytes[at + 4];
  return isKnownType(type) && CLASSES.has(klass) ? 1 : -1;
}
