import { showBytes } from '../buffer-view';
import type { BufferView } from '../transaction';

/** Bytes of the texts of one list that are kept; older ones go. */
const MOST_BYTES = 32_768;
const FIRST_BYTES = 256;
/** Texts of one list; what comes behind is not looked at. */
const MOST_TEXTS = 4096;

/** Texts that come one after the other and are looked at together. */
export class TextList {
  count = 0;
  private bytes = new Uint8Array(FIRST_BYTES);
  private used = 0;
  private ends = new Int32Array(16);
  /** Texts before this one are no longer kept. */
  private base = 0;
  /** Texts that were there when the list was last shown. */
  private shown = 0;

  get heldBytes(): number {
    return this.bytes.length + 4 * this.ends.length;
  }

  add(from: Uint8Array, start: number, end: number): void {
    if (this.count >= MOST_TEXTS) return;
    const length = Math.min(end - start, MOST_BYTES);
    if (this.used + length > MOST_BYTES) {
      this.used = 0;
      this.base = this.count;
    }
    if (this.used + length > this.bytes.length) {
      const grown = new Uint8Array(Math.min(MOST_BYTES, Math.max(this.used + length, 2 * this.bytes.length)));
      grown.set(this.bytes.subarray(0, this.used));
      this.bytes = grown;
    }
    if (this.count === this.ends.length) {
      const more = new Int32Array(2 * this.ends.length);
      more.set(this.ends);
      this.ends = more;
    }
    this.bytes.set(from.subarray(start, start + length), this.used);
    this.used += length;
    this.ends[this.count++] = this.used;
  }

  /** Fills `out` with the text of that index; one that is no longer kept is empty. */
  show(index: number, out: BufferView): boolean {
    if (index >= this.count) return false;
    if (index < this.base) return showBytes(out, this.bytes, 0, 0);
    const start = index === this.base ? 0 : this.ends[index - 1];
    showBytes(out, this.bytes, start, this.ends[index]);
    if (index < this.shown) out.fresh = out.end;
    return true;
  }

  /** The text of an index, for those who tell of it. */
  text(index: number): string {
    if (index >= this.count || index < this.base) return '';
    const start = index === this.base ? 0 : this.ends[index - 1];
    return Buffer.from(this.bytes.subarray(start, this.ends[index])).toString('latin1');
  }

  /** All texts have been looked at. */
  passed(): void {
    this.shown = this.count;
  }
}
