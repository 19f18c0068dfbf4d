/**
 * One file that a transaction carries: its name, a bounded window of its bytes, its size and, where rules ask for them,
 * its hashes.
 *
 * Invariant: `offset` + held bytes = `size`, until a file that does not slide has reached its limit.
 */

import { type BufferPool, copyBytes, NO_BYTES, PooledBytes } from '../buffer-pool';
import { showBytes } from '../buffer-view';
import type { BufferView } from '../transaction';
import { FileHashes } from './file-hashes';
import { type FilePolicy, LONGEST_FILE_NAME } from './policy';

/** What a file costs besides its bytes. */
const OVERHEAD = 200;
/** And each hash that is being computed. */
const HASH_OVERHEAD = 400;

export class TrackedFile {
  /** Bytes of the file so far, missing ones included. */
  size = 0;
  /** All of it has come, and no byte was missing. */
  complete = false;
  /** No more bytes will come, whether it is complete or not. */
  closed = false;
  private name: Uint8Array = NO_BYTES;
  private readonly content: PooledBytes;
  /** Place in the file of the first byte that is held. */
  private offset = 0;
  /** Place in the file up to which it was shown. */
  private seen = 0;
  private readonly slides: boolean;
  private gapped = false;
  private readonly hashes = new FileHashes();

  constructor(pool: BufferPool, policy: FilePolicy) {
    this.content = new PooledBytes(pool, policy.held);
    this.slides = policy.slides;
    this.hashes.begin(policy.hashes);
  }

  /** Sets the name: bytes as they were sent (copied, at most `LONGEST_FILE_NAME`). */
  setName(bytes: Uint8Array, start: number, end: number): void {
    // A copy, also where the bytes are a Buffer, whose own slice() is none.
    this.name = Uint8Array.prototype.slice.call(bytes, start, Math.min(end, start + LONGEST_FILE_NAME));
  }

  /** Whether there is something that was not shown yet. */
  get grown(): boolean {
    return this.offset + this.content.end > this.seen;
  }

  /**
   * Adds bytes.
   * @returns the index behind the last byte that was taken. It is below `end` only when the window is full of bytes that
   *   were not shown: then announce progress, call `shown`, and go on from there.
   */
  append(bytes: Uint8Array, start: number, end: number): number {
    if (this.closed || start >= end) return end;
    const { content } = this;
    let taken = end;
    if (this.slides) {
      if (content.end + end - start > content.limit) this.slide(end - start);
      taken = Math.min(end, start + content.limit - content.end);
    }
    content.append(bytes, start, taken);
    this.size += taken - start;
    this.hashes.update(bytes, start, taken);
    return taken;
  }

  /** `length` bytes of the file are missing: what follows is a new run, and there is no hash. */
  gap(length: number): void {
    if (this.closed || length <= 0) return;
    this.size += length;
    this.gapped = true;
    this.hashes.clear();
    if (!this.slides && this.size > this.content.limit) return;
    this.content.end = 0;
    this.offset = this.size;
    this.seen = Math.max(this.seen, this.offset);
  }

  /** The file has ended. @param complete false where the end did not come: size and hashes say nothing then */
  close(complete = true): void {
    if (this.closed) return;
    this.closed = true;
    this.complete = complete && !this.gapped;
  }

  /** The listener has seen what is there. */
  shown(): void {
    this.seen = this.offset + this.content.end;
  }

  /** The window of the content; false while there is none. */
  viewContent(out: BufferView): boolean {
    const { content } = this;
    if (content.end === 0) return false;
    out.bytes = content.bytes;
    out.start = 0;
    out.end = content.end;
    out.streamOffset = this.offset;
    out.fresh = Math.min(content.end, Math.max(0, this.seen - this.offset));
    out.complete = this.closed || (!this.slides && content.end >= content.limit);
    return true;
  }

  viewName(out: BufferView): boolean {
    return this.name.length > 0 && fill(out, this.name);
  }

  /** @param hash one bit of `FileHash`; false where it is not complete or was not asked for when it was opened */
  viewHash(hash: number, out: BufferView): boolean {
    if (!this.complete) return false;
    const digest = this.hashes.digest(hash);
    return digest !== undefined && fill(out, digest);
  }

  heldBytes(): number {
    return OVERHEAD + this.name.length + this.content.bytes.length + this.hashes.count * HASH_OVERHEAD;
  }

  /** Gives its memory back; the object is done with. */
  release(): void {
    this.closed = true;
    this.content.clear();
    this.hashes.clear();
  }

  /** Makes room for `wanted` bytes, as far as what was shown allows; a quarter of the window stays, for what straddles. */
  private slide(wanted: number): void {
    const { content } = this;
    const kept = content.limit >> 2;
    const needed = content.end + wanted - content.limit;
    const drop = Math.min(this.seen - this.offset, Math.max(needed, content.end - kept), content.end);
    if (drop <= 0) return;
    // Moving down: the copy goes upwards, so that it never reads what it has written.
    copyBytes(content.bytes, drop, content.end, content.bytes, 0);
    content.end -= drop;
    this.offset += drop;
  }
}

function fill(out: BufferView, bytes: Uint8Array): true {
  return showBytes(out, bytes, 0, bytes.length);
}
