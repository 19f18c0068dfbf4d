import type { BufferCatalog } from './buffer-catalog';
import type { PatternSet } from './prefilter';
import type { Transform } from './transform';

/** A buffer as the rules know it: a name and transforms, for whatever protocols have it. */
export class BufferSlot {
  /** By `protocol * 2 + direction`: the parser's number of the buffer, -1 where it has none. */
  readonly ids: Int32Array;
  /** By the same: the progress at which the buffer is complete. */
  readonly progress: Int32Array;
  readonly streaming: Uint8Array;
  readonly multiple: Uint8Array;
  /** By direction. */
  readonly patterns: [PatternSet | null, PatternSet | null] = [null, null];

  constructor(
    readonly number: number,
    readonly name: string,
    readonly transforms: readonly Transform[],
    catalog: BufferCatalog,
  ) {
    const size = (catalog.protocols.length + 1) * 2;
    this.ids = new Int32Array(size).fill(-1);
    this.progress = new Int32Array(size);
    this.streaming = new Uint8Array(size);
    this.multiple = new Uint8Array(size);
    for (const definition of catalog.definitions(name)) {
      const protocol = catalog.protocolNumber(definition.protocol);
      for (const direction of definition.directions) {
        const at = protocol * 2 + direction;
        this.ids[at] = definition.id;
        this.progress[at] = definition.progress;
        this.streaming[at] = definition.streaming ? 1 : 0;
        this.multiple[at] = definition.multiple ? 1 : 0;
      }
    }
  }
}
