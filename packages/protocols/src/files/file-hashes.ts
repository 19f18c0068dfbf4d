import { createHash, type Hash } from 'node:crypto';
import { FileHash } from './policy';

const ALGORITHMS: readonly (readonly [number, string])[] = [
  [FileHash.MD5, 'md5'],
  [FileHash.SHA1, 'sha1'],
  [FileHash.SHA256, 'sha256'],
];

/** Hashes of one file, computed as its bytes come: only those that rules ask for. */
export class FileHashes {
  /** How many are being computed. */
  count = 0;
  /** In the order of `ALGORITHMS`; null: not asked for, or done. */
  private readonly running: (Hash | null)[] = [];
  private readonly digests: Uint8Array[] = [];

  /** @param wanted bits of `FileHash` */
  begin(wanted: number): void {
    this.clear();
    if (wanted === 0) return;
    for (const [bit, algorithm] of ALGORITHMS) {
      const asked = (wanted & bit) !== 0;
      this.running.push(asked ? createHash(algorithm) : null);
      if (asked) this.count++;
    }
  }

  update(bytes: Uint8Array, start: number, end: number): void {
    if (this.count === 0 || start >= end) return;
    const part = bytes.subarray(start, end);
    for (const hash of this.running) hash?.update(part);
  }

  /** The file has ended. @param hash one bit of `FileHash`; undefined where it was not asked for */
  digest(hash: number): Uint8Array | undefined {
    const place = hash >> 1;
    const digest = this.digests[place] ?? this.running[place]?.digest();
    if (digest === undefined) return undefined;
    this.running[place] = null;
    this.digests[place] = digest;
    return digest;
  }

  clear(): void {
    this.count = 0;
    this.running.length = 0;
    this.digests.length = 0;
  }
}
