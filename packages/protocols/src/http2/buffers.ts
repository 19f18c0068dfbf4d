/**
 * The buffers that HTTP/2 has for rules: those of HTTP/1 under the same names, and those of its frames.
 *
 * `http2.settings` is a row of `SETTING_ROW` bytes for every setting: 2 bytes identifier, 4 bytes value, both big-endian.
 */

import { FIRST_BUFFER } from '../buffer-ranges';
import { type BufferDefinition, Direction } from '../transaction';
import { FrameType } from './frame';

const FIRST = FIRST_BUFFER.http2;

export const Http2Buffer = {
  METHOD: FIRST,
  URI: FIRST + 1,
  URI_RAW: FIRST + 2,
  PROTOCOL: FIRST + 3,
  REQUEST_LINE: FIRST + 4,
  RESPONSE_LINE: FIRST + 5,
  HOST: FIRST + 6,
  HOST_RAW: FIRST + 7,
  STAT_CODE: FIRST + 8,
  HEADER: FIRST + 9,
  HEADER_RAW: FIRST + 10,
  HEADER_NAMES: FIRST + 11,
  USER_AGENT: FIRST + 12,
  COOKIE: FIRST + 13,
  REFERER: FIRST + 14,
  ACCEPT: FIRST + 15,
  ACCEPT_ENC: FIRST + 16,
  ACCEPT_LANG: FIRST + 17,
  CONNECTION: FIRST + 18,
  CONTENT_TYPE: FIRST + 19,
  CONTENT_LEN: FIRST + 20,
  SERVER: FIRST + 21,
  LOCATION: FIRST + 22,
  REQUEST_HEADER: FIRST + 23,
  RESPONSE_HEADER: FIRST + 24,
  FRAME_HEADER_NAME: FIRST + 25,
  FRAME_HEADER: FIRST + 26,
  REQUEST_BODY: FIRST + 27,
  RESPONSE_BODY: FIRST + 28,
  FRAMETYPE: FIRST + 29,
  ERRORCODE: FIRST + 30,
  PRIORITY: FIRST + 31,
  WINDOW: FIRST + 32,
  SIZE_UPDATE: FIRST + 33,
  SETTINGS: FIRST + 34,
  FILE_DATA: FIRST + 35,
  FILE_NAME: FIRST + 36,
  FILE_SIZE: FIRST + 37,
  FILE_MD5: FIRST + 38,
  FILE_SHA1: FIRST + 39,
  FILE_SHA256: FIRST + 40,
} as const;

export const SETTING_ROW = 6;

/** Progress of a direction of a stream. */
export const Http2Progress = {
  /** The header fields are there. */
  HEADERS: 1,
  /** The stream has ended in that direction. */
  COMPLETE: 2,
} as const;

/** RFC 9113 section 7, as rules name them. */
const ERROR_CODES = [
  'no_error', 'protocol_error', 'internal_error', 'flow_control_error', 'settings_timeout', 'stream_closed',
  'frame_size_error', 'refused_stream', 'cancel', 'compression_error', 'connect_error', 'enhance_your_calm',
  'inadequate_security', 'http_1_1_required',
]; // biome-ignore format: a table

const FRAME_NAMES: ReadonlyMap<string, number> = new Map([
  ['data', FrameType.DATA],
  ['headers', FrameType.HEADERS],
  ['priority', FrameType.PRIORITY],
  ['rststream', FrameType.RST_STREAM],
  ['settings', FrameType.SETTINGS],
  ['pushpromise', FrameType.PUSH_PROMISE],
  ['ping', FrameType.PING],
  ['goaway', FrameType.GOAWAY],
  ['windowupdate', FrameType.WINDOW_UPDATE],
  ['continuation', FrameType.CONTINUATION],
]);

const B = Http2Buffer;
const REQUEST = [Direction.TO_SERVER] as const;
const RESPONSE = [Direction.TO_CLIENT] as const;
const BOTH = [Direction.TO_SERVER, Direction.TO_CLIENT] as const;
const { HEADERS, COMPLETE } = Http2Progress;

function row(
  id: number,
  name: string,
  directions: readonly Direction[],
  progress: number,
  kind: '' | 'streaming' | 'multiple' | 'both' = '',
): BufferDefinition {
  const streaming = kind === 'streaming' || kind === 'both';
  const multiple = kind === 'multiple' || kind === 'both';
  return { name, id, protocol: 'http2', directions, progress, streaming, multiple };
}

