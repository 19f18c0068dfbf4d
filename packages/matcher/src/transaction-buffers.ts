import type { BufferView, Transaction } from '@portcullis/protocols';
import type { BufferSlot } from './buffer-slot';

const NO_BYTES = new Uint8Array(0);
const FIRST_SCRATCH = 1 << 16;

class View implements BufferView {
  bytes: Uint8Array = NO_BYTES;
  start = 0;
  end = 0;
  streamOffset = 0;
  fresh = 0;
  complete = false;
}

/**
 * The buffers of the transaction in hand, each fetched and transformed once however many rules look at it.
 */
export class TransactionBuffers {
  /** Buffers left out because transforms had used up the memory they may use. */
  overflow = 0;

  private readonly views: View[];
  private readonly stamps: Uint32Array;
  private readonly indexes: Int32Array;
  private readonly present: Uint8Array;
  private readonly raw = new View();
  private scratch = new Uint8Array(FIRST_SCRATCH);
  private used = 0;
  private stamp = 0;
  private transaction: Transaction | null = null;
  private at = 0;

  /** @param memory bytes that transforms may use for one transaction */
  constructor(
    slots: readonly BufferSlot[],
    private readonly memory: number,
  ) {
    this.views = slots.map(() => new View());
    this.stamps = new Uint32Array(slots.length);
    this.indexes = new Int32Array(slots.length);
    this.present = new Uint8Array(slots.length);
  }

  /** @param at protocol number times two plus direction */
  begin(transaction: Transaction, at: number): void {
    this.transaction = transaction;
    this.at = at;
    this.used = 0;
    this.stamp = (this.stamp + 1) >>> 0;
    if (this.stamp === 0) {
      this.stamps.fill(0);
      this.stamp = 1;
    }
  }

  /** Lets the transaction go. */
  end(): void {
    this.transaction = null;
  }

  /** @returns null where the transaction has no such buffer */
  get(slot: BufferSlot, index: number): BufferView | null {
    const { number } = slot;
    const view = this.views[number];
    if (this.stamps[number] === this.stamp && this.indexes[number] === index) {
      return this.present[number] === 1 ? view : null;
    }
    this.stamps[number] = this.stamp;
    this.indexes[number] = index;
    const there = this.load(slot, index, view);
    this.present[number] = there ? 1 : 0;
    return there ? view : null;
  }

  /** The parser's buffer `id` as it is. @returns null where the transaction has none */
  source(id: number): BufferView | null {
    const { raw, transaction } = this;
    return transaction?.buffer(id, 0, raw) === true ? raw : null;
  }

  /** Occurrences of the buffer that the matcher has seen as they are: see `Transaction.seenOccurrences`. */
  seenOf(slot: BufferSlot): number {
    return this.transaction?.seenOccurrences?.(slot.ids[this.at]) ?? 0;
  }

  private load(slot: BufferSlot, index: number, view: View): boolean {
    const id = slot.ids[this.at];
    if (id < 0 || this.transaction === null) return false;
    if (slot.transforms.length === 0) return this.transaction.buffer(id, index, view);
    const { raw } = this;
    if (!this.transaction.buffer(id, index, raw)) return false;
    let { bytes, start, end } = raw;
    for (const transform of slot.transforms) {
      const room = transform.outputBound(end - start);
      if (!this.reserve(room)) {
        this.overflow++;
        return false;
      }
      const begin = this.used;
      end = transform.apply(bytes, start, end, this.scratch, begin);
      if (end < 0) return false;
      bytes = this.scratch;
      start = begin;
      this.used = end;
    }
    view.bytes = bytes;
    view.start = start;
    view.end = end;
    view.streamOffset = raw.streamOffset;
    // What is new in a transformed buffer cannot be told: all of it is looked at again.
    view.fresh = raw.fresh < raw.end ? start : end;
    view.complete = raw.complete;
    return true;
  }

  private reserve(size: number): boolean {
    if (this.used + size <= this.scratch.length) return true;
    if (this.used + size > this.memory) return false;
    // Views of the old scratch keep it alive until they are filled anew.
    const larger = new Uint8Array(Math.min(this.memory, Math.max(this.used + size, this.scratch.length * 2)));
    this.scratch = larger;
    return true;
  }
}
