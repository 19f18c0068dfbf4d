import { NO_BYTES } from '../buffer-pool';
import type { BufferView, Direction, MatchState, Transaction } from '../transaction';

/** Progress of a frame whose last byte is there; before, it is 0. */
export const FRAME_COMPLETE = 1;

/** A part of a protocol's messages as it travelled: a run of bytes, which may still grow. */
export class Frame implements Transaction {
  /** No transaction has such a number, and no other frame of the same packet: below -1. */
  id = -2;
  matchState: MatchState = null;
  /** Number of its buffer. */
  kind = -1;
  bytes: Uint8Array = NO_BYTES;
  start = 0;
  end = 0;
  /** As in `BufferView`. */
  streamOffset = 0;
  fresh = 0;
  complete = false;

  progress(_direction: Direction): number {
    return this.complete ? FRAME_COMPLETE : 0;
  }

  buffer(id: number, index: number, out: BufferView): boolean {
    if (id !== this.kind || index !== 0) return false;
    out.bytes = this.bytes;
    out.start = this.start;
    out.end = this.end;
    out.streamOffset = this.streamOffset;
    out.fresh = this.fresh;
    out.complete = this.complete;
    return true;
  }

  /** Lets its bytes go. */
  forget(): void {
    this.bytes = NO_BYTES;
    this.matchState = null;
  }
}
