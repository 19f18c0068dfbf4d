/**
 * Which application protocol a flow carries, told from the first bytes of its directions and never from its ports.
 *
 * HTTP is recognised so that a parser can be made; the others only get their name, so that rules for them are known
 * to be for this flow or not. A name is given only where the bytes leave little doubt; what stays unknown is treated
 * as a plain stream.
 */

import { looksLikeHttpRequest, looksLikeHttpResponse } from './http1/probe';
import { type Direction, Direction as Directions } from './transaction';

/** Bytes of each direction that are looked at; a direction that has shown more than this without a name has none. */
export const DETECTION_DEPTH = 1024;

/** Number of each protocol that can be told; index into `PROTOCOL_NAMES`. */
export const DetectedProtocol = {
  UNKNOWN: 0,
  HTTP: 1,
  HTTP2: 2,
  TLS: 3,
  SSH: 4,
  SMTP: 5,
  FTP: 6,
  POP3: 7,
  IMAP: 8,
  SMB: 9,
  DNS: 10,
  RDP: 11,
  RFB: 12,
  SIP: 13,
  RTSP: 14,
  MQTT: 15,
  POSTGRESQL: 16,
  MYSQL: 17,
  REDIS: 18,
  LDAP: 19,
  DCERPC: 20,
  TELNET: 21,
  BITTORRENT: 22,
  SOCKS: 23,
} as const;

/** Suricata's `app_proto` names (`pgsql`, `bittorrent-dht` has no TCP likeness and is left out). */
export const PROTOCOL_NAMES: readonly string[] = [
  'unknown', 'http', 'http2', 'tls', 'ssh', 'smtp', 'ftp', 'pop3', 'imap', 'smb', 'dns', 'rdp', 'rfb', 'sip', 'rtsp',
  'mqtt', 'pgsql', 'mysql', 'redis', 'ldap', 'dcerpc', 'telnet', 'bittorrent', 'socks',
]; // biome-ignore format: a table

/** `detect` answers a protocol number, or one of these. */
export const DETECTION_MORE = -1;
export const DETECTION_NONE = 0;

const P = DetectedProtocol;

/** A fixed text at the very beginning of a direction. */
interface Opening {
  readonly text: Uint8Array;
  readonly protocol: number;
  /** Letters count without case. */
  readonly anyCase: boolean;
}

function opening(text: string, protocol: number, anyCase = false): Opening {
  const folded = anyCase ? text.toUpperCase() : text;
  return { text: Uint8Array.from(folded, (c) => c.charCodeAt(0)), protocol, anyCase };
}

const CLIENT_OPENINGS: readonly Opening[] = [
  opening('PRI * HTTP/2.0\r\n', P.HTTP2),
  opening('SSH-', P.SSH),
  opening('EHLO ', P.SMTP, true),
  opening('HELO ', P.SMTP, true),
  opening('INVITE sip:', P.SIP),
  opening('REGISTER sip:', P.SIP),
  opening('OPTIONS sip:', P.SIP),
  opening('OPTIONS rtsp:', P.RTSP),
  opening('DESCRIBE rtsp:', P.RTSP),
  opening('SETUP rtsp:', P.RTSP),
  opening('RFB 00', P.RFB),
  opening('\x13BitTorrent protocol', P.BITTORRENT),
];

const SERVER_OPENINGS: readonly Opening[] = [
  opening('SSH-', P.SSH),
  opening('RFB 00', P.RFB),
  opening('+OK', P.POP3),
  opening('* OK', P.IMAP),
  opening('* PREAUTH', P.IMAP),
  opening('RTSP/1.', P.RTSP),
  opening('SIP/2.0 ', P.SIP),
  opening('\x13BitTorrent protocol', P.BITTORRENT),
];

/** One 256-entry table per direction: a bit for every opening that can begin with the byte (at most 31 openings). */
const CLIENT_FIRST = firstBytes(CLIENT_OPENINGS);
const SERVER_FIRST = firstBytes(SERVER_OPENINGS);

