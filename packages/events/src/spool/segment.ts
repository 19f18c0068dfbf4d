import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FRAME_HEADER, FrameReader, LONGEST_PAYLOAD } from './frame';

/** One file of a spool: the records from sequence number `first` on, in order. */
export interface Segment {
  readonly path: string;
  readonly first: number;
  /** Bytes of whole records. */
  bytes: number;
  /** Something in it could not be read: nothing is written behind it. */
  damaged: boolean;
}

/** A place between two records. */
export interface SpoolPosition {
  readonly sequence: number;
  /** Null where no segment holds the record yet. */
  readonly segment: Segment | null;
  readonly offset: number;
}

const NAME = /^(\d{16})\.spool$/;
const SCAN_BYTES = 4 * (LONGEST_PAYLOAD + FRAME_HEADER);

export function segmentPath(directory: string, first: number): string {
  return join(directory, `${String(first).padStart(16, '0')}.spool`);
}

/** The segments in a directory, oldest first. Lengths are those of the files: a torn tail is still counted. */
export async function listSegments(directory: string): Promise<Segment[]> {
  const segments: Segment[] = [];
  for (const name of (await readdir(directory)).sort()) {
    const match = NAME.exec(name);
    if (!match) continue;
    const path = join(directory, name);
    segments.push({ path, first: Number(match[1]), bytes: (await stat(path)).size, damaged: false });
  }
  return segments;
}

/**
 * Steps over the records of a segment.
 * @param sequence stop before the record of this number
 * @returns where that is, or the end of what can be read
 */
export async function locate(segment: Segment, sequence: number): Promise<SpoolPosition> {
  const file = await open(segment.path, 'r');
  let at = segment.first;
  let offset = 0;
  try {
    const buffer = Buffer.allocUnsafe(Math.min(SCAN_BYTES, Math.max(1, segment.bytes)));
    while (at < sequence && offset < segment.bytes) {
      const { bytesRead } = await file.read(
        buffer,
        0,
        Math.min(buffer.length, segment.bytes - offset),
        offset,
      );
      const frames = new FrameReader(buffer.subarray(0, bytesRead));
      while (at < sequence && frames.next()) at++;
      offset += frames.offset;
      if (frames.offset === 0 || frames.state === 'damaged') break;
    }
  } finally {
    await file.close();
  }
  return { sequence: at, segment, offset };
}
