/** Lists of ports that are kept at a time, 8 KiB each; without a list every port counts as new. */
const MAX_PORT_LISTS = 256;

/** Ports that were seen, by the place of a threshold entry. */
export class PortCounts {
  private readonly lists = new Map<number, Uint32Array>();
  private readonly spare: Uint32Array[] = [];

  /** @returns whether the port is new */
  add(place: number, port: number): boolean {
    let list = this.lists.get(place);
    if (!list) {
      if (this.lists.size >= MAX_PORT_LISTS) return true;
      list = this.spare.pop() ?? new Uint32Array(65_536 / 32);
      this.lists.set(place, list);
    }
    const bit = 1 << (port & 31);
    if ((list[port >> 5] & bit) !== 0) return false;
    list[port >> 5] |= bit;
    return true;
  }

  clear(place: number): void {
    this.lists.get(place)?.fill(0);
  }

  release(place: number): void {
    if (this.lists.size === 0) return;
    const list = this.lists.get(place);
    if (!list) return;
    this.lists.delete(place);
    list.fill(0);
    this.spare.push(list);
  }
}
