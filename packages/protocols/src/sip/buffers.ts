/**
 * The buffers that SIP (RFC 3261) and the session description in its body (SDP, RFC 8866) have for rules. A message is a
 * transaction of its own, in the direction it travels.
 */

import { FIRST_BUFFER } from '../buffer-ranges';
import { type BufferDefinition, Direction } from '../transaction';

const FIRST = FIRST_BUFFER.sip;

export const SipBuffer = {
  METHOD: FIRST,
  URI: FIRST + 1,
  REQUEST_LINE: FIRST + 2,
  STAT_CODE: FIRST + 3,
  STAT_MSG: FIRST + 4,
  RESPONSE_LINE: FIRST + 5,
  PROTOCOL: FIRST + 6,
  FROM: FIRST + 7,
  TO: FIRST + 8,
  VIA: FIRST + 9,
  USER_AGENT: FIRST + 10,
  CONTENT_TYPE: FIRST + 11,
  CONTENT_LENGTH: FIRST + 12,
  SDP_ORIGIN: FIRST + 13,
  SDP_SESSION_NAME: FIRST + 14,
  SDP_SESSION_INFO: FIRST + 15,
  SDP_URI: FIRST + 16,
  SDP_EMAIL: FIRST + 17,
  SDP_PHONE_NUMBER: FIRST + 18,
  SDP_CONNECTION_DATA: FIRST + 19,
  SDP_BANDWIDTH: FIRST + 20,
  SDP_TIME: FIRST + 21,
  SDP_REPEAT_TIME: FIRST + 22,
  SDP_TIMEZONE: FIRST + 23,
  SDP_ENCRYPTION_KEY: FIRST + 24,
  SDP_ATTRIBUTE: FIRST + 25,
  SDP_MEDIA: FIRST + 26,
  SDP_MEDIA_INFO: FIRST + 27,
  SDP_MEDIA_CONNECTION_DATA: FIRST + 28,
  SDP_MEDIA_ENCRYPTION_KEY: FIRST + 29,
  SDP_MEDIA_SESSION_INFO: FIRST + 30,
} as const;

/** The only step of a direction: the message is there. */
export const SIP_MESSAGE = 1;

const BOTH = [Direction.TO_SERVER, Direction.TO_CLIENT] as const;

function row(id: number, name: string, multiple: boolean): BufferDefinition {
  return { name, id, protocol: 'sip', directions: BOTH, progress: SIP_MESSAGE, streaming: false, multiple };
}

const B = SipBuffer;

// Requests travel in both directions of a flow between two proxies: no row is for one direction only.
export const SIP_BUFFERS: readonly BufferDefinition[] = [
  row(B.METHOD, 'sip.method', false),
  row(B.URI, 'sip.uri', false),
  row(B.REQUEST_LINE, 'sip.request_line', false),
  row(B.STAT_CODE, 'sip.stat_code', false),
  row(B.STAT_MSG, 'sip.stat_msg', false),
  row(B.RESPONSE_LINE, 'sip.response_line', false),
  row(B.PROTOCOL, 'sip.protocol', false),
  row(B.FROM, 'sip.from', true),
  row(B.TO, 'sip.to', true),
  row(B.VIA, 'sip.via', true),
  row(B.USER_AGENT, 'sip.user_agent', true),
  row(B.CONTENT_TYPE, 'sip.content_type', true),
  row(B.CONTENT_LENGTH, 'sip.content_length', true),
  row(B.SDP_ORIGIN, 'sdp.origin', false),
  row(B.SDP_SESSION_NAME, 'sdp.session_name', false),
  row(B.SDP_SESSION_INFO, 'sdp.session_info', false),
  row(B.SDP_URI, 'sdp.uri', false),
  row(B.SDP_EMAIL, 'sdp.email', false),
  row(B.SDP_PHONE_NUMBER, 'sdp.phone_number', false),
  row(B.SDP_CONNECTION_DATA, 'sdp.connection_data', false),
  row(B.SDP_BANDWIDTH, 'sdp.bandwidth', true),
  row(B.SDP_TIME, 'sdp.time', true),
  row(B.SDP_REPEAT_TIME, 'sdp.repeat_time', true),
  row(B.SDP_TIMEZONE, 'sdp.timezone', false),
  row(B.SDP_ENCRYPTION_KEY, 'sdp.encryption_key', false),
  row(B.SDP_ATTRIBUTE, 'sdp.attribute', true),
  row(B.SDP_MEDIA, 'sdp.media.media', true),
  row(B.SDP_MEDIA_INFO, 'sdp.media.media_info', true),
  row(B.SDP_MEDIA_SESSION_INFO, 'sdp.media.session_info', true),
  row(B.SDP_MEDIA_CONNECTION_DATA, 'sdp.media.connection_data', true),
  row(B.SDP_MEDIA_ENCRYPTION_KEY, 'sdp.media.encryption_key', true),
];

/** A message as it travelled, and its parts. */
export const SipFrame = {
  PDU: 0,
  REQUEST_LINE: 1,
  REQUEST_HEADERS: 2,
  REQUEST_BODY: 3,
  RESPONSE_LINE: 4,
  RESPONSE_HEADERS: 5,
  RESPONSE_BODY: 6,
} as const;
export const SIP_FRAMES = [
  'pdu',
  'request.line',
  'request.headers',
  'request.body',
  'response.line',
  'response.headers',
  'response.body',
] as const;

/** Header fields that are buffers, by full and compact name (RFC 3261 section 7.3.3) in lower case. */
export const SIP_FIELDS: ReadonlyMap<string, number> = new Map<string, number>([
  ['from', B.FROM],
  ['f', B.FROM],
  ['to', B.TO],
  ['t', B.TO],
  ['via', B.VIA],
  ['v', B.VIA],
  ['user-agent', B.USER_AGENT],
  ['content-type', B.CONTENT_TYPE],
  ['c', B.CONTENT_TYPE],
  ['content-length', B.CONTENT_LENGTH],
  ['l', B.CONTENT_LENGTH],
]);
