import { FirewallError } from './errors';

/**
 * What the bits inside the configured mask mean. Bits outside the mask belong to others and are never touched.
 *
 * ```
 * mask 0x00f00000        value (3 bits)          bypassed
 *                     ┌────────┬────────┬──────┬──────┐
 *                     │ bit 23 │ bit 22 │  21  │  20  │
 *                     └────────┴────────┴──────┴──────┘
 * value 0             not assigned
 *       1 … Q         the connection's queue (only written where there is more than one queue)
 *       Q + 1         the kernel has not seen its beginning, so that its directions mean nothing (1 with one queue)
 *       top two       "offloaded", one per generation, in turn: a mark left by the last run, enable or reload is not
 *                     the current one and does not count
 * bypassed            the connection's last original-direction packet was accepted by the administrator's chain
 * all bits            packet mark only: this packet was injected by the engine and is not queued again
 * ```
 *
 * A connection mark with the bypass bit set has value 0 (the rules write all bits of the mask together), so
 * "all bits" never stands in a connection mark and cannot be restored from one. The other values stay below the top
 * two whatever the number of queues, so what an earlier run left there is never read as an offload.
 */
export class MarkLayout {
  readonly mask: number;
  readonly queues: number;
  /** Lowest bit of the mask. */
  readonly bypassBit: number;
  /** The other bits of the mask. */
  readonly valueMask: number;
  /** Packet mark of a packet the engine sends itself (`SO_MARK`). */
  readonly injected: number;
  /** The mark of a connection that was taken up in the middle. */
  readonly takenUpMark: number;
  private readonly valueShift: number;
  private readonly highestValue: number;
  /** Values 1 to this are queues: none where there is a single one, which nothing has to be remembered for. */
  private readonly queueValues: number;

  private constructor(mask: number, queues: number, shift: number, bits: number) {
    this.mask = mask;
    this.queues = queues;
    this.bypassBit = (1 << shift) >>> 0;
    this.valueMask = (mask & ~this.bypassBit) >>> 0;
    this.injected = mask;
    this.valueShift = shift + 1;
    this.highestValue = 2 ** (bits - 1) - 1;
    this.queueValues = queues > 1 ? queues : 0;
    this.takenUpMark = this.markOf(this.queueValues + 1);
  }

  /**
   * @param mask   the bits of packet and connection marks that are ours, side by side (default 0x00f00000)
   * @param queues how many queues connections are spread over
   * @throws FirewallError MARK_MASK_INVALID
   */
  static from(mask: number, queues: number): MarkLayout {
    const hex = `0x${(mask >>> 0).toString(16).padStart(8, '0')}`;
    if (!Number.isInteger(mask) || mask <= 0 || mask > 0xffffffff) {
      throw new FirewallError('MARK_MASK_INVALID', `mark mask ${mask} is not a number from 1 to 0xffffffff.`);
    }
    if (!Number.isInteger(queues) || queues < 1) {
      throw new FirewallError('MARK_MASK_INVALID', `${queues} is not a number of queues.`);
    }
    const shift = 31 - Math.clz32(mask & -mask);
    const bits = 32 - Math.clz32(mask >>> shift);
    if (mask >>> shift !== 2 ** bits - 1) {
      throw new FirewallError('MARK_MASK_INVALID', `mark mask ${hex}: its bits must stand side by side.`);
    }
    const values = 1 + (queues > 1 ? queues : 0) + 1 + OFFLOAD_GENERATIONS;
    const needed = 1 + Math.ceil(Math.log2(values));
    if (bits < needed) {
      throw new FirewallError(
        'MARK_MASK_INVALID',
        `mark mask ${hex} has ${bits} bits, but ${queues} queue${queues > 1 ? 's need' : ' needs'} ${needed}: widen the mask or use fewer queues.`,
      );
    }
    return new MarkLayout(mask, queues, shift, bits);
  }

  /** The mark of a connection that belongs to queue `index` (0 is the first queue). */
  queueMark(index: number): number {
    if (!Number.isInteger(index) || index < 0 || index >= this.queues) {
      throw new RangeError(`queue index ${index} of ${this.queues}`);
    }
    return this.markOf(index + 1);
  }

  /** The mark that means "offloaded" in this generation. Any non-negative integer; its place in the rotation counts. */
  offloadMark(generation: number): number {
    if (!Number.isInteger(generation) || generation < 0) throw new RangeError(`generation ${generation}`);
    return this.markOf(this.highestValue - (generation % OFFLOAD_GENERATIONS));
  }

  /** The values (as marks) that mean nothing in this generation: the other of offloads, queues there are no more. */
  unusedMarks(generation: number): number[] {
    const current = this.offloadMark(generation);
    const marks: number[] = [];
    // With one queue what else is below the top two means nothing to the rules. A wide mask has room for very many values,
    // of which earlier runs have used few: what is not named here goes where its ends say.
    const every = this.queues > 1 && this.highestValue < 64;
    const from = every ? this.queueValues + 2 : this.highestValue - OFFLOAD_GENERATIONS + 1;
    for (let value = from; value <= this.highestValue; value++) {
      if (this.markOf(value) !== current) marks.push(this.markOf(value));
    }
    return marks;
  }

  /** A verdict's mark: `NFQA_MARK` replaces the whole mark, so the bits of others are carried over. */
  verdictMark(old: number, ours: number): number {
    return ((old & ~this.mask) | (ours & this.mask)) >>> 0;
  }

  private markOf(value: number): number {
    return (value << this.valueShift) >>> 0;
  }
}

/** How many offload generations there are before a value is used again. */
export const OFFLOAD_GENERATIONS = 2;