function firstBytes(openings: readonly Opening[]): Uint32Array {
  const table = new Uint32Array(256);
  openings.forEach(({ text, anyCase }, index) => {
    table[text[0]] |= 1 << index;
    if (anyCase && text[0] >= 0x41 && text[0] <= 0x5a) table[text[0] | 0x20] |= 1 << index;
  });
  return table;
}

/**
 * Looks at the first bytes of a direction over TCP.
 * @returns a protocol number, `DETECTION_MORE` where more bytes are needed, `DETECTION_NONE` where it is none of them
 */
export function detect(direction: Direction, bytes: Uint8Array, start: number, end: number): number {
  const stop = Math.min(end, start + DETECTION_DEPTH);
  if (start >= stop) return DETECTION_MORE;
  const client = direction === Directions.TO_SERVER;
  let undecided = false;

  const openings = client ? CLIENT_OPENINGS : SERVER_OPENINGS;
  let candidates = (client ? CLIENT_FIRST : SERVER_FIRST)[bytes[start]];
  while (candidates !== 0) {
    const index = 31 - Math.clz32(candidates);
    candidates &= ~(1 << index);
    const found = matchOpening(openings[index], bytes, start, stop);
    if (found > 0) return openings[index].protocol;
    if (found === 0) undecided = true;
  }

  const http = client ? looksLikeHttpRequest(bytes, start, stop) : looksLikeHttpResponse(bytes, start, stop);
  if (http > 0) return P.HTTP;
  if (http === 0) undecided = true;

  const other = client ? detectClient(bytes, start, stop) : detectServer(bytes, start, stop);
  if (other > 0) return other;
  if (other === DETECTION_MORE) undecided = true;
  return undecided && end - start < DETECTION_DEPTH ? DETECTION_MORE : DETECTION_NONE;
}

/** @returns 1 it is, 0 may be, -1 is not */
function matchOpening({ text, anyCase }: Opening, bytes: Uint8Array, start: number, end: number): number {
  for (let i = 0; i < text.length; i++) {
    if (start + i >= end) return 0;
    let c = bytes[start + i];
    if (anyCase && c >= 0x61 && c <= 0x7a) c &= 0xdf;
    if (c !== text[i]) return -1;
  }
  return 1;
}

/** Binary protocols, by what a client sends first. Each probe wants its few bytes, then answers for good. */
function detectClient(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  const first = bytes[start];
  switch (first) {
    case 0x16: // TLS handshake record with a ClientHello (RFC 8446 section 5.1)
      if (length < 6) return prefixFits(bytes, start, end, 3) ? DETECTION_MORE : DETECTION_NONE;
      return bytes[start + 1] === 3 && bytes[start + 2] <= 4 && bytes[start + 5] === 1
        ? P.TLS
        : DETECTION_NONE;
    case 0x00: // NetBIOS session message with SMB in it; DNS over TCP; PostgreSQL start-up
      return detectZero(bytes, start, end);
    case 0x03: // TPKT with an X.224 connection request: RDP
      if (length < 6) return length < 2 || bytes[start + 1] === 0 ? DETECTION_MORE : DETECTION_NONE;
      return bytes[start + 1] === 0 && (bytes[start + 5] & 0xf0) === 0xe0
        ? P.RDP
        : detectDns(bytes, start, end);
    case 0x05: // DCE/RPC bind (version 5.0 or 5.1, type 11); SOCKS5 greeting
      if (length < 4)
        return length >= 3 && bytes[start + 1] === 1 && bytes[start + 2] === 0 ? P.SOCKS : DETECTION_MORE;
      if (bytes[start + 1] <= 1 && bytes[start + 2] === 11) return P.DCERPC;
      return bytes[start + 1] === length - 2 && bytes[start + 1] > 0 ? P.SOCKS : DETECTION_NONE;
    case 0x10: // MQTT CONNECT (protocol name of 4 or 6 bytes)
      return detectMqtt(bytes, start, end);
    case 0x2a: // RESP array of bulk strings: Redis
      if (length < 4) return DETECTION_MORE;
      return isRedis(bytes, start, end) ? P.REDIS : DETECTION_NONE;
    case 0x30: // LDAPMessage: SEQUENCE, then an INTEGER message id
      return detectLdap(bytes, start, end);
    case 0xff: // Telnet negotiation
      if (length < 3) return DETECTION_MORE;
      return bytes[start + 1] >= 0xfb && bytes[start + 1] <= 0xfe && bytes[start + 2] < 50
        ? P.TELNET
        : DETECTION_NONE;
    default:
      return detectDns(bytes, start, end);
  }
}

