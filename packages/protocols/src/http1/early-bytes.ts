/**
 * What a client sends behind a CONNECT before that is answered, where it is no request: the beginning of what the tunnel
 * carries, once there is one.
 */
import { type BufferPool, PooledBytes } from '../buffer-pool';

/** Most bytes that are kept; of what comes then only the length is known. */
export const MOST_EARLY_BYTES = 65_536;

export class EarlyBytes {
  private readonly kept: PooledBytes;
  /** Bytes behind those that are kept. */
  missing = 0;

  constructor(pool: BufferPool) {
    this.kept = new PooledBytes(pool, MOST_EARLY_BYTES);
  }

  add(bytes: Uint8Array, start: number, end: number): void {
    const taken = this.missing > 0 ? 0 : this.kept.append(bytes, start, end);
    this.missing += end - start - taken;
  }

  /** A copy of what was kept, for whoever reads it when this is given back. */
  copy(): Uint8Array {
    return this.kept.bytes.slice(0, this.kept.end);
  }

  clear(): void {
    this.kept.clear();
  }

  /** Memory held, in bytes. */
  heldBytes(): number {
    return this.kept.bytes.length;
  }
}
