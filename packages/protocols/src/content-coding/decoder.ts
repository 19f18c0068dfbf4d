/**
 * One content coding (RFC 9110 section 8.4.1) of a body. The name of the coding is a hint only: the first bytes decide,
 * as they do in browsers, and what turns out not to be coded goes through as it is.
 */

import type { PooledBytes } from '../buffer-pool';
import { BrotliDecoder } from './brotli';
import { Inflater, InflateStatus, Wrapper } from './inflate';
import { LzmaDecoder } from './lzma';

/** Bits of the result of `push` and `finish`: what happened for the first time. `LIMIT` is told by who holds the sink. */
export const DecoderNotice = { NONE: 0, FAILED: 1, BOMB: 2, LIMIT: 4 } as const;

/** Codings by their labels. gzip and deflate are told apart by their bytes; the others have none to be told by. */
export const Coding = { DEFLATE: 0, BROTLI: 1, LZMA: 2 } as const;

const Phase = { SNIFF: 0, INFLATE: 1, PASS: 2, IGNORE: 3, LABELLED: 4 } as const;

/** Coded bytes that can be passed on after all when decoding fails before it gave anything. */
const REPLAY_BYTES = 512;
/** What a decoder takes without that of a labelled coding; a test measures it. */
const OWN_BYTES = Inflater.BYTES + 2 * REPLAY_BYTES;
/** Decoders that wait for the next body; the rest is left to the garbage collector. */
const KEPT = 64;
/** So many bytes of text, and it is taken for text. */
const SNIFF_BYTES = 16;

const idle: ContentDecoder[] = [];

export class ContentDecoder {
  private phase: number = Phase.SNIFF;
  private taken = 0;
  private recorded = 0;
  private produced = false;
  /** A byte that no text holds was seen. */
  private binary = false;
  private outputStart = 0;
  /** Decoder of the coding that the label names; null for gzip and deflate. */
  private labelled: BrotliDecoder | LzmaDecoder | null = null;
  private readonly replay = new Uint8Array(REPLAY_BYTES);
  private readonly inflater = new Inflater();

  /** Memory of this decoder, in bytes. */
  heldBytes(): number {
    return OWN_BYTES + (this.labelled?.heldBytes() ?? 0);
  }

  /** One for as long as a body is decoded; `give` follows. */
  static take(): ContentDecoder {
    return idle.pop() ?? new ContentDecoder();
  }

  give(): void {
    this.letGo();
    if (idle.length < KEPT) idle.push(this);
  }

  /** @param coding one of `Coding` */
  begin(coding: number, sink: PooledBytes): void {
    this.letGo();
    this.phase = coding === Coding.DEFLATE ? Phase.SNIFF : Phase.LABELLED;
    if (coding === Coding.BROTLI) this.labelled = new BrotliDecoder();
    else if (coding === Coding.LZMA) this.labelled = new LzmaDecoder();
    this.labelled?.begin(sink);
    this.taken = 0;
    this.recorded = 0;
    this.produced = false;
    this.binary = false;
    this.outputStart = sink.end;
  }

  /** Decodes `bytes[start, end)` into the sink. @returns bits of `DecoderNotice` */
  push(bytes: Uint8Array, start: number, end: number, sink: PooledBytes): number {
    let from = start;
    if (this.phase === Phase.LABELLED) return this.undo(bytes, start, end, sink);
    if (this.phase === Phase.SNIFF) {
      while (from < end && this.phase === Phase.SNIFF) {
        const c = bytes[from++];
        this.replay[this.recorded++] = c;
        if (c >= 0x7f || (c < 0x20 && (c < 0x09 || c > 0x0d))) this.binary = true;
        if (this.binary ? this.recorded >= 2 : this.recorded === SNIFF_BYTES) this.decide(sink);
      }
      if (this.phase === Phase.SNIFF) return DecoderNotice.NONE;
      const { recorded } = this;
      let notice: number = DecoderNotice.FAILED;
      if (this.phase === Phase.INFLATE) notice = this.inflate(this.replay, 0, recorded, sink);
      else sink.append(this.replay, 0, recorded);
      return notice | this.push(bytes, from, end, sink);
    }
    if (this.phase === Phase.INFLATE) {
      if (!this.produced) {
        for (let i = from; i < end && this.recorded < REPLAY_BYTES; i++)
          this.replay[this.recorded++] = bytes[i];
      }
      return this.inflate(bytes, from, end, sink);
    }
    if (this.phase === Phase.PASS) sink.append(bytes, from, end);
    return DecoderNotice.NONE;
  }

