/**
 * The inspected part of a message body: the first bytes up to a limit, without chunk framing and content coding.
 *
 * While a body lies in one piece in the fed bytes it is borrowed; `settle` copies it before those bytes go away.
 */

import type { BufferPool } from '../buffer-pool';
import { PooledBytes } from '../buffer-pool';
import { ContentDecoder, DecoderNotice } from '../content-coding/decoder';
import { FileHashes } from '../files/file-hashes';
import type { FilePolicy } from '../files/policy';
import type { BufferView } from '../transaction';
import { ChunkReader } from './chunked';

/** What a body takes without what it holds, and each hash that is computed; a test measures it. */
const OWN_BYTES = 600;
const HASH_BYTES = 500;

export class Body {
  /** Place of the first held byte in the body. */
  streamOffset = 0;
  /** Bytes of the body as transferred, without chunk framing. */
  transferred = 0;
  /** No more bytes will be kept. */
  complete = false;
  /** Bytes of it are missing: beyond the limit, or in a gap. */
  cut = false;
  /** Place in the body up to which it was shown to the listener. */
  inspected = 0;
  /** Chunk framing, where the body has one. */
  readonly chunks = new ChunkReader();
  /** Bytes that are still to come, where the length is known. */
  left = 0;
  /** Bytes of a status line seen at its beginning, which may be the next response instead. */
  statusLine = 0;
  private borrowed: Uint8Array | null = null;
  private borrowedStart = 0;
  private borrowedEnd = 0;
  private readonly store: PooledBytes;
  /** Only while there is something to decode: they are larger than most bodies. */
  private readonly decoders: ContentDecoder[] = [];
  /** Output of every decoder but the last. */
  private readonly stages: PooledBytes[] = [];
  /** How much of each stage the next decoder has taken. */
  private readonly stageTaken: number[] = [];
  private layers = 0;
  private bombRatio = 1;
  /** What is transferred is the content, and none of it was missing: its size is known however long it is. */
  private plain = false;
  /** Of a content that is longer than what is kept. */
  private readonly hashes = new FileHashes();

  /** @param files says which hashes rules ask for; null: none */
  constructor(
    private readonly pool: BufferPool,
    private readonly files: FilePolicy | null = null,
  ) {
    this.store = new PooledBytes(pool, 0);
  }

  /**
   * Begins a body.
   * @param limit bytes that are kept
   * @param layers number of content codings to undo
   * @param kinds the `Coding` of each, the one that was applied last first
   * @param bombRatio decoded bytes per transferred byte from which on a body that reaches the limit is a bomb
   */
  begin(limit: number, layers: number, kinds: Uint8Array, bombRatio: number): void {
    this.store.limit = limit;
    this.layers = layers;
    this.plain = layers === 0;
    this.bombRatio = bombRatio;
    for (let i = 0; i < layers; i++) {
      this.decoders.push(ContentDecoder.take());
      if (i < layers - 1 && i === this.stages.length) this.stages.push(new PooledBytes(this.pool, limit));
      if (i < layers - 1) {
        this.stages[i].limit = limit;
        this.stageTaken[i] = 0;
      }
      this.decoders[i].begin(kinds[i], i === layers - 1 ? this.store : this.stages[i]);
    }
  }

  /** Bytes that are held, whatever their place in the body. */
  get length(): number {
    return this.borrowed !== null ? this.borrowedEnd - this.borrowedStart : this.store.end;
  }

  /** Whether there are bytes that were not shown yet. */
  get grown(): boolean {
    return this.streamOffset + this.length > this.inspected;
  }

  /** Adds transferred bytes. @returns bits of `DecoderNotice` */
  append(bytes: Uint8Array, start: number, end: number): number {
    const { cut } = this;
    this.transferred += end - start;
    let notices = 0;
    if (this.complete) this.outgrow(bytes, start, end);
    else notices = this.take(bytes, start, end);
    return this.cut && !cut ? notices | DecoderNotice.LIMIT : notices;
  }

  private take(bytes: Uint8Array, start: number, end: number): number {
    let notices = 0;
    if (this.layers > 0) notices = this.decode(bytes, start, end);
    else this.keep(bytes, start, end);
    if (this.streamOffset + this.length >= this.store.limit) {
      this.complete = true;
      // How much more there was is not known where a coding was undone.
      if (this.layers > 0) {
        this.cut = true;
        if (this.store.end > this.transferred * this.bombRatio) notices |= DecoderNotice.BOMB;
      }
    }
    return notices;
  }

  /** The body has ended. */
  finish(): number {
    let notices = 0;
    for (let i = 0; i < this.layers; i++) {
      const sink = i === this.layers - 1 ? this.store : this.stages[i];
      notices |= this.decoders[i].finish(sink);
      if (i < this.layers - 1) {
        notices |= this.decoders[i + 1].push(sink.bytes, this.stageTaken[i], sink.end, this.sinkOf(i + 1));
        this.stageTaken[i] = sink.end;
      }
    }
    this.endDecoding();
    this.complete = true;
    return notices;
  }

