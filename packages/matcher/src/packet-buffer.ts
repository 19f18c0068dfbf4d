import type { BufferView } from '@portcullis/protocols';
import type { InspectionContext } from './context';
import { type BufferStep, Evaluation } from './evaluation';
import type { PacketTest } from './keyword';
import { DEFAULT_LIMITS } from './matcher-limits';
import type { Transform } from './transform';

/** A part of the packet that rules look at like a buffer: a header, an address. */
export interface PacketBuffer {
  readonly name: string;
  /** Bits of `FlowFact`, as in `PacketTest`. */
  readonly asks?: number;
  /** There may be several of them in a packet: one that matches is enough. */
  readonly multiple?: boolean;
  /** @returns false where the packet has no such part, or no more of them */
  fill(context: InspectionContext, out: BufferView, index: number): boolean;
}

const view: BufferView = {
  bytes: new Uint8Array(0),
  start: 0,
  end: 0,
  streamOffset: 0,
  fresh: 0,
  complete: true,
};

/** Headers are small: what transforms make of one that is larger than this is left out. */
const SCRATCH = 1 << 16;
const scratch = new Uint8Array(SCRATCH);

// Packet tests run before any buffer is looked at, never within the evaluation of one: they share this one.
let evaluation: Evaluation | null = null;

/** Asks the steps of a rule of one part of the packet. */
export class PacketBufferTest implements PacketTest {
  readonly asks: number;

  constructor(
    private readonly buffer: PacketBuffer,
    private readonly transforms: readonly Transform[],
    private readonly steps: readonly BufferStep[],
  ) {
    this.asks = buffer.asks ?? 0;
  }

  matches(context: InspectionContext): boolean {
    for (let index = 0; this.buffer.fill(context, view, index); index++) {
      if (this.viewMatches(context)) return true;
      if (this.buffer.multiple !== true) return false;
    }
    return false;
  }

  private viewMatches(context: InspectionContext): boolean {
    let { bytes, start, end } = view;
    let used = 0;
    for (const transform of this.transforms) {
      if (used + transform.outputBound(end - start) > SCRATCH) return false;
      end = transform.apply(bytes, start, end, scratch, used);
      if (end < 0) return false;
      bytes = scratch;
      start = used;
      used = end;
    }
    evaluation ??= new Evaluation(context, DEFAULT_LIMITS);
    evaluation.context = context;
    evaluation.refill();
    return evaluation.matches(this.steps, bytes, start, end, 0, true);
  }
}
