import { FIRST_BUFFER } from '../buffer-ranges';
import { MESSAGE_READ } from '../framing/message-parser';
import { type BufferDefinition, Direction } from '../transaction';

const FIRST = FIRST_BUFFER.quic;

export const QuicBuffer = {
  VERSION: FIRST,
  SNI: FIRST + 1,
  UA: FIRST + 2,
  CYU_HASH: FIRST + 3,
  CYU_STRING: FIRST + 4,
  JA3_HASH: FIRST + 5,
  JA3_STRING: FIRST + 6,
  JA3S_HASH: FIRST + 7,
  JA3S_STRING: FIRST + 8,
  JA4_HASH: FIRST + 9,
} as const;

const B = QuicBuffer;
const CLIENT = [Direction.TO_SERVER];
const SERVER = [Direction.TO_CLIENT];

function row(name: string, id: number, directions: readonly Direction[], multiple = false): BufferDefinition {
  return { name, id, protocol: 'quic', directions, progress: MESSAGE_READ, streaming: false, multiple };
}

/** Buffers of one packet; `quic.version` is its four bytes as on the wire. */
export const QUIC_BUFFERS: readonly BufferDefinition[] = [
  row('quic.version', B.VERSION, [...CLIENT, ...SERVER]),
  row('quic.sni', B.SNI, CLIENT),
  row('quic.ua', B.UA, CLIENT),
  row('quic.cyu.hash', B.CYU_HASH, CLIENT, true),
  row('quic.cyu.string', B.CYU_STRING, CLIENT, true),
  row('ja3.hash', B.JA3_HASH, CLIENT),
  row('ja3.string', B.JA3_STRING, CLIENT),
  row('ja3s.hash', B.JA3S_HASH, SERVER),
  row('ja3s.string', B.JA3S_STRING, SERVER),
  row('ja4.hash', B.JA4_HASH, CLIENT),
];

export const QuicEvent = {
  FAILED_DECRYPT: 'quic.failed_decrypt',
  ERROR_ON_DATA: 'quic.error_on_data',
  ERROR_ON_HEADER: 'quic.error_on_header',
  CRYPTO_FRAG_TOO_LONG: 'quic.crypto_frag_too_long',
  /** Ours: more at a time than are followed. */
  TOO_MANY_CONNECTIONS: 'quic.too_many_connections',
} as const;
