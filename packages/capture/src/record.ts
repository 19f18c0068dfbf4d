/** What a format reader's `next` found. */
export const RecordState = {
  /** A frame; the fields of the {@link FrameRecord} describe it. */
  FRAME: 0,
  END: 1,
  /** Nothing more can be read until the bytes lent out are given back. */
  LENT: 2,
} as const;

/** The frame a reader stands on: one per file, overwritten by every `next`. */
export interface FrameRecord {
  /** Index of the frame's first byte in the window. */
  start: number;
  /** Captured length in bytes. */
  length: number;
  wireLength: number;
  linkType: number;
  /** Microseconds since 1970; 0 where the file says none. */
  time: number;
}

/** Steps through the frames of one capture format. */
export interface FrameReader {
  readonly frame: FrameRecord;
  /**
   * Moves to the next frame.
   * @param lent whether earlier frames are still borrowed.
   * @returns a `RecordState`. Throws `CaptureError` where the file is damaged.
   */
  next(lent: boolean): number;
}

/** As libpcap (MAXIMUM_SNAPLEN): no network has longer frames, and a longer record is a damaged file. */
export const MAX_FRAME_LENGTH = 262_144;

export function createFrameRecord(): FrameRecord {
  return { start: 0, length: 0, wireLength: 0, linkType: 0, time: 0 };
}

export function readUint16(bytes: Uint8Array, at: number, littleEndian: boolean): number {
  return littleEndian ? bytes[at] | (bytes[at + 1] << 8) : (bytes[at] << 8) | bytes[at + 1];
}

export function readUint32(bytes: Uint8Array, at: number, littleEndian: boolean): number {
  return littleEndian
    ? (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0
    : ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}
