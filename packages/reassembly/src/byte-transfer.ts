const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;
/** Below this the set-up of the word loop costs more than it saves. */
const WORD_LOOP_FROM = 24;

/**
 * Copies and compares between borrowed packet bytes and one pool, four bytes a step whatever the alignment.
 *
 * `TypedArray.set` needs a `subarray` object for each piece of a packet; this allocates nothing as long as
 * packets come from the same arena. On a big-endian host it goes byte by byte.
 */
export class ByteTransfer {
  private readonly poolWords: Uint32Array;
  private source: Uint8Array | null = null;
  private sourceWords: Uint32Array = new Uint32Array(0);
  private sourceOffset = 0;

  /** @param pool must begin at the start of its ArrayBuffer and have a multiple of 4 bytes. */
  constructor(private readonly pool: Uint8Array) {
    this.poolWords = new Uint32Array(pool.buffer, 0, pool.length >>> 2);
  }

  private view(source: Uint8Array): void {
    this.source = source;
    this.sourceWords = new Uint32Array(source.buffer, 0, source.buffer.byteLength >>> 2);
    this.sourceOffset = source.byteOffset;
  }

  /** Copies `source[from, from + length)` to the pool at `to`. */
  copy(source: Uint8Array, from: number, to: number, length: number): void {
    const pool = this.pool;
    let at = from;
    let target = to;
    let left = length;
    if (left >= WORD_LOOP_FROM && LITTLE_ENDIAN) {
      if (this.source !== source) this.view(source);
      while ((target & 3) !== 0) {
        pool[target++] = source[at++];
        left--;
      }
      const sourceWords = this.sourceWords;
      const poolWords = this.poolWords;
      const absolute = this.sourceOffset + at;
      let word = absolute >>> 2;
      let out = target >>> 2;
      let count = left >>> 2;
      const shift = (absolute & 3) << 3;
      if (shift === 0) {
        for (const end = out + count; out < end; out++, word++) poolWords[out] = sourceWords[word];
      } else {
        // The last step reads one word ahead, which the source may end in.
        if (word + count >= sourceWords.length) count = Math.max(0, sourceWords.length - word - 1);
        const back = 32 - shift;
        let low = sourceWords[word];
        for (const end = out + count; out < end; out++) {
          const high = sourceWords[++word];
          poolWords[out] = (low >>> shift) | (high << back);
          low = high;
        }
      }
      const done = count << 2;
      at += done;
      target += done;
      left -= done;
    }
    for (; left > 0; left--) pool[target++] = source[at++];
  }

  /** Whether `source[from, from + length)` equals the pool's bytes at `to`. */
  equals(source: Uint8Array, from: number, to: number, length: number): boolean {
    const pool = this.pool;
    let at = from;
    let target = to;
    let left = length;
    if (left >= WORD_LOOP_FROM && LITTLE_ENDIAN) {
      if (this.source !== source) this.view(source);
      while ((target & 3) !== 0) {
        if (pool[target++] !== source[at++]) return false;
        left--;
      }
      const sourceWords = this.sourceWords;
      const poolWords = this.poolWords;
      const absolute = this.sourceOffset + at;
      let word = absolute >>> 2;
      let out = target >>> 2;
      let count = left >>> 2;
      const shift = (absolute & 3) << 3;
      if (shift === 0) {
        for (const end = out + count; out < end; out++, word++) {
          if (poolWords[out] !== sourceWords[word]) return false;
        }
      } else {
        if (word + count >= sourceWords.length) count = Math.max(0, sourceWords.length - word - 1);
        const back = 32 - shift;
        let low = sourceWords[word];
        for (const end = out + count; out < end; out++) {
          const high = sourceWords[++word];
          if (poolWords[out] !== ((low >>> shift) | (high << back)) >>> 0) return false;
          low = high;
        }
      }
      const done = count << 2;
      at += done;
      target += done;
      left -= done;
    }
    for (; left > 0; left--) if (pool[target++] !== source[at++]) return false;
    return true;
  }
}
