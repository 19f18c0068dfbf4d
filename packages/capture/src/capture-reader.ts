import { closeSync, openSync, readSync } from 'node:fs';
import { constants, gunzipSync } from 'node:zlib';
import type { ByteReader } from './byte-window';
import { CaptureError, CaptureErrorCode } from './capture-error';

const GZIP_MAGIC: readonly number[] = [0x1f, 0x8b];

/** Reads a file, or a pipe, from its beginning to its end. */
class FileReader implements ByteReader {
  constructor(
    private readonly descriptor: number,
    /** Bytes read already, to be given first. */
    private head: Uint8Array,
  ) {}

  read(into: Uint8Array, at: number, length: number): number {
    if (this.head.length === 0) return readSync(this.descriptor, into, at, length, null);
    const given = this.head.subarray(0, length);
    into.set(given, at);
    this.head = this.head.subarray(given.length);
    return given.length;
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

class MemoryReader implements ByteReader {
  private position = 0;

  constructor(private readonly content: Uint8Array) {}

  read(into: Uint8Array, at: number, length: number): number {
    const given = this.content.subarray(this.position, this.position + length);
    into.set(given, at);
    this.position += given.length;
    return given.length;
  }

  close(): void {}
}

/**
 * Opens a capture. One compressed with gzip is unpacked into memory, up to `maxUnpacked` bytes: Node.js unpacks
 * piece by piece on the event loop only.
 */
export function openCapture(file: string, maxUnpacked: number): ByteReader {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (cause) {
    const reason = `the capture cannot be opened: ${(cause as Error).message}`;
    throw new CaptureError(CaptureErrorCode.OPEN, file, 0, reason, { cause });
  }
  try {
    const head = new Uint8Array(GZIP_MAGIC.length);
    const read = readSync(descriptor, head, 0, head.length, null);
    const reader = new FileReader(descriptor, head.subarray(0, read));
    if (read < head.length || GZIP_MAGIC.some((byte, at) => byte !== head[at])) return reader;
    const unpacked = unpack(file, readAll(reader, file, maxUnpacked), maxUnpacked);
    reader.close();
    return new MemoryReader(unpacked);
  } catch (error) {
    closeSync(descriptor);
    if (error instanceof CaptureError) throw error;
    const reason = `the capture cannot be read: ${(error as Error).message}`;
    throw new CaptureError(CaptureErrorCode.READ, file, 0, reason, { cause: error });
  }
}

const PIECE = 1 << 20;

function readAll(reader: ByteReader, file: string, limit: number): Uint8Array {
  const pieces: Uint8Array[] = [];
  let total = 0;
  for (;;) {
    const piece = new Uint8Array(PIECE);
    const read = reader.read(piece, 0, PIECE);
    if (read === 0) return Buffer.concat(pieces, total);
    pieces.push(piece.subarray(0, read));
    total += read;
    if (total > limit) throw tooLarge(file, limit);
  }
}

function unpack(file: string, packed: Uint8Array, limit: number): Uint8Array {
  try {
    // A file cut short gives what can be unpacked; the capture format then says where it ends.
    return gunzipSync(packed, { maxOutputLength: limit, finishFlush: constants.Z_SYNC_FLUSH });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(file, limit);
    const reason = `the compressed capture is damaged: ${(cause as Error).message}`;
    throw new CaptureError(CaptureErrorCode.READ, file, 0, reason, { cause });
  }
}

function tooLarge(file: string, limit: number): CaptureError {
  const reason = `the compressed capture unpacks to more than ${limit} bytes; unpack it with gunzip first`;
  return new CaptureError(CaptureErrorCode.TOO_LARGE, file, 0, reason);
}
