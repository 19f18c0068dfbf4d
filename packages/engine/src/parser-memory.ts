import type { ExceptionPolicy } from '@portcullis/reassembly';

export interface ParserMemoryOptions {
  /** Bytes that the parsers of all flows may take together (`app-layer.memcap`). */
  memcap: number;
  /** What becomes of a connection whose parser has to give way: it goes on without one, or it is dropped. */
  policy: ExceptionPolicy;
}

export const defaultParserMemory: ParserMemoryOptions = { memcap: 256 << 20, policy: 'open' };

/** Flows of a kind that are compared before one of them gives way. */
const COMPARED = 64;
/** Slots that are looked at for flows of a kind once there is one of the other. */
const LOOKED_AT = 1024;

/** What the parsers of all flows take, by slot of the flow table. */
export class ParserMemory {
  /** Bytes that all of them take. */
  total = 0;
  /** Four bytes for each flow there is room for: a list in the order of silence would take three times as much. */
  private readonly taken: Uint32Array;
  /** Of these, what the parser takes by itself, whatever it holds of its flow. */
  private readonly own: Uint16Array;
  /** No slot from here on has ever taken anything. */
  private highWater = 0;
  private cursor = 0;

  /** @param flows slots of the flow table */
  constructor(
    flows: number,
    readonly memcap: number,
  ) {
    this.taken = new Uint32Array(flows);
    this.own = new Uint16Array(flows);
  }

  /**
   * @param held bytes that are kept of the flow now, less than 4 GB
   * @param own bytes that its parser takes by itself, less than 64 KB
   */
  note(slot: number, held: number, own: number): void {
    const { taken } = this;
    this.total += held + own - (taken[slot] as number);
    taken[slot] = held + own;
    this.own[slot] = own;
    if (slot >= this.highWater) this.highWater = slot + 1;
  }

  /**
   * Whose parser is missed least: among the next few that hold something of their flow, the one that has been silent longest. Where
   * there are none, among those between two messages: or long quiet connections would give way to those that hoard.
   *
   * @param table tells when a flow was last seen
   * @returns its slot; -1: no flow has a parser
   */
  longestSilent(table: { lastSeen(slot: number): number }): number {
    const { taken, own, highWater } = this;
    let holder = -1;
    let earliestHolder = Number.POSITIVE_INFINITY;
    let holders = 0;
    let idle = -1;
    let earliestIdle = Number.POSITIVE_INFINITY;
    let idles = 0;
    let slot = this.cursor;
    for (let looked = 0; looked < highWater && holders < COMPARED; looked++, slot++) {
      if (slot >= highWater) slot = 0;
      if (looked >= LOOKED_AT && holders + idles > 0) break;
      const bytes = taken[slot] as number;
      if (bytes === 0) continue;
      if (bytes > (own[slot] as number)) {
        holders++;
        const seen = table.lastSeen(slot);
        if (seen >= earliestHolder) continue;
        earliestHolder = seen;
        holder = slot;
      } else if (idles < COMPARED) {
        idles++;
        const seen = table.lastSeen(slot);
        if (seen >= earliestIdle) continue;
        earliestIdle = seen;
        idle = slot;
      }
    }
    this.cursor = slot;
    return holder < 0 ? idle : holder;
  }
}
