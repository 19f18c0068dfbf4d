/** A binary heap of (moment, number), earliest first. Numbers may stand in it several times; the caller knows which counts. */
export class ExpiryQueue {
  private readonly moments: number[] = [];
  private readonly keys: number[] = [];

  get size(): number {
    return this.moments.length;
  }

  /** undefined when empty. */
  get earliest(): number | undefined {
    return this.moments[0];
  }

  push(moment: number, key: number): void {
    const { moments, keys } = this;
    let at = moments.length;
    moments.push(moment);
    keys.push(key);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (moments[parent] <= moment) break;
      moments[at] = moments[parent];
      keys[at] = keys[parent];
      at = parent;
    }
    moments[at] = moment;
    keys[at] = key;
  }

  /** The number of the earliest entry at or before `moment`, taken out; undefined when there is none. */
  take(moment: number): number | undefined {
    const { moments, keys } = this;
    if (moments.length === 0 || moments[0] > moment) return undefined;
    const taken = keys[0];
    const lastMoment = moments.pop() as number;
    const lastKey = keys.pop() as number;
    const size = moments.length;
    if (size === 0) return taken;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && moments[child + 1] < moments[child]) child++;
      if (moments[child] >= lastMoment) break;
      moments[at] = moments[child];
      keys[at] = keys[child];
      at = child;
    }
    moments[at] = lastMoment;
    keys[at] = lastKey;
    return taken;
  }

  clear(): void {
    this.moments.length = 0;
    this.keys.length = 0;
  }
}
