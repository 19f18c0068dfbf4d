/** Frames (RFC 9113 section 4.1). */

export const FRAME_HEADER = 9;

export const FrameType = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

export const FrameFlag = { END_STREAM: 1, ACK: 1, END_HEADERS: 4, PADDED: 8, PRIORITY: 0x20 } as const;

/** What a client sends first. */
export const MAGIC = Uint8Array.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', (c) => c.charCodeAt(0));

export interface FrameHeader {
  /** Bytes behind the header. */
  length: number;
  type: number;
  flags: number;
  stream: number;
}

export function readFrameHeader(bytes: Uint8Array, at: number, out: FrameHeader): void {
  out.length = (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2];
  out.type = bytes[at + 3];
  out.flags = bytes[at + 4];
  out.stream = be32(bytes, at + 5) % 0x80000000;
}

export function be16(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}

export function be32(bytes: Uint8Array, at: number): number {
  return be16(bytes, at) * 0x10000 + be16(bytes, at + 2);
}
