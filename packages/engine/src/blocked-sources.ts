/**
 * Sources that this worker has just seen attack. The kernel's ban takes a few milliseconds to arrive; until
 * then, and for packets that were already in the queue, the worker drops what comes from them itself.
 *
 * A small direct-mapped table: two sources that share a place push each other out, which costs nothing but a
 * few packets inspected in vain. Entries end by themselves, because the kernel's ban is what counts.
 */
export class BlockedSources {
  private static readonly PLACES = 1024;
  private readonly words = new Uint32Array(BlockedSources.PLACES * 4);
  private readonly until = new Float64Array(BlockedSources.PLACES);
  private lastUntil = 0;

  /** @param holdMicros how long an entry lasts */
  constructor(private readonly holdMicros: number) {}

  add(source: Uint32Array, nowMicros: number): void {
    const place = placeOf(source);
    for (let word = 0; word < 4; word++) this.words[place * 4 + word] = source[word] as number;
    this.until[place] = nowMicros + this.holdMicros;
    this.lastUntil = nowMicros + this.holdMicros;
  }

  has(source: Uint32Array, nowMicros: number): boolean {
    if (nowMicros >= this.lastUntil) return false;
    const place = placeOf(source);
    if (nowMicros >= (this.until[place] as number)) return false;
    const { words } = this;
    const first = place * 4;
    return (
      words[first] === source[0] &&
      words[first + 1] === source[1] &&
      words[first + 2] === source[2] &&
      words[first + 3] === source[3]
    );
  }

  /** An administrator has lifted a ban: forget everybody, the kernel knows who is still banned. */
  clear(): void {
    this.until.fill(0);
    this.lastUntil = 0;
  }
}

function placeOf(source: Uint32Array): number {
  let hash = Math.imul((source[0] as number) ^ ((source[1] as number) >>> 3), 0x9e3779b1);
  hash ^= Math.imul((source[2] as number) + (source[3] as number), 0x85ebca6b);
  hash ^= hash >>> 15;
  return hash & 1023;
}
