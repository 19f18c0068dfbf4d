/** Lists of ports that are kept at a time, 8 KiB each; without a list every port counts as new. */
const MAX_PORT_LISTS = 256;
const LIST_WORDS = 65_536 / 32;
const NOBODY = 0;

/**
 * Ports that were seen, by the place of a threshold entry. Threads may share it where each has locked the place that it
 * asks for.
 */
export class PortCounts {
  static readonly BYTES = MAX_PORT_LISTS * (1 + LIST_WORDS) * 4;

  /** By list: the place that it belongs to, plus one. */
  private readonly owners: Int32Array;
  private readonly ports: Uint32Array;

  /** @param offset of its `BYTES` in the memory, a multiple of four */
  constructor(memory: ArrayBufferLike, offset = 0) {
    this.owners = new Int32Array(memory, offset, MAX_PORT_LISTS);
    this.ports = new Uint32Array(memory, offset + MAX_PORT_LISTS * 4, MAX_PORT_LISTS * LIST_WORDS);
  }

  /** @returns whether the port is new */
  add(place: number, port: number): boolean {
    let list = this.listOf(place);
    if (list < 0) {
      list = this.claim(place);
      if (list < 0) return true;
    }
    const at = list * LIST_WORDS + (port >> 5);
    const bit = 1 << (port & 31);
    if ((this.ports[at] & bit) !== 0) return false;
    this.ports[at] |= bit;
    return true;
  }

  /** Forgets the ports of the place. */
  release(place: number): void {
    const list = this.listOf(place);
    if (list >= 0) Atomics.store(this.owners, list, NOBODY);
  }

  private listOf(place: number): number {
    return this.owners.indexOf(place + 1);
  }

  /** @returns an empty list, -1 where there is none left */
  private claim(place: number): number {
    for (let list = 0; list < MAX_PORT_LISTS; list++) {
      if (Atomics.compareExchange(this.owners, list, NOBODY, place + 1) !== NOBODY) continue;
      this.ports.fill(0, list * LIST_WORDS, (list + 1) * LIST_WORDS);
      return list;
    }
    return -1;
  }
}
