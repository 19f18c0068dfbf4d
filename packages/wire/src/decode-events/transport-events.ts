import { Tcp, TcpOption } from '../tcp';
import { GreView } from '../tunnels/gre';
import { Udp } from '../udp';
import { DecodeEvent, type DecodeEvents } from './decode-event';

const INVALID_LENGTH = DecodeEvent['tcp.opt_invalid_len'];
const DUPLICATE = DecodeEvent['tcp.opt_duplicate'];

/** Options beside those of `TcpOption` whose lengths are known: selective acknowledgments, signatures, fast open. */
const SACK = 5;
const SACK_MAX_LENGTH = 34;
const MD5 = 19;
const MD5_LENGTH = 18;
const AUTHENTICATION = 29;
const AUTHENTICATION_MIN_LENGTH = 4;
const FAST_OPEN = 34;
const FAST_OPEN_MIN_LENGTH = 6;
const FAST_OPEN_MAX_LENGTH = 18;

function word16(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}

export function tcpEvents(bytes: Uint8Array, start: number, end: number, events: DecodeEvents): void {
  if (end - start < Tcp.MIN_LENGTH) {
    events.add(DecodeEvent['tcp.pkt_too_small']);
    return;
  }
  const headerLength = (bytes[start + Tcp.DATA_OFFSET] >> 4) << 2;
  if (headerLength > end - start) events.add(DecodeEvent['tcp.hlen_too_small']);
  else if (headerLength < Tcp.MIN_LENGTH) events.add(DecodeEvent['tcp.invalid_optlen']);
  else tcpOptionEvents(bytes, start + Tcp.MIN_LENGTH, start + headerLength, events);
}

/** Whether an option of this kind may be so long. */
function fits(kind: number, length: number): boolean {
  switch (kind) {
    case TcpOption.MSS:
      return length === TcpOption.MSS_LENGTH;
    case TcpOption.WINDOW_SCALE:
      return length === TcpOption.WINDOW_SCALE_LENGTH;
    case TcpOption.SACK_PERMITTED:
      return length === TcpOption.SACK_PERMITTED_LENGTH;
    case TcpOption.TIMESTAMP:
      return length === TcpOption.TIMESTAMP_LENGTH;
    case SACK:
      // RFC 2018 §3: pairs of sequence numbers.
      return length > 2 && length <= SACK_MAX_LENGTH && (length - 2) % 8 === 0;
    case FAST_OPEN:
      return (
        length === 2 || (length >= FAST_OPEN_MIN_LENGTH && length <= FAST_OPEN_MAX_LENGTH && length % 2 === 0)
      );
    case MD5:
      return length === MD5_LENGTH;
    case AUTHENTICATION:
      return length >= AUTHENTICATION_MIN_LENGTH;
    default:
      return true;
  }
}

const CHECKED: ReadonlySet<number> = new Set([
  TcpOption.MSS,
  TcpOption.WINDOW_SCALE,
  TcpOption.SACK_PERMITTED,
  TcpOption.TIMESTAMP,
  SACK,
  FAST_OPEN,
  MD5,
  AUTHENTICATION,
]);

function tcpOptionEvents(bytes: Uint8Array, first: number, end: number, events: DecodeEvents): void {
  // One bit a kind; those of interest are below 64.
  let seenLow = 0;
  let seenHigh = 0;
  let at = first;
  while (at < end) {
    const kind = bytes[at];
    if (kind === TcpOption.END) return;
    if (kind === TcpOption.NOP) {
      at++;
      continue;
    }
    if (end - at < 2) return;
    const length = bytes[at + 1];
    if (length < 2 || length > end - at) {
      events.add(INVALID_LENGTH);
      return;
    }
    if (CHECKED.has(kind)) {
      const bit = 1 << (kind & 31);
      const seen = kind < 32 ? seenLow : seenHigh;
      if (!fits(kind, length)) events.add(INVALID_LENGTH);
      else if ((seen & bit) !== 0) events.add(DUPLICATE);
      else if (kind < 32) seenLow |= bit;
      else seenHigh |= bit;
    }
    at += length;
  }
}

export function udpEvents(bytes: Uint8Array, start: number, end: number, events: DecodeEvents): void {
  const available = end - start;
  if (available < Udp.LENGTH) {
    events.add(DecodeEvent['udp.hlen_too_small']);
    return;
  }
  const length = word16(bytes, start + Udp.DATAGRAM_LENGTH);
  if (length > available) events.add(DecodeEvent['udp.pkt_too_small']);
  else if (length < Udp.LENGTH) events.add(DecodeEvent['udp.len_invalid']);
}

const gre = new GreView();

export function greEvents(bytes: Uint8Array, start: number, end: number, events: DecodeEvents): void {
  const event = gre.decode(bytes, start, end);
  if (event >= 0) events.add(event);
}
