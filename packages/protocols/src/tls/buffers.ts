import { FIRST_BUFFER } from '../buffer-ranges';
import { type BufferDefinition, Direction } from '../transaction';

const FIRST = FIRST_BUFFER.tls;

/**
 * Progress of the directions of a connection. Each side goes its own way: 1 is its hello, 2 its certificate; from 3 on
 * the handshake is over.
 */
export const TlsProgress = {
  STARTED: 0,
  HELLO: 1,
  CERTIFICATE: 2,
  HANDSHAKE_DONE: 3,
  FINISHED: 4,
} as const;

/** Numbers of the buffers. */
export const TlsBuffer = {
  SNI: FIRST,
  ALPN: FIRST + 1,
  RANDOM: FIRST + 2,
  RANDOM_TIME: FIRST + 3,
  RANDOM_BYTES: FIRST + 4,
  CERT_SUBJECT: FIRST + 5,
  CERT_ISSUER: FIRST + 6,
  CERT_SERIAL: FIRST + 7,
  CERT_FINGERPRINT: FIRST + 8,
  SUBJECT_ALT_NAME: FIRST + 9,
  CERTS: FIRST + 10,
  CERT_CHAIN_LEN: FIRST + 11,
  CERT_NOT_BEFORE: FIRST + 12,
  CERT_NOT_AFTER: FIRST + 13,
  VERSION: FIRST + 14,
  STATE: FIRST + 15,
  JA3_HASH: FIRST + 16,
  JA3_STRING: FIRST + 17,
  JA3S_HASH: FIRST + 18,
  JA3S_STRING: FIRST + 19,
  JA4_HASH: FIRST + 20,
} as const;

/** Messages that the buffer `ssl_state` tells of: bits in the transaction, bytes in the buffer. */
export const TlsSeen = {
  CLIENT_HELLO: 1,
  SERVER_HELLO: 2,
  CLIENT_KEY_EXCHANGE: 4,
  SERVER_KEY_EXCHANGE: 8,
} as const;

const CLIENT = [Direction.TO_SERVER];
const SERVER = [Direction.TO_CLIENT];
const BOTH = [Direction.TO_SERVER, Direction.TO_CLIENT];

function row(
  name: string,
  id: number,
  directions: readonly Direction[],
  progress: number,
  more: Partial<BufferDefinition> = {},
): BufferDefinition {
  return { name, id, protocol: 'tls', directions, progress, streaming: false, multiple: false, ...more };
}

const B = TlsBuffer;
const P = TlsProgress;

/**
 * Buffers of TLS, with Suricata's names. Some serve keywords of another syntax only: `tls.version` (two bytes, as on
 * the wire), `tls.cert_notbefore` and `tls.cert_notafter` (seconds since 1970, eight bytes) and `ssl_state` (a byte of `TlsSeen` for each message
 * that was seen from either side, in their order).
 */
export const TLS_BUFFERS: readonly BufferDefinition[] = [
  row('tls.sni', B.SNI, CLIENT, P.HELLO),
  row('tls.alpn', B.ALPN, BOTH, P.HELLO, { multiple: true }),
  row('tls.random', B.RANDOM, BOTH, P.HELLO),
  row('tls.random_time', B.RANDOM_TIME, BOTH, P.HELLO),
  row('tls.random_bytes', B.RANDOM_BYTES, BOTH, P.HELLO),
  row('tls.cert_subject', B.CERT_SUBJECT, BOTH, P.CERTIFICATE),
  row('tls.cert_issuer', B.CERT_ISSUER, BOTH, P.CERTIFICATE),
  row('tls.cert_serial', B.CERT_SERIAL, BOTH, P.CERTIFICATE),
  row('tls.cert_fingerprint', B.CERT_FINGERPRINT, BOTH, P.CERTIFICATE),
  row('tls.subjectaltname', B.SUBJECT_ALT_NAME, SERVER, P.CERTIFICATE, { multiple: true }),
  row('tls.certs', B.CERTS, BOTH, P.CERTIFICATE, { multiple: true }),
  row('tls.cert_chain_len', B.CERT_CHAIN_LEN, SERVER, P.CERTIFICATE, { integer: { bytes: 4 } }),
  row('tls.cert_notbefore', B.CERT_NOT_BEFORE, SERVER, P.CERTIFICATE, { integer: { bytes: 8 } }),
  row('tls.cert_notafter', B.CERT_NOT_AFTER, SERVER, P.CERTIFICATE, { integer: { bytes: 8 } }),
  row('tls.version', B.VERSION, BOTH, P.HELLO, { integer: { bytes: 2 } }),
  row('ssl_state', B.STATE, BOTH, P.FINISHED, { streaming: true }),
  row('ja3.hash', B.JA3_HASH, CLIENT, P.HELLO),
  row('ja3.string', B.JA3_STRING, CLIENT, P.HELLO),
  row('ja3s.hash', B.JA3S_HASH, SERVER, P.HELLO),
  row('ja3s.string', B.JA3S_STRING, SERVER, P.HELLO),
  row('ja4.hash', B.JA4_HASH, CLIENT, P.HELLO),
];
