const WAYS = 8;
const KEY_WORDS = 9;
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
 * taken. One per worker.
 */
export class HostBits {
  /** Bits given up before they expired. */
  evictions = 0;

  private keys = new Uint32Array(0);
  /** Microseconds; 0: the place is free. */
  private expiries = new Float64Array(0);
  private readonly key = new Uint32Array(KEY_WORDS);

  has(bit: number, owner: HostBitOwner, endpoints: Endpoints, now: number): boolean {
    if (this.expiries.length === 0) return false;
    const place = this.find(this.fillKey(bit, owner, endpoints));
    return place >= 0 && this.expiries[place] >= now;
  }

  /** @param expires microseconds since 1970 */
  set(bit: number, owner: HostBitOwner, endpoints: Endpoints, now: number, expires: number): void {
    if (this.expiries.length === 0) {
      this.keys = new Uint32Array(MAX_HOST_BITS * KEY_WORDS);
      this.expiries = new Float64Array(MAX_HOST_BITS);
    }
    const first = this.fillKey(bit, owner, endpoints);
    let place = this.find(first);
    if (place < 0) {
      place = first;
      for (let i = first; i < first + WAYS; i++) if (this.expiries[i] < this.expiries[place]) place = i;
      if (this.expiries[place] > now) this.evictions++;
      this.keys.set(this.key, place * KEY_WORDS);
    }
    this.expiries[place] = expires;
  }

  unset(bit: number, owner: HostBitOwner, endpoints: Endpoints): void {
    if (this.expiries.length === 0) return;
    const place = this.find(this.fillKey(bit, owner, endpoints));
    if (place >= 0) this.expiries[place] = 0;
  }

  /** @returns the first of the places that the key may be in */
  private fillKey(bit: number, owner: HostBitOwner, { source, destination }: Endpoints): number {
    const { key } = this;
    key.fill(0);
    key[8] = bit;
    if (owner === 'pair') {
      const swapped = isAbove(source, destination);
      key.set(swapped ? destination : source, 0);
      key.set(swapped ? source : destination, 4);
      // A pair of equal addresses is not the host.
      key[8] |= 0x80000000;
    } else key.set(owner === 'source' ? source : destination, 0);
    let hash = 0x9e3779b1;
    for (let i = 0; i < KEY_WORDS; i++) {
      hash = Math.imul(hash ^ key[i], 0x85ebca6b);
      hash ^= hash >>> 13;
    }
    return ((hash >>> 4) & (SETS - 1)) * WAYS;
  }

  private find(first: number): number {
    const { key, keys, expiries } = this;
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
