import type { BufferCatalog } from './buffer-catalog';
import type { PatternSet } from './prefilter';
import type { Transform } from './transform';

/** Bits of `BufferSlot.kinds`; the progress at which the buffer is complete stands above them. */
export const BufferKind = { STREAMING: 1, MULTIPLE: 2 } as const;
export const PROGRESS_SHIFT = 2;

/** A buffer as the rules know it: a name and transforms, for whatever protocols have it. */
export class BufferSlot {
  /**
   * By `protocol * 2 + direction`, and behind those of all protocols the same for their frames: `BufferKind` bits and
   * progress of the buffer, -1 where the protocol has none. In one number because each look into another array may be a
   * cache miss, and this is asked for every rule.
   */
  readonly kinds: Int32Array;
  /** By the same: the parser's number of the buffer. */
  readonly ids: Int32Array;
  /** It is a frame, no part of a transaction. */
  readonly isFrame: boolean;
  /** By direction. */
  readonly patterns: [PatternSet | null, PatternSet | null] = [null, null];

  constructor(
    readonly number: number,
    readonly name: string,
    readonly transforms: readonly Transform[],
    catalog: BufferCatalog,
  ) {
    const size = catalog.planCount;
    this.ids = new Int32Array(size).fill(-1);
    this.kinds = new Int32Array(size).fill(-1);
    this.isFrame = catalog.isFrame(name);
    for (const definition of catalog.definitions(name)) {
      const protocol = catalog.protocolNumber(definition.protocol);
      for (const direction of definition.directions) {
        const at = protocol * 2 + direction + (this.isFrame ? catalog.firstFramePlan : 0);
        this.ids[at] = definition.id;
        this.kinds[at] =
          (definition.progress << PROGRESS_SHIFT) |
          (definition.streaming ? BufferKind.STREAMING : 0) |
          (definition.multiple ? BufferKind.MULTIPLE : 0);
      }
    }
  }

  isStreaming(at: number): boolean {
    return this.kinds[at] >= 0 && (this.kinds[at] & BufferKind.STREAMING) !== 0;
  }

  progress(at: number): number {
    return this.kinds[at] >> PROGRESS_SHIFT;
  }
}
