import { crc32 } from 'node:zlib';

/**
 * How a record stands in a segment: length of the payload and its CRC-32 (both 32 bit, little endian), then the
 * payload. A length of zero is no record, so that a tail of zeros after a power failure is not taken for records.
 */
export const FRAME_HEADER = 8;

/** Longest payload, in bytes. What is longer is not kept at all. */
export const LONGEST_PAYLOAD = 1024 * 1024;

/** @param payload not empty and no longer than LONGEST_PAYLOAD */
export function frame(payload: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEADER + payload.length);
  bytes.writeUInt32LE(payload.length, 0);
  bytes.writeUInt32LE(crc32(payload), 4);
  payload.copy(bytes, FRAME_HEADER);
  return bytes;
}

/** What stands at an offset: a whole record, the beginning of one, or what is none. */
export type FrameState = 'whole' | 'cut' | 'damaged';

/** Steps over the frames in a piece of a segment. */
export class FrameReader {
  /** Offset behind the last whole frame. */
  offset = 0;
  /** Why the last `next` found nothing. */
  state: FrameState = 'whole';

  constructor(private readonly bytes: Buffer) {}

  /** @returns the next payload, a view into the bytes; null where none is whole (see `state`) */
  next(): Buffer | null {
    const { bytes, offset } = this;
    if (bytes.length - offset < FRAME_HEADER) return this.none('cut');
    const length = bytes.readUInt32LE(offset);
    if (length === 0 || length > LONGEST_PAYLOAD) return this.none('damaged');
    const start = offset + FRAME_HEADER;
    if (bytes.length - start < length) return this.none('cut');
    const payload = bytes.subarray(start, start + length);
    if (crc32(payload) !== bytes.readUInt32LE(offset + 4)) return this.none('damaged');
    this.offset = start + length;
    return payload;
  }

  private none(state: FrameState): null {
    this.state = state;
    return null;
  }
}