function prefixFits(bytes: Uint8Array, start: number, end: number, major: number): boolean {
  return end - start < 2 || bytes[start + 1] === major;
}

/** SMB in a NetBIOS session message (RFC 1002 section 4.3.1): 0xff, 0xfe or 0xfd and "SMB". */
function isSmb(bytes: Uint8Array, at: number): boolean {
  return bytes[at] >= 0xfd && bytes[at + 1] === 0x53 && bytes[at + 2] === 0x4d && bytes[at + 3] === 0x42;
}

function detectZero(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < 8) return DETECTION_MORE;
  if (isSmb(bytes, start + 4)) return P.SMB;
  // PostgreSQL: length, then SSLRequest (1234.5679), GSSENCRequest (1234.5680) or protocol 3.0.
  const code =
    ((bytes[start + 4] << 24) | (bytes[start + 5] << 16) | (bytes[start + 6] << 8) | bytes[start + 7]) >>> 0;
  if (bytes[start + 1] === 0 && (code === 80877103 || code === 80877104 || code === 196608))
    return P.POSTGRESQL;
  return detectDns(bytes, start, end);
}

/** DNS over TCP (RFC 1035 section 4.2.2): a query with one question, whose length fits. */
function detectDns(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length < 2) return bytes[start] < 0x20 ? DETECTION_MORE : DETECTION_NONE;
  const message = (bytes[start] << 8) | bytes[start + 1];
  if (message < 17 || message > 4096) return DETECTION_NONE;
  if (length < 15) return length > 4 && (bytes[start + 4] & 0x78) !== 0 ? DETECTION_NONE : DETECTION_MORE;
  const flags = (bytes[start + 4] << 8) | bytes[start + 5];
  // Opcode 0, 4 or 5; no reserved bit; one question; no answers in a query.
  const opcode = (flags >> 11) & 15;
  if ((opcode !== 0 && opcode !== 4 && opcode !== 5) || (flags & 0x0040) !== 0) return DETECTION_NONE;
  if (bytes[start + 6] !== 0 || bytes[start + 7] !== 1 || bytes[start + 8] !== 0) return DETECTION_NONE;
  if ((flags & 0x8000) === 0 && bytes[start + 9] !== 0) return DETECTION_NONE;
  return bytes[start + 14] <= 63 ? P.DNS : DETECTION_NONE;
}

function detectMqtt(bytes: Uint8Array, start: number, end: number): number {
  let i = start + 1;
  // Remaining length: up to four bytes, the last without its high bit.
  while (i < end && i < start + 5 && bytes[i] >= 0x80) i++;
  if (i + 4 >= end) return end - start < 12 ? DETECTION_MORE : DETECTION_NONE;
  const named =
    bytes[i + 1] === 0 &&
    (bytes[i + 2] === 4 || bytes[i + 2] === 6) &&
    bytes[i + 3] === 0x4d &&
    bytes[i + 4] === 0x51;
  return named ? P.MQTT : DETECTION_NONE;
}

function isRedis(bytes: Uint8Array, start: number, end: number): boolean {
  let i = start + 1;
  while (i < end && i < start + 8 && bytes[i] >= 0x30 && bytes[i] <= 0x39) i++;
  return i > start + 1 && i + 1 < end && bytes[i] === 0x0d && bytes[i + 1] === 0x0a;
}

function detectLdap(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < 7) return DETECTION_MORE;
  const form = bytes[start + 1];
  const body = form < 0x80 ? start + 2 : start + 2 + (form & 0x7f);
  if (form === 0x80 || form > 0x84 || body + 3 > end) return DETECTION_NONE;
  // INTEGER of one to four bytes, then an application tag (bind, search …).
  const size = bytes[body + 1];
  if (bytes[body] !== 2 || size < 1 || size > 4 || body + 2 + size >= end) return DETECTION_NONE;
  return (bytes[body + 2 + size] & 0xc0) === 0x40 ? P.LDAP : DETECTION_NONE;
}

