/** Bits of one flow above this count are refused and counted. */
export const MAX_FLOW_BITS = 256;
/** Stream rules of one direction that may wait for more bytes. */
export const MAX_STREAM_WAITING = 8;

/** What rules remember of one flow. Exists only while there is something to remember. */
export class FlowMatchState {
  /** Names (numbers of the `NameTable`) of the flow bits that are set; few, so a list is smaller than a set. */
  readonly bits: number[] = [];
  /** Rule set that `waiting` belongs to: rule numbers mean nothing to another one. */
  generation = 0;
  /**
   * Stream rules whose fast pattern was seen and which later bytes may still complete: three numbers each: direction,
   * rule, stream offset behind which the fast pattern is no longer in the window.
   */
  readonly waiting: number[] = [];

  has(bit: number): boolean {
    const bits = this.bits;
    for (let i = 0; i < bits.length; i++) if (bits[i] === bit) return true;
    return false;
  }

  /** @returns false where the flow has as many bits as it may have. */
  set(bit: number): boolean {
    if (this.has(bit)) return true;
    if (this.bits.length >= MAX_FLOW_BITS) return false;
    this.bits.push(bit);
    return true;
  }

  unset(bit: number): void {
    const bits = this.bits;
    for (let i = 0; i < bits.length; i++) {
      if (bits[i] !== bit) continue;
      bits[i] = bits[bits.length - 1];
      bits.pop();
      return;
    }
  }

  get empty(): boolean {
    return this.bits.length === 0 && this.waiting.length === 0;
  }
}
