/** A session description (SDP, RFC 8866 section 5): lines of a letter, `=` and a value. */

import type { HeldTransaction } from '../records/held-transaction';
import type { Direction } from '../transaction';
import { SipBuffer } from './buffers';
import { endOfLine, nextLine } from './lines';

const EQUALS = 0x3d;
const MEDIA = 0x6d;

/** Buffers of each letter, before the first `m=` and behind it; -1 where there is none. */
const SESSION = table([
  ['o', SipBuffer.SDP_ORIGIN],
  ['s', SipBuffer.SDP_SESSION_NAME],
  ['i', SipBuffer.SDP_SESSION_INFO],
  ['u', SipBuffer.SDP_URI],
  ['e', SipBuffer.SDP_EMAIL],
  ['p', SipBuffer.SDP_PHONE_NUMBER],
  ['c', SipBuffer.SDP_CONNECTION_DATA],
  ['b', SipBuffer.SDP_BANDWIDTH],
  ['t', SipBuffer.SDP_TIME],
  ['r', SipBuffer.SDP_REPEAT_TIME],
  ['z', SipBuffer.SDP_TIMEZONE],
  ['k', SipBuffer.SDP_ENCRYPTION_KEY],
  ['a', SipBuffer.SDP_ATTRIBUTE],
]);
const MEDIA_PART = table([
  ['m', SipBuffer.SDP_MEDIA],
  ['i', SipBuffer.SDP_MEDIA_INFO],
  ['c', SipBuffer.SDP_MEDIA_CONNECTION_DATA],
  ['k', SipBuffer.SDP_MEDIA_ENCRYPTION_KEY],
  ['b', SipBuffer.SDP_BANDWIDTH],
  ['a', SipBuffer.SDP_ATTRIBUTE],
]);

function table(rows: readonly (readonly [string, number])[]): Int16Array {
  const ids = new Int16Array(256).fill(-1);
  for (const [letter, id] of rows) ids[letter.charCodeAt(0)] = id;
  return ids;
}

export function readSessionDescription(
  tx: HeldTransaction,
  direction: Direction,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  let part = SESSION;
  for (let at = start; at < end; ) {
    const stop = endOfLine(bytes, at, end);
    if (stop >= at + 2 && bytes[at + 1] === EQUALS) {
      if (bytes[at] === MEDIA) part = MEDIA_PART;
      const id = part[bytes[at]];
      if (id >= 0) {
        tx.put(direction, id, bytes, at + 2, stop);
        if (id === SipBuffer.SDP_MEDIA_INFO)
          tx.put(direction, SipBuffer.SDP_MEDIA_SESSION_INFO, bytes, at + 2, stop);
      }
    }
    const next = nextLine(bytes, stop, end);
    if (next <= at) return;
    at = next;
  }
}
