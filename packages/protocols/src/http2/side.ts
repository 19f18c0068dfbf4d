import { type BufferPool, PooledBytes } from '../buffer-pool';
import { HpackDecoder } from './hpack';
import type { Http2Stream } from './stream';

/** Bytes of a frame that is no DATA, and of a header block in several frames. */
export const LARGEST_FRAME = 65_536;

/** What one direction is in the middle of. */
export class Side {
  readonly hpack = new HpackDecoder();
  /** Its header blocks cannot be understood any more. */
  broken = false;
  /** The stream whose DATA comes in, the bytes of it that are still to come, and those of its padding. */
  dataStream: Http2Stream | null = null;
  dataLeft = 0;
  dataEnds = false;
  /** The stream whose header block goes on, and what there is of it. */
  blockStream: Http2Stream | null = null;
  blockEnds = false;
  readonly block: PooledBytes;

  constructor(pool: BufferPool) {
    this.block = new PooledBytes(pool, LARGEST_FRAME);
  }

  /** The stream is over. */
  forget(stream: Http2Stream): void {
    if (this.dataStream === stream) this.dataStream = null;
    if (this.blockStream === stream) this.blockStream = null;
  }

  clear(): void {
    this.hpack.clear();
    this.dataStream = null;
    this.blockStream = null;
    this.block.clear();
  }
}