  /** The coded body has ended. */
  finish(sink: PooledBytes): number {
    let notice: number = DecoderNotice.NONE;
    if (this.phase === Phase.LABELLED) notice = this.finishLabelled(sink);
    if (this.phase === Phase.SNIFF && this.recorded > 0) {
      sink.append(this.replay, 0, this.recorded);
      notice |= DecoderNotice.FAILED;
    }
    this.phase = Phase.IGNORE;
    return notice;
  }

  /** Decodes as the label says; what cannot be so coded is looked at as if it were labelled gzip. */
  private undo(bytes: Uint8Array, start: number, end: number, sink: PooledBytes): number {
    const decoder = this.labelled!;
    for (let i = start; i < end && this.recorded < REPLAY_BYTES; i++) this.replay[this.recorded++] = bytes[i];
    const status = decoder.push(bytes, start, end, sink);
    this.taken += end - start;
    if (status === InflateStatus.MORE) return DecoderNotice.NONE;
    if (status !== InflateStatus.INVALID) {
      this.letGo();
      this.phase = Phase.IGNORE;
      return DecoderNotice.NONE;
    }
    if (sink.end === this.outputStart && this.taken <= this.recorded) return this.startAgain(sink);
    sink.append(bytes, decoder.position, end);
    this.letGo();
    this.phase = Phase.PASS;
    return DecoderNotice.FAILED;
  }

  private finishLabelled(sink: PooledBytes): number {
    if (this.labelled instanceof LzmaDecoder) this.labelled.finish(sink);
    const nothing = sink.end === this.outputStart && this.recorded > 0;
    if (nothing && this.taken <= this.recorded && !this.labelled?.done) return this.startAgain(sink);
    this.letGo();
    return DecoderNotice.NONE;
  }

  /** What was taken so far is not coded as its label says. */
  private startAgain(sink: PooledBytes): number {
    this.letGo();
    const seen = this.replay.slice(0, this.recorded);
    this.recorded = 0;
    this.taken = 0;
    this.phase = Phase.SNIFF;
    return this.push(seen, 0, seen.length, sink);
  }

  private letGo(): void {
    this.labelled?.release();
    this.labelled = null;
  }

  /** What the recorded bytes begin: text is no coded stream, whatever its label says. */
  private decide(sink: PooledBytes): void {
    if (!this.binary) {
      this.phase = Phase.PASS;
      return;
    }
    this.phase = Phase.INFLATE;
    this.inflater.begin(sniff(this.replay[0], this.replay[1]), sink);
  }

  private inflate(bytes: Uint8Array, start: number, end: number, sink: PooledBytes): number {
    if (start >= end) return DecoderNotice.NONE;
    const { inflater } = this;
    const status = inflater.push(bytes, start, end, sink);
    this.taken += inflater.position - start;
    if (sink.end > this.outputStart) this.produced = true;
    switch (status) {
      case InflateStatus.MORE:
        return DecoderNotice.NONE;
      case InflateStatus.DONE:
        this.phase = Phase.IGNORE;
        return DecoderNotice.NONE;
      case InflateStatus.FULL:
        this.phase = Phase.IGNORE;
        return DecoderNotice.NONE;
      default:
        if (inflater.costly) {
          this.phase = Phase.IGNORE;
          return DecoderNotice.BOMB;
        }
        this.phase = Phase.PASS;
        if (!this.produced && this.taken <= REPLAY_BYTES) {
          sink.append(this.replay, 0, this.taken);
        } else {
          for (let i = 0, count = inflater.unusedBytes(); i < count; i++) {
            this.replay[0] = inflater.unusedByte(i);
            sink.append(this.replay, 0, 1);
          }
        }
        sink.append(bytes, inflater.position, end);
        return DecoderNotice.FAILED;
    }
  }
}

function sniff(first: number, second: number): number {
  if (first === 0x1f && second === 0x8b) return Wrapper.GZIP;
  if ((first & 15) === 8 && first >> 4 <= 7 && ((first << 8) | second) % 31 === 0) return Wrapper.ZLIB;
  return Wrapper.RAW;
}