/** What a server sends first or in answer. */
function detectServer(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  switch (bytes[start]) {
    case 0x16: // TLS record with a ServerHello
      if (length < 6) return prefixFits(bytes, start, end, 3) ? DETECTION_MORE : DETECTION_NONE;
      return bytes[start + 1] === 3 && bytes[start + 2] <= 4 && bytes[start + 5] === 2
        ? P.TLS
        : DETECTION_NONE;
    case 0x15: // TLS alert
      if (length < 6) return prefixFits(bytes, start, end, 3) ? DETECTION_MORE : DETECTION_NONE;
      return bytes[start + 1] === 3 &&
        bytes[start + 2] <= 4 &&
        bytes[start + 3] === 0 &&
        bytes[start + 4] === 2
        ? P.TLS
        : DETECTION_NONE;
    case 0x32: // "220": SMTP and FTP greet alike; the text tells
      return detectGreeting(bytes, start, end);
    case 0x03:
      if (length < 6) return DETECTION_MORE;
      return bytes[start + 1] === 0 && (bytes[start + 5] & 0xf0) === 0xd0 ? P.RDP : DETECTION_NONE;
    case 0x05:
      if (length < 4) return DETECTION_MORE;
      return bytes[start + 1] <= 1 && (bytes[start + 2] === 12 || bytes[start + 2] === 13)
        ? P.DCERPC
        : DETECTION_NONE;
    case 0x00:
      if (length < 8) return DETECTION_MORE;
      return isSmb(bytes, start + 4) ? P.SMB : DETECTION_NONE;
    case 0xff:
      if (length < 3) return DETECTION_MORE;
      return bytes[start + 1] >= 0xfb && bytes[start + 1] <= 0xfe && bytes[start + 2] < 50
        ? P.TELNET
        : DETECTION_NONE;
    default:
      // MySQL: a packet with number 0 that opens with protocol version 10 and a printable version.
      if (length < 6) return length > 3 && bytes[start + 3] !== 0 ? DETECTION_NONE : DETECTION_MORE;
      if (bytes[start + 2] === 0 && bytes[start + 3] === 0 && bytes[start + 4] === 10) {
        return bytes[start + 5] >= 0x30 && bytes[start + 5] <= 0x39 ? P.MYSQL : DETECTION_NONE;
      }
      return DETECTION_NONE;
  }
}

const SMTP_WORDS = ['SMTP', 'MAIL', 'POSTFIX', 'EXIM', 'SENDMAIL'].map((word) =>
  Uint8Array.from(word, (c) => c.charCodeAt(0)),
);
const FTP_WORDS = ['FTP', 'FILEZILLA'].map((word) => Uint8Array.from(word, (c) => c.charCodeAt(0)));
/** Bytes of a greeting in which a telling word is looked for. */
const GREETING_BYTES = 256;

function detectGreeting(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length >= 2 && bytes[start + 1] !== 0x32) return DETECTION_NONE;
  if (length >= 3 && bytes[start + 2] !== 0x30) return DETECTION_NONE;
  if (length < 4) return DETECTION_MORE;
  if (bytes[start + 3] !== 0x20 && bytes[start + 3] !== 0x2d) return DETECTION_NONE;
  const stop = Math.min(end, start + GREETING_BYTES);
  for (let i = start + 4; i < stop; i++) {
    if (bytes[i] === 0x0a && bytes[start + 3] === 0x20) return DETECTION_NONE;
    for (const word of SMTP_WORDS) if (hasWord(bytes, i, stop, word)) return P.SMTP;
    for (const word of FTP_WORDS) if (hasWord(bytes, i, stop, word)) return P.FTP;
  }
  return length < GREETING_BYTES ? DETECTION_MORE : DETECTION_NONE;
}

function hasWord(bytes: Uint8Array, at: number, end: number, upper: Uint8Array): boolean {
  if (at + upper.length > end) return false;
  for (let i = 0; i < upper.length; i++) {
    const c = bytes[at + i];
    if ((c >= 0x61 && c <= 0x7a ? c & 0xdf : c) !== upper[i]) return false;
  }
  return true;
}
