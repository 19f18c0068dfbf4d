import type { ExceptionPolicy } from '@portcullis/reassembly';

export interface ParserMemoryOptions {
  /** Bytes that the parsers of all flows may hold together (`app-layer.memcap`). */
  memcap: number;
  /** What becomes of a connection whose parser has to give way: it goes on without one, or it is dropped. */
  policy: ExceptionPolicy;
}

export const defaultParserMemory: ParserMemoryOptions = { memcap: 256 << 20, policy: 'open' };

/** No flow: slots are kept one higher, so that fresh tables say it. */
const NONE = 0;

/**
 * What the parsers of all flows hold, by slot of the flow table, and which of these flows has been silent longest:
 * a doubly linked list over typed arrays, the one that spoke last at its end. A flow that holds nothing is not in it.
 */
export class ParserMemory {
  /** Bytes that all of them hold. */
  total = 0;
  private readonly held: Float64Array;
  private readonly older: Uint32Array;
  private readonly newer: Uint32Array;
  private oldestLink = NONE;
  private newestLink = NONE;

  /** @param flows slots of the flow table */
  constructor(
    flows: number,
    readonly memcap: number,
  ) {
    this.held = new Float64Array(flows + 1);
    this.older = new Uint32Array(flows + 1);
    this.newer = new Uint32Array(flows + 1);
  }

  /** The flow has spoken, and its parser holds so many bytes now. */
  note(slot: number, bytes: number): void {
    const link = slot + 1;
    const { held } = this;
    const before = held[link] as number;
    if (before === 0 && bytes === 0) return;
    this.total += bytes - before;
    held[link] = bytes;
    if (before !== 0) {
      if (bytes !== 0 && link === this.newestLink) return;
      this.takeOut(link);
    }
    if (bytes !== 0) this.append(link);
  }

  /** The slot of the flow that holds something and has been silent longest; -1: none holds anything. */
  get oldest(): number {
    return this.oldestLink - 1;
  }

  private append(link: number): void {
    this.older[link] = this.newestLink;
    this.newer[link] = NONE;
    if (this.newestLink === NONE) this.oldestLink = link;
    else this.newer[this.newestLink] = link;
    this.newestLink = link;
  }

  private takeOut(link: number): void {
    const older = this.older[link] as number;
    const newer = this.newer[link] as number;
    if (older === NONE) this.oldestLink = newer;
    else this.newer[older] = newer;
    if (newer === NONE) this.newestLink = older;
    else this.older[newer] = older;
  }
}
