import type { ExceptionPolicy } from '@portcullis/reassembly';

export interface ParserMemoryOptions {
  /** Bytes that the parsers of all flows may hold together (`app-layer.memcap`). */
  memcap: number;
  /** What becomes of a connection whose parser has to give way: it goes on without one, or it is dropped. */
  policy: ExceptionPolicy;
}

export const defaultParserMemory: ParserMemoryOptions = { memcap: 256 << 20, policy: 'open' };

/** Flows that are compared before one of them gives way. */
const COMPARED = 64;

/** What the parsers of all flows hold, by slot of the flow table. */
export class ParserMemory {
  /** Bytes that all of them hold. */
  total = 0;
  /** Four bytes for each flow there is room for: a list in the order of silence would take three times as much. */
  private readonly held: Uint32Array;
  /** No slot from here on has ever held anything. */
  private highWater = 0;
  private cursor = 0;

  /** @param flows slots of the flow table */
  constructor(
    flows: number,
    readonly memcap: number,
  ) {
    this.held = new Uint32Array(flows);
  }

  /** The flow's parser holds so many bytes now, less than 4 GiB. */
  note(slot: number, bytes: number): void {
    const { held } = this;
    this.total += bytes - (held[slot] as number);
    held[slot] = bytes;
    if (slot >= this.highWater) this.highWater = slot + 1;
  }

  /**
   * Whose parser is missed least: among the next few that hold something, the flow that has been silent longest.
   *
   * @param table tells when a flow was last seen
   * @returns its slot; -1: none holds anything
   */
  longestSilent(table: { lastSeen(slot: number): number }): number {
    const { held, highWater } = this;
    let found = -1;
    let earliest = Number.POSITIVE_INFINITY;
    let slot = this.cursor;
    let compared = 0;
    for (let left = highWater; left > 0 && compared < COMPARED; left--, slot++) {
      if (slot >= highWater) slot = 0;
      if (held[slot] === 0) continue;
      compared++;
      const seen = table.lastSeen(slot);
      if (seen >= earliest) continue;
      earliest = seen;
      found = slot;
    }
    this.cursor = slot;
    return found;
  }
}
