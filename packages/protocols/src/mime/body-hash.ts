/** The MD5 hash of a body that comes in lines: they are gathered, because each call of the hash costs more than a line. */

import { createHash } from 'node:crypto';
import { copyBytes } from '../buffer-pool';

const GATHERED = 4096;

export class BodyHash {
  /** Memory of one, in bytes. */
  static readonly BYTES = GATHERED + 400;

  private readonly hash = createHash('md5');
  private readonly gathered = new Uint8Array(GATHERED);
  private end = 0;

  add(bytes: Uint8Array, start: number, end: number): void {
    if (end - start > GATHERED - this.end) this.flush();
    if (end - start > GATHERED) {
      this.hash.update(bytes.subarray(start, end));
      return;
    }
    copyBytes(bytes, start, end, this.gathered, this.end);
    this.end += end - start;
  }

  /** @returns the hash in hexadecimal letters; nothing can be added after it */
  digest(): Uint8Array {
    this.flush();
    return Buffer.from(this.hash.digest('hex'), 'latin1');
  }

  private flush(): void {
    if (this.end > 0) this.hash.update(this.gathered.subarray(0, this.end));
    this.end = 0;
  }
}
