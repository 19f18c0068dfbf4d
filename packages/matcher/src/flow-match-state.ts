/** Bits of one flow above this count are refused and counted. */
export const MAX_FLOW_BITS = 256;
/** Stream rules of one direction that may wait for more bytes. */
export const MAX_STREAM_WAITING = 8;

/** Rules that look at buffers and whose raw contents were seen in a stream window still held. */
export const MAX_RAW_FOUND = 32;

/** What rules remember of one flow. Exists only while there is something to remember. */
export class FlowMatchState {
  /** Names (numbers of the `NameTable`) of the flow bits that are set; few, so a list is smaller than a set. */
  readonly bits: number[] = [];
  /** Rule set that `waiting` and `rawFound` belong to: rule numbers mean nothing to another one. */
  generation = 0;
  /**
   * Stream rules whose fast pattern was seen and which later bytes may still complete: three numbers each: direction,
   * rule, stream offset behind which the fast pattern is no longer in the window.
   */
  readonly waiting: number[] = [];

  /** Rules found by raw contents while a transaction is in progress: direction, rule, the same offset. */
  readonly rawFound: number[] = [];

  /** Forgets what belongs to another rule set. */
  belongTo(generation: number): void {
    if (this.generation === generation) return;
    this.generation = generation;
    this.waiting.length = 0;
    this.rawFound.length = 0;
  }

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

  /** @returns false where no more may be kept */
  keepRaw(direction: number, rule: number, until: number): boolean {
    const { rawFound } = this;
    for (let i = 0; i < rawFound.length; i += 3) {
      if (rawFound[i] !== direction || rawFound[i + 1] !== rule) continue;
      rawFound[i + 2] = until;
      return true;
    }
    if (rawFound.length >= MAX_RAW_FOUND * 3) return false;
    rawFound.push(direction, rule, until);
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
    return this.bits.length === 0 && this.waiting.length === 0 && this.rawFound.length === 0;
  }
}