export const HTTP2_BUFFERS: readonly BufferDefinition[] = [
  row(B.METHOD, 'http.method', REQUEST, HEADERS),
  row(B.URI, 'http.uri', REQUEST, HEADERS),
  row(B.URI_RAW, 'http.uri.raw', REQUEST, HEADERS),
  row(B.PROTOCOL, 'http.protocol', BOTH, HEADERS),
  row(B.REQUEST_LINE, 'http.request_line', REQUEST, HEADERS),
  row(B.RESPONSE_LINE, 'http.response_line', RESPONSE, HEADERS),
  row(B.HOST, 'http.host', REQUEST, HEADERS),
  row(B.HOST_RAW, 'http.host.raw', REQUEST, HEADERS),
  row(B.STAT_CODE, 'http.stat_code', RESPONSE, HEADERS),
  row(B.HEADER, 'http.header', BOTH, HEADERS),
  row(B.HEADER_RAW, 'http.header.raw', BOTH, HEADERS),
  row(B.HEADER_NAMES, 'http.header_names', BOTH, HEADERS),
  row(B.USER_AGENT, 'http.user_agent', REQUEST, HEADERS),
  row(B.COOKIE, 'http.cookie', BOTH, HEADERS),
  row(B.REFERER, 'http.referer', REQUEST, HEADERS),
  row(B.ACCEPT, 'http.accept', REQUEST, HEADERS),
  row(B.ACCEPT_ENC, 'http.accept_enc', REQUEST, HEADERS),
  row(B.ACCEPT_LANG, 'http.accept_lang', REQUEST, HEADERS),
  row(B.CONNECTION, 'http.connection', BOTH, HEADERS),
  row(B.CONTENT_TYPE, 'http.content_type', BOTH, HEADERS),
  row(B.CONTENT_LEN, 'http.content_len', BOTH, HEADERS),
  row(B.SERVER, 'http.server', RESPONSE, HEADERS),
  row(B.LOCATION, 'http.location', RESPONSE, HEADERS),
  row(B.REQUEST_HEADER, 'http.request_header', REQUEST, HEADERS, 'multiple'),
  row(B.RESPONSE_HEADER, 'http.response_header', RESPONSE, HEADERS, 'multiple'),
  row(B.FRAME_HEADER_NAME, 'http2.header_name', BOTH, HEADERS, 'multiple'),
  row(B.FRAME_HEADER, 'http2.header', BOTH, HEADERS, 'multiple'),
  row(B.REQUEST_BODY, 'http.request_body', REQUEST, COMPLETE, 'streaming'),
  row(B.RESPONSE_BODY, 'http.response_body', RESPONSE, COMPLETE, 'streaming'),
  {
    ...row(B.FRAMETYPE, 'http2.frametype', BOTH, COMPLETE, 'multiple'),
    integer: { bytes: 1, names: FRAME_NAMES },
  },
  {
    ...row(B.ERRORCODE, 'http2.errorcode', BOTH, COMPLETE, 'multiple'),
    integer: { bytes: 4, names: new Map(ERROR_CODES.map((name, code) => [name, code])) },
  },
  { ...row(B.PRIORITY, 'http2.priority', BOTH, COMPLETE, 'multiple'), integer: { bytes: 1 } },
  { ...row(B.WINDOW, 'http2.window', BOTH, COMPLETE, 'multiple'), integer: { bytes: 4 } },
  { ...row(B.SIZE_UPDATE, 'http2.size_update', BOTH, COMPLETE, 'multiple'), integer: { bytes: 8 } },
  row(B.SETTINGS, 'http2.settings', BOTH, COMPLETE),
  row(B.FILE_DATA, 'file.data', BOTH, COMPLETE, 'both'),
  row(B.FILE_NAME, 'file.name', BOTH, HEADERS, 'multiple'),
  { ...row(B.FILE_SIZE, 'file.size', BOTH, COMPLETE, 'multiple'), integer: { bytes: 8 } },
  row(B.FILE_MD5, 'file.md5', BOTH, COMPLETE, 'multiple'),
  row(B.FILE_SHA1, 'file.sha1', BOTH, COMPLETE, 'multiple'),
  row(B.FILE_SHA256, 'file.sha256', BOTH, COMPLETE, 'multiple'),
];
