import { DecodeEvent, type DecodeEvents } from './decode-event';

const INVALID = DecodeEvent['ipv4.opt_invalid'];
const INVALID_LENGTH = DecodeEvent['ipv4.opt_invalid_len'];
const MALFORMED = DecodeEvent['ipv4.opt_malformed'];
const DUPLICATE = DecodeEvent['ipv4.opt_duplicate'];

/** Option types (IANA "IP Option Numbers"). */
const Option = {
  END: 0,
  NOP: 1,
  RECORD_ROUTE: 7,
  QUICK_START: 25,
  TIMESTAMP: 68,
  SECURITY: 130,
  LOOSE_SOURCE_ROUTE: 131,
  EXTENDED_SECURITY: 133,
  CIPSO: 134,
  STREAM_ID: 136,
  STRICT_SOURCE_ROUTE: 137,
  ROUTER_ALERT: 148,
} as const;

const ROUTE_MIN_LENGTH = 3;
const TIMESTAMP_MIN_LENGTH = 5;
const CIPSO_MIN_LENGTH = 10;
const CIPSO_HEADER = 6;
const QUICK_START_MIN_LENGTH = 8;
const SECURITY_LENGTH = 11;
const EXTENDED_SECURITY_MIN_LENGTH = 3;
const STREAM_ID_LENGTH = 4;
const ROUTER_ALERT_LENGTH = 4;

/** Source and record routes (RFC 791 §3.1): a pointer to the next address, counted from one. */
function routeFault(bytes: Uint8Array, at: number, length: number): number {
  if (length < ROUTE_MIN_LENGTH) return INVALID_LENGTH;
  const pointer = bytes[at + 2];
  return pointer < 4 || pointer % 4 !== 0 || pointer > length + 1 ? MALFORMED : -1;
}

function timestampFault(bytes: Uint8Array, at: number, length: number): number {
  if (length < TIMESTAMP_MIN_LENGTH) return INVALID_LENGTH;
  const pointer = bytes[at + 2];
  if (pointer < 5) return MALFORMED;
  // RFC 781: with these flags each entry has an address too.
  const flag = bytes[at + 3] & 0x0f;
  const entry = flag === 1 || flag === 3 ? 8 : 4;
  return (pointer - 5) % entry !== 0 || pointer > length + 1 ? MALFORMED : -1;
}

/** FIPS 188: tags of types 1, 2, 5, 6 and 7 behind the domain of interpretation. */
function cipsoFault(bytes: Uint8Array, at: number, length: number): number {
  if (length < CIPSO_MIN_LENGTH) return INVALID_LENGTH;
  const end = at + length;
  let tag = at + CIPSO_HEADER;
  while (tag < end) {
    if (end - tag < 2) return MALFORMED;
    const type = bytes[tag];
    const tagLength = bytes[tag + 1];
    const known = type === 1 || type === 2 || type === 5 || type === 6 || type === 7;
    if (!known || tagLength < 4 || tagLength > end - tag) return MALFORMED;
    if (type !== 7 && bytes[tag + 2] !== 0) return MALFORMED;
    tag += tagLength;
  }
  return -1;
}

function lengthFault(right: boolean): number {
  return right ? -1 : INVALID_LENGTH;
}

/** The fault of an option; -1 without, -2 where its type is not known. */
function faultOf(bytes: Uint8Array, at: number, type: number, length: number): number {
  switch (type) {
    case Option.RECORD_ROUTE:
    case Option.LOOSE_SOURCE_ROUTE:
    case Option.STRICT_SOURCE_ROUTE:
      return routeFault(bytes, at, length);
    case Option.TIMESTAMP:
      return timestampFault(bytes, at, length);
    case Option.CIPSO:
      return cipsoFault(bytes, at, length);
    case Option.QUICK_START:
      return lengthFault(length >= QUICK_START_MIN_LENGTH);
    case Option.SECURITY:
      return lengthFault(length === SECURITY_LENGTH);
    case Option.EXTENDED_SECURITY:
      return lengthFault(length >= EXTENDED_SECURITY_MIN_LENGTH);
    case Option.STREAM_ID:
      return lengthFault(length === STREAM_ID_LENGTH);
    case Option.ROUTER_ALERT:
      return lengthFault(length === ROUTER_ALERT_LENGTH);
    default:
      return UNKNOWN;
  }
}

const UNKNOWN = -2;

/** Options at most once each: which of them were there, by the lower five bits of their types, which all differ. */
export function ipv4OptionEvents(bytes: Uint8Array, start: number, end: number, events: DecodeEvents): void {
  if ((end - start) % 8 !== 0) events.add(DecodeEvent['ipv4.opt_pad_required']);
  let seen = 0;
  let at = start;
  while (at < end) {
    const type = bytes[at];
    if (type === Option.END) return;
    if (type === Option.NOP) {
      at++;
      continue;
    }
    if (end - at < 2) {
      events.add(DecodeEvent['ipv4.opt_eol_required']);
      return;
    }
    const length = bytes[at + 1];
    if (length < 2 || length > end - at) {
      events.add(INVALID_LENGTH);
      return;
    }
    const fault = faultOf(bytes, at, type, length);
    const bit = 1 << (type & 31);
    if (fault === UNKNOWN) events.add(INVALID);
    else if ((seen & bit) !== 0) events.add(DUPLICATE);
    else if (fault >= 0) {
      events.add(fault);
      return;
    } else seen |= bit;
    at += length;
  }
}
