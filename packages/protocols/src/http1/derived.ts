/**
 * Scratch for buffers that are not bytes of the message as they stand: normalised URI, header block, joined values.
 *
 * They are built when asked for and kept for as long as the same transaction is looked at, so that many rules asking
 * for one buffer build it once. One scratch serves all flows of a worker.
 */

import type { BufferView } from '../transaction';

const IDLE_BYTES = 1 << 16;
/** A view of a buffer that is built anew at each call must not grow the scratch without bound. */
const LARGEST = 1 << 20;
const SLOTS = 128;

export class DerivedBuffers {
  /** Where a build writes: `bytes` from `end` on, up to what `room` was asked for. */
  bytes = new Uint8Array(IDLE_BYTES);
  end = 0;
  private owner: object | null = null;
  private serial = 0;
  private readonly starts = new Int32Array(SLOTS);
  private readonly ends = new Int32Array(SLOTS);
  private readonly stamps = new Uint32Array(SLOTS);
  /** The scratch that each buffer was built in: growing leaves older ones where they are. */
  private readonly arrays = new Array<Uint8Array>(SLOTS).fill(this.bytes);
  /** Another scratch than `bytes` may stand in `arrays`. */
  private grown = false;
  private stamp = 1;

  /** Finds a buffer built before for the same owner. @param slot below `SLOTS` */
  find(owner: object, serial: number, slot: number, out: BufferView): boolean {
    if (this.owner !== owner || this.serial !== serial || this.stamps[slot] !== this.stamp) return false;
    out.bytes = this.arrays[slot];
    out.start = this.starts[slot];
    out.end = this.ends[slot];
    return true;
  }

  /** Begins a build: afterwards `bytes` has `size` bytes of room behind `end`. */
  room(owner: object, serial: number, size: number): void {
    if (this.owner !== owner || this.serial !== serial || this.end + size > LARGEST) {
      this.owner = owner;
      this.serial = serial;
      this.end = 0;
      this.stamp = (this.stamp + 1) >>> 0;
      if (this.stamp === 0) {
        this.stamps.fill(0);
        this.stamp = 1;
      }
      if (this.bytes.length > 4 * IDLE_BYTES) this.bytes = new Uint8Array(IDLE_BYTES);
      if (this.grown) this.arrays.fill(this.bytes);
      this.grown = false;
    }
    if (this.end + size > this.bytes.length) {
      // Views of the old scratch stay right: it is left alone from here on.
      this.bytes = new Uint8Array(Math.max(this.end + size, this.bytes.length * 2));
      this.grown = true;
    }
  }

  /** Ends a build that has written up to `end`. @param slot where `find` finds it, or -1 */
  finish(slot: number, end: number, out: BufferView): void {
    out.bytes = this.bytes;
    out.start = this.end;
    out.end = end;
    if (slot >= 0) {
      this.arrays[slot] = this.bytes;
      this.starts[slot] = this.end;
      this.ends[slot] = end;
      this.stamps[slot] = this.stamp;
      this.end = end;
    }
  }
}
