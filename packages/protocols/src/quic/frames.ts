/** Frames of initial packets: those of IETF (RFC 9000 section 19) and of Google's QUIC, as far as hellos are in them. */

import { readTags, type TagMessage } from './google-tags';
import { VariableNumber } from './header';
import { TAG_MESSAGES } from './limits';

const FrameType = { PADDING: 0, PING: 1, ACK: 2, CRYPTO: 6, STREAM: 8 } as const;
/** In Google's QUIC: a stream frame, the rest of the byte says of what form. */
const GOOGLE_STREAM = 0x80;

/** Takes what is in the frames. */
export interface FrameSink {
  crypto(offset: number, bytes: Uint8Array, start: number, end: number): boolean;
  readonly tags: TagMessage[];
}

const number = new VariableNumber();

/** Reads all frames of a packet. @returns whether they are what they should be */
export function readFrames(bytes: Uint8Array, start: number, end: number, sink: FrameSink): boolean {
  let i = start;
  while (i < end) {
    const type = bytes[i++];
    if ((type & GOOGLE_STREAM) !== 0) i = googleStream(type, bytes, i, end, sink);
    else if (type === FrameType.PADDING || type === FrameType.PING) continue;
    else if (type === FrameType.ACK) i = skipAck(bytes, i, end);
    else if (type === FrameType.CRYPTO) i = crypto(bytes, i, end, sink);
    else if (type === FrameType.STREAM) i = stream(bytes, i, end, sink);
    // How long others are, is not known.
    else return true;
    if (i < 0) return false;
  }
  return true;
}

function skipAck(bytes: Uint8Array, start: number, end: number): number {
  let i = number.read(bytes, start, end);
  if (i >= 0) i = number.read(bytes, i, end);
  if (i >= 0) i = number.read(bytes, i, end);
  const ranges = number.value;
  if (i >= 0) i = number.read(bytes, i, end);
  for (let k = 0; k < ranges * 2 && i >= 0; k++) i = number.read(bytes, i, end);
  return i;
}

function crypto(bytes: Uint8Array, start: number, end: number, sink: FrameSink): number {
  let i = number.read(bytes, start, end);
  if (i < 0) return -1;
  const offset = number.value;
  i = number.read(bytes, i, end);
  if (i < 0 || number.value > end - i) return -1;
  const stop = i + number.value;
  return sink.crypto(offset, bytes, i, stop) ? stop : -1;
}

function addTags(bytes: Uint8Array, start: number, end: number, sink: FrameSink): void {
  const message = sink.tags.length < TAG_MESSAGES ? readTags(bytes, start, end) : null;
  if (message !== null) sink.tags.push(message);
}

function stream(bytes: Uint8Array, start: number, end: number, sink: FrameSink): number {
  let i = number.read(bytes, start, end);
  if (i >= 0) i = number.read(bytes, i, end);
  if (i < 0 || number.value > end - i) return -1;
  addTags(bytes, i, i + number.value, sink);
  return i + number.value;
}

function googleStream(type: number, bytes: Uint8Array, start: number, end: number, sink: FrameSink): number {
  const offset = (type & 0x1c) >> 2;
  let i = start + (type & 3) + 1 + (offset === 0 ? 0 : offset + 1);
  let length = end - i;
  if ((type & 0x20) !== 0) {
    if (end - i < 2) return -1;
    length = (bytes[i] << 8) | bytes[i + 1];
    i += 2;
  }
  if (length < 0 || length > end - i) return -1;
  addTags(bytes, i, i + length, sink);
  return i + length;
}
