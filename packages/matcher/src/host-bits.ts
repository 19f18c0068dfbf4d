import { PlaceLocks } from './place-locks';

const WAYS = 8;
const KEY_WORDS = 10;
const SETS = 2048;

/** Entries there is room for; memory (about a megabyte) is taken with the first one. */
export const MAX_HOST_BITS = SETS * WAYS;

/** Whose bit it is: that of a host, or of two hosts whichever of them speaks. */
export type HostBitOwner = 'source' | 'destination' | 'pair';

interface Endpoints {
  readonly source: Uint32Array;
  readonly destination: Uint32Array;
}

/**
 * Bits that rules set for hosts and pairs of hosts (`xbits`, `hostbits`), until they expire by packet time. A table of
 * fixed size: eight places for each hash, of which the one that expires first is given up (and counted) when all are
 * taken. Threads that share its memory share the bits: connections of one host may be with any of them.
 */
export class HostBits {
  static readonly BYTES = MAX_HOST_BITS * (8 + KEY_WORDS * 4) + (SETS + 1) * 4;

  /** Bits given up before they expired. */
  evictions = 0;

  private keys: Uint32Array = new Uint32Array(0);
  /** Microseconds; 0: the place is free. */
  private expiries: Float64Array = new Float64Array(0);
  private locks = new PlaceLocks(new Int32Array(0));
  /** One word: whether there was ever a bit. */
  private used: Int32Array = new Int32Array(1);
  private readonly key = new Uint32Array(KEY_WORDS);

  /**
   * @param memory of `BYTES`, zero before the first table is made of it; null: its own
   * @param seed of the hashes, the same for all tables of a memory
   */
  constructor(
    memory: SharedArrayBuffer | null = null,
    private readonly seed = 0,
  ) {
    if (memory !== null) this.lieIn(memory);
  }

  private lieIn(memory: ArrayBufferLike): void {
    const keysAt = MAX_HOST_BITS * 8;
    const locksAt = keysAt + MAX_HOST_BITS * KEY_WORDS * 4;
    this.expiries = new Float64Array(memory, 0, MAX_HOST_BITS);
    this.keys = new Uint32Array(memory, keysAt, MAX_HOST_BITS * KEY_WORDS);
    this.locks = new PlaceLocks(new Int32Array(memory, locksAt, SETS));
    this.used = new Int32Array(memory, locksAt + SETS * 4, 1);
  }

  /** @param bit by `nameHash` */
  has(bit: number, owner: HostBitOwner, endpoints: Endpoints, now: number): boolean {
    if (this.used[0] === 0) return false;
    const set = this.fillKey(bit, owner, endpoints);
    this.locks.take(set);
    const place = this.find(set);
    const held = place >= 0 && this.expiries[place] >= now;
    this.locks.release(set);
    return held;
  }

  /** @param expires microseconds since 1970 */
  set(bit: number, owner: HostBitOwner, endpoints: Endpoints, now: number, expires: number): void {
    if (this.expiries.length === 0) this.lieIn(new ArrayBuffer(HostBits.BYTES));
    this.used[0] = 1;
    const set = this.fillKey(bit, owner, endpoints);
    this.locks.take(set);
    let place = this.find(set);
    if (place < 0) {
      const first = set * WAYS;
      place = first;
      for (let i = first; i < first + WAYS; i++) if (this.expiries[i] < this.expiries[place]) place = i;
      if (this.expiries[place] > now) this.evictions++;
      // Free first: should this thread be ended here, the place belongs to nobody.
      this.expiries[place] = 0;
      this.keys.set(this.key, place * KEY_WORDS);
    }
    this.expiries[place] = expires;
    this.locks.release(set);
  }

  unset(bit: number, owner: HostBitOwner, endpoints: Endpoints): void {
    if (this.used[0] === 0) return;
    const set = this.fillKey(bit, owner, endpoints);
    this.locks.take(set);
    const place = this.find(set);
    if (place >= 0) this.expiries[place] = 0;
    this.locks.release(set);
  }

  /** @returns the set of places that the key may be in */
  private fillKey(bit: number, owner: HostBitOwner, { source, destination }: Endpoints): number {
    const { key } = this;
    key.fill(0);
    key[8] = bit;
    key[9] = bit / 0x100000000;
    if (owner === 'pair') {
      const swapped = isAbove(source, destination);
      key.set(swapped ? destination : source, 0);
      key.set(swapped ? source : destination, 4);
      // A pair of equal addresses is not the host.
      key[9] |= 0x80000000;
    } else key.set(owner === 'source' ? source : destination, 0);
    let hash = this.seed ^ 0x9e3779b1;
    for (let i = 0; i < KEY_WORDS; i++) {
      hash = Math.imul(hash ^ key[i], 0x85ebca6b);
      hash ^= hash >>> 13;
    }
    return (hash >>> 4) & (SETS - 1);
  }

  private find(set: number): number {
    const { key, keys, expiries } = this;
    const first = set * WAYS;
    for (let place = first; place < first + WAYS; place++) {
      if (expiries[place] === 0) continue;
      const at = place * KEY_WORDS;
      let i = 0;
      while (i < KEY_WORDS && keys[at + i] === key[i]) i++;
      if (i === KEY_WORDS) return place;
    }
    return -1;
  }
}

function isAbove(a: Uint32Array, b: Uint32Array): boolean {
  for (let i = 0; i < 4; i++) if (a[i] !== b[i]) return a[i] > b[i];
  return false;
}
