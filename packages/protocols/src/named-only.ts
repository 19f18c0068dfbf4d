/**
 * Protocols that are only told by name: rules for them are known to be for a flow or not, and what they carry is not
 * looked into.
 */

import {
  type Direction,
  Direction as Directions,
  type ProbedFlow,
  type ProtocolDefinition,
  type ProtocolParser,
  Transport,
} from './transaction';

/** Looks at nothing. */
class NamedOnlyParser implements ProtocolParser {
  constructor(readonly protocol: string) {}

  feed(): void {}
  gap(): void {}
  close(): void {}
  reset(): void {}

  heldBytes(): number {
    return 0;
  }
}

type Probe = ProtocolDefinition['probe'];

/** A definition without buffers and events. */
function named(name: string, transport: Transport, probe: Probe): ProtocolDefinition {
  return {
    name,
    transports: [transport],
    parserBytes: { tcp: 32, udp: 32 },
    buffers: [],
    events: [],
    probe,
    create: () => new NamedOnlyParser(name),
  };
}

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

/** @returns 1 the bytes begin with the text, 0 they may, -1 they do not */
function begins(bytes: Uint8Array, start: number, end: number, text: Uint8Array): number {
  for (let i = 0; i < text.length; i++) {
    if (start + i >= end) return 0;
    if (bytes[start + i] !== text[i]) return -1;
  }
  return 1;
}

function beginsWithAny(bytes: Uint8Array, start: number, end: number, texts: readonly Uint8Array[]): number {
  let answer = -1;
  for (const text of texts) {
    const one = begins(bytes, start, end, text);
    if (one > 0) return 1;
    if (one === 0) answer = 0;
  }
  return answer;
}

const RTSP_REQUESTS = ['OPTIONS', 'DESCRIBE', 'SETUP', 'ANNOUNCE', 'PLAY'].map((method) =>
  latin1(`${method} rtsp:`),
);
const RTSP_RESPONSE = [latin1('RTSP/1.')];

/** RTSP (RFC 2326). */
function probeRtsp(direction: Direction, bytes: Uint8Array, start: number, end: number): number {
  const openings = direction === Directions.TO_SERVER ? RTSP_REQUESTS : RTSP_RESPONSE;
  return beginsWithAny(bytes, start, end, openings);
}

const PEER_HANDSHAKE = [latin1('\x13BitTorrent protocol')];

/** The peer protocol of BitTorrent (BEP 3). */
function probeBittorrent(_direction: Direction, bytes: Uint8Array, start: number, end: number): number {
  return beginsWithAny(bytes, start, end, PEER_HANDSHAKE);
}

/** How the dictionaries of the distributed hash table begin (BEP 5): arguments, response, error, address. */
const DHT_OPENINGS = ['d1:ad2:id20:', 'd1:rd2:id20:', 'd1:el', 'd2:ip6:'].map(latin1);

function probeDht(_direction: Direction, bytes: Uint8Array, start: number, end: number): number {
  return beginsWithAny(bytes, start, end, DHT_OPENINGS) > 0 ? 1 : -1;
}

const ASTERISK = 0x2a;
const CR = 0x0d;
const LF = 0x0a;
const DOLLAR = 0x24;
const DIGITS = 7;

/** Redis: a client sends an array of bulk strings, `*2\r\n$`. */
function probeRedis(direction: Direction, bytes: Uint8Array, start: number, end: number): number {
  if (direction !== Directions.TO_SERVER) return -1;
  if (start >= end) return 0;
  if (bytes[start] !== ASTERISK) return -1;
  let i = start + 1;
  while (i < end && i <= start + DIGITS && bytes[i] >= 0x30 && bytes[i] <= 0x39) i++;
  if (i >= end) return i <= start + DIGITS ? 0 : -1;
  if (i === start + 1) return -1;
  const rest = [CR, LF, DOLLAR];
  for (let k = 0; k < rest.length; k++) {
    if (i + k >= end) return 0;
    if (bytes[i + k] !== rest[k]) return -1;
  }
  return 1;
}

const MYSQL_VERSION = 10;

/** MySQL: the server's first packet has number 0, protocol version 10 and a version that begins with a digit. */
function probeMysql(direction: Direction, bytes: Uint8Array, start: number, end: number): number {
  if (direction !== Directions.TO_CLIENT) return -1;
  const length = end - start;
  if (length > 2 && bytes[start + 2] !== 0) return -1;
  if (length > 3 && bytes[start + 3] !== 0) return -1;
  if (length > 4 && bytes[start + 4] !== MYSQL_VERSION) return -1;
  if (length < 6) return 0;
  return bytes[start + 5] >= 0x30 && bytes[start + 5] <= 0x39 ? 1 : -1;
}

const SOCKS_VERSION = 5;
/** Methods a client offers (RFC 1928 section 3): none, GSSAPI, password; others are hardly used. */
const LAST_METHOD = 2;

/** SOCKS 5: a greeting is its version and as many methods as it says, and nothing else. */
function probeSocks(direction: Direction, bytes: Uint8Array, start: number, end: number): number {
  if (direction !== Directions.TO_SERVER) return -1;
  const length = end - start;
  if (length > 0 && bytes[start] !== SOCKS_VERSION) return -1;
  if (length < 2) return 0;
  const methods = bytes[start + 1];
  if (methods === 0 || methods > LAST_METHOD + 1 || length > 2 + methods) return -1;
  for (let i = start + 2; i < end; i++) if (bytes[i] > LAST_METHOD) return -1;
  return length === 2 + methods ? 1 : 0;
}

const TFTP_PORT = 69;
const TFTP_LAST_OPCODE = 6;
const READ_REQUEST = 1;
const WRITE_REQUEST = 2;
const TFTP_MODES = ['netascii', 'octet', 'mail'].map(latin1);
const LONGEST_NAME = 255;

/** TFTP (RFC 1350): a request with a file's name and a mode; on its port any of its messages. */
function probeTftp(
  _direction: Direction,
  bytes: Uint8Array,
  start: number,
  end: number,
  flow: ProbedFlow,
): number {
  if (end - start < 4 || bytes[start] !== 0) return -1;
  const opcode = bytes[start + 1];
  if (opcode < READ_REQUEST || opcode > TFTP_LAST_OPCODE) return -1;
  if (flow.serverPort === TFTP_PORT || flow.clientPort === TFTP_PORT) return 1;
  if (opcode > WRITE_REQUEST) return -1;
  const stop = Math.min(end, start + 2 + LONGEST_NAME);
  let at = start + 2;
  while (at < stop && bytes[at] >= 0x20 && bytes[at] < 0x7f) at++;
  if (at === start + 2 || at >= stop || bytes[at] !== 0) return -1;
  return TFTP_MODES.some((mode) => isWord(bytes, at + 1, end, mode)) ? 1 : -1;
}

/** Whether a word stands here, in either case, with a zero behind it. */
function isWord(bytes: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  if (start + word.length >= end || bytes[start + word.length] !== 0) return false;
  for (let i = 0; i < word.length; i++) if ((bytes[start + i] | 0x20) !== word[i]) return false;
  return true;
}

export function createNamedOnly(): readonly ProtocolDefinition[] {
  const { TCP, UDP } = Transport;
  return [
    named('rtsp', TCP, probeRtsp),
    named('bittorrent', TCP, probeBittorrent),
    named('bittorrent-dht', UDP, probeDht),
    named('redis', TCP, probeRedis),
    named('mysql', TCP, probeMysql),
    named('socks', TCP, probeSocks),
    named('tftp', UDP, probeTftp),
  ];
}