  /** Takes more bytes behind the end, as they are. */
  resume(): void {
    this.complete = this.streamOffset + this.length >= this.store.limit;
  }

  /** `length` bytes are missing: what was held goes, what follows is a new run. A coding cannot be undone any more. */
  skip(length: number): void {
    this.transferred += length;
    this.endDecoding();
    this.plain = false;
    this.hashes.clear();
    this.cut = true;
    this.borrowed = null;
    this.store.end = 0;
    this.streamOffset = this.transferred;
    if (this.streamOffset >= this.store.limit) this.complete = true;
  }

  /** Copies borrowed bytes before they go away. */
  settle(): void {
    if (this.borrowed === null) return;
    this.store.append(this.borrowed, this.borrowedStart, this.borrowedEnd);
    this.borrowed = null;
  }

  view(out: BufferView): void {
    if (this.borrowed !== null) {
      out.bytes = this.borrowed;
      out.start = this.borrowedStart;
      out.end = this.borrowedEnd;
    } else {
      out.bytes = this.store.bytes;
      out.start = 0;
      out.end = this.store.end;
    }
    out.streamOffset = this.streamOffset;
    out.fresh = Math.min(out.end, out.start + Math.max(0, this.inspected - this.streamOffset));
    out.complete = this.complete;
  }

  /** The listener has seen what is there. */
  shown(): void {
    this.inspected = this.streamOffset + this.length;
  }

  /** Bytes of the content, once it has ended; -1 where they are not known. */
  get size(): number {
    if (!this.cut) return this.length;
    return this.plain && this.left === 0 ? this.transferred : -1;
  }

  /** @param hash one bit of `FileHash`, of a content that has ended and is longer than what is kept */
  digest(hash: number): Uint8Array | undefined {
    return this.size < 0 ? undefined : this.hashes.digest(hash);
  }

  heldBytes(): number {
    let held = OWN_BYTES + this.store.bytes.length + this.hashes.count * HASH_BYTES;
    if (this.layers > 0) {
      for (const decoder of this.decoders) held += decoder.heldBytes();
      for (const stage of this.stages) held += stage.bytes.length;
    }
    return held;
  }

  /** Makes the body as new and gives its memory back. */
  clear(): void {
    this.streamOffset = 0;
    this.transferred = 0;
    this.complete = false;
    this.cut = false;
    this.inspected = 0;
    this.left = 0;
    this.statusLine = 0;
    this.plain = false;
    this.hashes.clear();
    this.chunks.clear();
    this.borrowed = null;
    this.store.clear();
    this.endDecoding();
  }

  private endDecoding(): void {
    if (this.layers === 0) return;
    for (const decoder of this.decoders) decoder.give();
    for (const stage of this.stages) stage.clear();
    this.decoders.length = 0;
    this.layers = 0;
  }

  private sinkOf(layer: number): PooledBytes {
    return layer === this.layers - 1 ? this.store : this.stages[layer];
  }

  private keep(bytes: Uint8Array, start: number, end: number): void {
    const count = Math.max(0, Math.min(end - start, this.store.limit - this.streamOffset - this.length));
    if (count > 0) this.hold(bytes, start, start + count);
    if (start + count < end) this.outgrow(bytes, start + count, end);
  }

  private hold(bytes: Uint8Array, start: number, end: number): void {
    if (this.borrowed === null && this.store.end === 0) {
      this.borrowed = bytes;
      this.borrowedStart = start;
      this.borrowedEnd = end;
      return;
    }
    if (this.borrowed === bytes && this.borrowedEnd === start) {
      this.borrowedEnd = end;
      return;
    }
    this.settle();
    this.store.append(bytes, start, end);
  }

  /** Bytes beyond the limit are not kept. Hashes begin with what is. */
  private outgrow(bytes: Uint8Array, start: number, end: number): void {
    const { hashes } = this;
    if (!this.cut && this.plain && this.files !== null && this.files.hashes !== 0) {
      hashes.begin(this.files.hashes);
      if (this.borrowed !== null) hashes.update(this.borrowed, this.borrowedStart, this.borrowedEnd);
      else hashes.update(this.store.bytes, 0, this.store.end);
    }
    this.cut = true;
    hashes.update(bytes, start, end);
  }

  private decode(bytes: Uint8Array, start: number, end: number): number {
    let notices = this.decoders[0].push(bytes, start, end, this.sinkOf(0));
    for (let i = 1; i < this.layers; i++) {
      // A stage keeps all it was given, because its own decoder refers back to it.
      const stage = this.stages[i - 1];
      notices |= this.decoders[i].push(stage.bytes, this.stageTaken[i - 1], stage.end, this.sinkOf(i));
      this.stageTaken[i - 1] = stage.end;
    }
    return notices;
  }
}
